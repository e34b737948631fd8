"""The command ``perplab run``: options, progress, summary, stored run, figures."""

import contextlib
import dataclasses
import json
import math
import pathlib
import time

from perplab.analysis.cli.progress import step_bar
from perplab.analysis.cli.terminal import Terminal, note, say
from perplab.analysis.cli.terminal_tables import run_table
from perplab.analysis.metrics.activity_metrics import warnings_of
from perplab.analysis.metrics.replay_fit import compare_replay
from perplab.analysis.metrics.scenario_words import acting_of
from perplab.analysis.metrics.summary import summarize
from perplab.scenarios.files.loader import checked
from perplab.scenarios.files.overrides import COMMAND_LINE, resolve, stated
from perplab.scenarios.files.validation import rulebook_of
from perplab.scenarios.runs.atomic_folders import real_folder, staged
from perplab.scenarios.runs.outcome import Checkpoint, locked_folder, planned_steps, run
from perplab.scenarios.runs.store import check_target, default_folder, write_run
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.faults import found

LEAST_HOURS, WIDTH = 0.001, 100
OPTIONS = {
    "file": "--spot",
    "column": "--column",
    "time_column": "--time-column",
    "start": "--start",
    "perp_column": "--perp-column",
    "funding_file": "--funding",
    "funding_column": "--funding-column",
    "funding_time_column": "--funding-time-column",
}


@dataclasses.dataclass(frozen=True)
class Options:
    """Options of ``perplab run``; `replay` and `comparison` map keys of a scenario to values."""

    scenario: str
    seed: int
    days: float | None
    settings: list
    out: pathlib.Path | None
    as_json: bool
    figures: bool
    replay: dict
    comparison: dict
    checkpoint_hours: float | None = None


def changes_of(options):
    """Return the changes that options make to a scenario, by dotted key."""
    changes = stated(options.settings, others=option_names(options))
    if options.days is not None:
        changes["days"] = options.days
    if options.replay:
        now = found(resolve(options.scenario, changes).tables, ["spot", "price"]) or {}
        earlier = now if now.get("process") == "replay" else {}
        if "column" not in earlier | options.replay:
            raise ParameterError(Fault("--column", None, "given: the column of prices of --spot"))
        changes["spot.price"] = {**earlier, "process": "replay", **options.replay}
    return changes | {f"comparison.{key}": value for key, value in options.comparison.items()}


def option_names(options):
    """Return the options that set a key of the scenario, by that key."""
    tables = {"spot.price": options.replay, "comparison": options.comparison}
    names = {f"{table}.{key}": OPTIONS[key] for table, values in tables.items() for key in values}
    return names | ({} if options.days is None else {"days": "--days"})


def run_scenario(options):
    """Run a scenario, print its summary, store it and draw its figures."""
    started, changes = time.perf_counter(), changes_of(options)
    resolved = resolve(options.scenario, changes, COMMAND_LINE)
    with named_as_given(resolved, options):
        scenario = checked(resolved)
        folder = options.out or default_folder(scenario, options.seed, bool(changes))
        check_target(folder)
        checkpoint = checkpoint_of(options.checkpoint_hours, folder)
        with locked_folder(checkpoint):
            outcome, real = run_and_write(options, scenario, folder, checkpoint, started)
    if options.figures:
        draw(folder, outcome, real)
    note(f"written to {folder}")


def checkpoint_of(hours, folder):
    """Return where and how often to save the state, None without checkpoints.

    Raises
    ------
    ParameterError
        If the hours are not finite or too few.
    """
    if hours is None:
        return None
    if not LEAST_HOURS <= hours < math.inf:
        raise ParameterError(
            Fault("--checkpoint-hours", hours, f"a finite number of hours, at least {LEAST_HOURS}")
        )
    return Checkpoint(real_folder(folder), hours)


def run_and_write(options, scenario, folder, checkpoint, started):
    """Run a scenario, write its folder and print its summary; then delete its checkpoint."""
    with step_bar(scenario.name, planned_steps(scenario)) as progress:
        outcome = run(scenario, options.seed, progress, checkpoint)
    real = real_beside(scenario)
    summary = summarize(outcome.records, outcome.twin) | (
        {} if real is None else {"real": compare_replay(outcome.records, real)}
    )
    summary["warnings"] = warnings_of(scenario, outcome.records)
    write_run(folder, outcome, summary, time.perf_counter() - started)
    print_summary(options, scenario, summary, outcome.records.meta)
    if checkpoint is not None:
        checkpoint.clear()
    return outcome, real


@contextlib.contextmanager
def named_as_given(resolved, options):
    """Name the file or the option of each refused value in errors of the block."""
    names = option_names(options)
    try:
        yield
    except ParameterError as error:
        faults = [resolved.located(fault) for fault in error.faults]
        raise ParameterError(
            *(
                dataclasses.replace(fault, key=names[fault.key], file="", line=None)
                if fault.file in ("", COMMAND_LINE) and fault.key in names
                else fault
                for fault in faults
            )
        ) from error


def print_summary(options, scenario, summary, meta):
    """Print the summary, as a table or as one JSON object, and its warnings."""
    for warning in summary["warnings"]:
        note(f"warning: {warning}")
    if options.as_json:
        say(json.dumps(summary, allow_nan=False))
    else:
        Terminal(WIDTH).print(run_table(scenario, summary, meta))


def real_beside(scenario):
    """Return the real market of a replayed file, None if there is none."""
    from perplab.analysis.metrics.replay_reference import real_market

    return real_market(scenario, rulebook_of(next(iter(scenario.all_markets.values()))))


def draw(folder, outcome, real):
    """Draw the figures of a run into its folder, all of them or none."""
    from perplab.analysis.figures.run_figures import write_figures

    if real:
        note(f"real funding rate drawn from: {real['funding_source']}")
    with staged(folder / "figures") as stage:
        write_figures(
            outcome.records,
            stage,
            real,
            acting=acting_of(outcome.scenario.model_dump(exclude_none=True)),
        )
