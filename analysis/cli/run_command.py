"""One run from the command line: values from options, progress, the table, the folder, the figures."""

import contextlib
import dataclasses
import json
import math
import pathlib
import sys
import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from perplab.analysis.cli.terminal_tables import run_table
from perplab.analysis.metrics.replay_fit import replay_fit
from perplab.analysis.metrics.summary import summarize
from perplab.analysis.metrics.timeline import acting_of
from perplab.scenarios.files.loader import checked
from perplab.scenarios.files.overrides import COMMAND_LINE, resolve, stated
from perplab.scenarios.files.sources import found
from perplab.scenarios.files.validation import rulebook_of
from perplab.scenarios.runs.atomic_folders import real_folder, staged
from perplab.scenarios.runs.outcome import Checkpoint, locked_folder, planned_steps, run
from perplab.scenarios.runs.store import check_target, write_run
from perplab.sim.errors import Fault, ParameterError

LEAST_HOURS = 0.001
OPTIONS = {
    "file": "--spot",
    "column": "--column",
    "time_column": "--time-column",
    "start": "--start",
    "perp_column": "--perp-column",
    "funding_file": "--funding",
}


@dataclasses.dataclass(frozen=True)
class Options:
    """What ``perplab run`` was asked for."""

    story: str
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
    """Return the changes that options make to a story, by dotted key."""
    changes = stated(options.settings)
    if options.days is not None:
        changes["days"] = options.days
    if options.replay:
        now = found(resolve(options.story, changes).tables, ["spot", "price"]) or {}
        kept = now if now.get("process") == "replay" else {}
        changes["spot.price"] = {**kept, "process": "replay", **options.replay}
    return changes | {f"comparison.{key}": value for key, value in options.comparison.items()}


def run_story(options):
    """Run a story and leave its table, its folder and its figures."""
    begun, resolved = time.perf_counter(), resolve(options.story, changes_of(options))
    with named_as_given(resolved, options):
        scenario = checked(resolved)
        folder = options.out or pathlib.Path("runs") / f"{scenario.name}-seed{options.seed}"
        check_target(folder)
        kept = checkpoint_of(options.checkpoint_hours, folder)
        with locked_folder(kept):
            outcome, real = run_and_write(options, scenario, folder, kept, begun)
    if options.figures:
        draw(folder, outcome, real)
    print(f"written to {folder}", file=sys.stderr)


def checkpoint_of(hours, folder):
    """Return where to keep the state every so many hours, or None.

    Raises
    ------
    ParameterError
        For hours that are not finite, or too few.
    """
    if hours is None:
        return None
    if not LEAST_HOURS <= hours < math.inf:
        raise ParameterError(
            Fault("--checkpoint-hours", hours, f"a finite number of hours, at least {LEAST_HOURS}")
        )
    return Checkpoint(real_folder(folder), hours)


def run_and_write(options, scenario, folder, kept, begun):
    """Run a scenario, print its summary and write its folder; the state kept on the way goes only when that is there."""
    with progress_bar(scenario) as progress:
        outcome = run(scenario, options.seed, progress, kept)
    real = real_beside(scenario)
    summary = summarize(outcome.records, outcome.twin) | (
        {} if real is None else {"real": replay_fit(outcome.records, real)}
    )
    tell(options, scenario, summary, outcome.records.meta)
    write_run(folder, outcome, summary, time.perf_counter() - begun)
    if kept is not None:
        kept.clear()
    return outcome, real


@contextlib.contextmanager
def named_as_given(resolved, options):
    """Let faults of the block say in which file, or by which option, what they refuse was stated."""
    names = {"days": "--days"} if options.days is not None else {}
    names |= {
        f"spot.price.{key}": option for key, option in OPTIONS.items() if key in options.replay
    }
    names |= {
        f"comparison.{key}": option for key, option in OPTIONS.items() if key in options.comparison
    }
    try:
        yield
    except ParameterError as error:
        faults = [resolved.located(fault) for fault in error.faults]
        raise ParameterError(
            *(
                Fault(names[fault.key], fault.value, fault.bound)
                if fault.file in ("", COMMAND_LINE) and fault.key in names
                else fault
                for fault in faults
            )
        ) from error


def tell(options, scenario, summary, meta):
    """Print the summary, as a table or as one JSON object."""
    if options.as_json:
        print(json.dumps(summary, allow_nan=False), flush=True)
    else:
        Console(soft_wrap=True).print(run_table(scenario, summary, meta))
        sys.stdout.flush()


@contextlib.contextmanager
def progress_bar(scenario):
    """Give a function that takes steps done and moves a bar on the terminal; None where nobody looks."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(scenario.name, total=planned_steps(scenario))
        yield lambda steps: bar.advance(task, steps)


def real_beside(scenario):
    """Return the real market of a replayed file (`perplab.analysis.metrics.replay_reference.real_market`), None where there is none."""
    from perplab.analysis.metrics.replay_reference import real_market

    return real_market(scenario, rulebook_of(next(iter(scenario.all_markets.values()))))


def draw(folder, outcome, real):
    """Draw the figures of a run into its folder, all or none of them."""
    from perplab.analysis.figures.run_figures import figures

    if real:
        print(f"drawn as real funding: {real['funding_source']}", file=sys.stderr)
    with staged(folder / "figures") as stage:
        figures(
            outcome.records,
            stage,
            real,
            acting=acting_of(outcome.scenario.model_dump(exclude_none=True)),
        )
