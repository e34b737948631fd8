"""The commands ``perplab sweep``, ``branch`` and ``check``: progress, what went wrong, the table at the end."""

import dataclasses
import pathlib
import sys

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from perplab.analysis.cli.terminal_tables import branch_table
from perplab.analysis.metrics.branches import BRANCHES, summary_since, why_unknown
from perplab.analysis.metrics.catalogue import label, scaled
from perplab.analysis.metrics.summary import summarize
from perplab.analysis.report.sweep_tables import has_something, interval
from perplab.scenarios.files.branch_changes import branch_faults
from perplab.scenarios.files.loader import load
from perplab.scenarios.runs.atomic_folders import probe, real_folder
from perplab.scenarios.runs.json_files import write_json
from perplab.scenarios.runs.results import faults_of_folder, open_runs
from perplab.scenarios.runs.store import check_target, write_run
from perplab.scenarios.sweeps.jobs import Job, outcomes_of
from perplab.scenarios.sweeps.pools import dask_pool, local_pool
from perplab.scenarios.sweeps.sweep_checks import name_faults
from perplab.scenarios.sweeps.sweep_design import Sweep
from perplab.scenarios.sweeps.sweep_file import read_sweep, stated_arm
from perplab.scenarios.sweeps.sweep_folder import gather, prepare
from perplab.scenarios.sweeps.sweep_runner import execute
from perplab.sim.atomic_files import alone
from perplab.sim.errors import Fault, ParameterError, SweepError
from perplab.sim.faults import flattened

WIDTH, MOST_ERRORS = 180, 5
SHOWN = (
    "basis_mean_bps",
    "basis_sd_bps",
    "funding_mean_bps_8h",
    "open_interest_mean",
    "liquidated_notional",
    "insurance_fund_change",
    "adl_events",
)


def run_sweep(file, workers, scheduler, resume, out):
    """Run a sweep file to its end; return the number of runs that failed.

    Raises
    ------
    ParameterError
        If the file or the folder is refused, or another process is at work in the folder.
    SweepError
        If every run failed.
    """
    sweep, text = read_sweep(file)
    folder = real_folder(out or pathlib.Path("sweeps") / sweep.name)
    if not folder.exists():
        probe(folder)
    try:
        with alone(folder.with_name(f".{folder.name}.lock")):
            return run_jobs(
                sweep,
                text,
                folder,
                (lambda: dask_pool(scheduler)) if scheduler else (lambda: local_pool(workers)),
                resume,
            )
    except BlockingIOError:
        raise ParameterError(
            Fault("--out", str(folder), "a folder in which no other sweep is at work")
        ) from None


def run_jobs(sweep, text, folder, new_pool, resume):
    """Run what is missing of a sweep, print its table, and return the number of runs that failed."""
    jobs, waiting = prepare(
        sweep, text, folder, resume, lambda sentence: print(sentence, file=sys.stderr)
    )
    print(f"{len(jobs)} runs, {len(jobs) - len(waiting)} of them done before", file=sys.stderr)
    failures = []
    try:
        with bar(sweep.name, len(waiting)) as progress:
            execute(
                waiting,
                folder,
                summarize,
                new_pool,
                lambda well: (failures.append(1) if not well else None, progress())[-1],
            )
    finally:
        gather(folder, jobs)
    print_failures(open_runs(folder).runs)
    Console(width=WIDTH).print(sweep_table(open_runs(folder)))
    print(f"written to {folder}", file=sys.stderr)
    return len(failures)


def print_failures(runs):
    """Print the errors of runs that failed, each once; raise where no run ended well.

    Raises
    ------
    SweepError
        With the errors.
    """
    failed = runs[runs["error"].notna()]
    told = [
        f"{len(group)} of {len(runs)} runs failed (the first: seed {group['seed'].iloc[0]}): {error}"
        for error, group in failed.groupby("error", sort=False)
    ]
    if len(failed) and len(failed) == len(runs):
        raise SweepError("\n".join(told[:MOST_ERRORS]))
    for line in told[:MOST_ERRORS]:
        print(f"perplab: {line}", file=sys.stderr)


class bar:
    """A bar with rate and time left on a terminal; nothing where nobody looks."""

    def __init__(self, name, total):
        console = Console(stderr=True)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        self.shown = (
            Progress(*columns, console=console, transient=True) if console.is_terminal else None
        )
        self.task = self.shown.add_task(name, total=total, rate="") if self.shown else None

    def __enter__(self):
        if self.shown:
            self.shown.start()
        return self.advance

    def advance(self):
        """Move on by one run and say how many are done a second."""
        if self.shown:
            task = self.shown.tasks[0]
            self.shown.update(
                self.task,
                advance=1,
                rate=f"{(task.completed + 1) / max(task.elapsed, 1e-9):.3g} a second",
            )

    def __exit__(self, *_):
        if self.shown:
            self.shown.stop()


def sweep_table(opened):
    """Return a sweep's figures, a row a point and arm: mean over seeds and 95 % interval; what is zero everywhere is left out."""
    factors = [name for name in opened.runs if name.startswith("factor.")]
    well = opened.runs[opened.runs["error"].isna()]
    shown = {name: scaled(well[name], name) for name in SHOWN if has_something(well, name)}
    heads = (label(name, word) for name, (_, word) in shown.items())
    table = Table(
        *(name.removeprefix("factor.") for name in factors),
        "arm",
        "runs",
        *heads,
        box=None,
        pad_edge=False,
    )
    for place, group in (
        well.groupby([*factors, "arm"], sort=False, dropna=False) if len(well) else ()
    ):
        cells = [interval(group[name] / scale, name) for name, (scale, _) in shown.items()]
        table.add_row(
            *(f"{value:.6g}" if isinstance(value, float) else str(value) for value in place),
            str(len(group)),
            *cells,
        )
    return table


def run_branches(story, seed, settings, at_hours, arms, out):
    """Run a story and its branches from one moment; write a folder for each and print them side by side."""
    chosen = tuple(stated_arm(text, at_hours) for text in arms)
    sweep = Sweep(scenario=story, changes=settings, arms=chosen)
    scenario = load(story, settings)
    faults = [
        *name_faults(chosen, "--arm"),
        *(fault for arm in chosen for fault in faults_of_arm(story, settings, scenario, arm, seed)),
    ]
    if faults:
        raise ParameterError(*faults)
    if at_hours >= 24 * scenario.days:
        raise ParameterError(
            Fault(
                "--at-hours", at_hours, f"before the end of the run ({24 * scenario.days:g} hours)"
            )
        )
    folder = out or pathlib.Path("runs") / f"{scenario.name}-seed{seed}-branches"
    for name in ("base", *(arm.name for arm in chosen)):
        check_target(folder / name)
    job, cut = (
        Job(
            "branch",
            0,
            story,
            settings,
            {},
            seed,
            tuple(arm.model_dump() for arm in sweep.arms),
            (),
        ),
        {},
    )
    for name, outcome in outcomes_of(job):
        summary = summarize(outcome.records, outcome.twin)
        write_run(folder / name, outcome, summary, summary["wall_seconds"])
        cut[name] = summary_since(outcome.records, at_hours, outcome.twin)
    write_json(folder / BRANCHES, {"at_hours": at_hours, "arms": list(arms), "seed": seed})
    print_branches(f"{scenario.name}, seed {seed}: branches, from hour {at_hours:g} on", cut)
    print(f"written to {folder}", file=sys.stderr)


def faults_of_arm(story, settings, scenario, arm, seed):
    """Return what an arm would change that cannot change in flight, as faults of ``--arm NAME``."""
    return [
        dataclasses.replace(fault, file=f"--arm {arm.name}")
        for fault in branch_faults(scenario, load(story, settings | flattened(arm.changes)), seed)
    ]


def print_branches(title, summaries):
    """Print branches side by side, as wide as the terminal or as they need."""
    console = Console()
    width = console.width if console.is_terminal else WIDTH
    Console(width=width).print(branch_table(title, summaries, why_unknown))


def print_check(path):
    """Print what is wrong with a folder, or with each branch in it; return how many faults there are."""
    branches = sorted(part.parent for part in path.glob("*/manifest.json"))
    folders = branches if branches and not (path / "manifest.json").exists() else [path]
    faults = [f"{folder}: {fault}" for folder in folders for fault in faults_of_folder(folder)]
    for fault in faults:
        print(f"perplab: {fault}", file=sys.stderr)
    if not faults:
        rows = sum(len(open_runs(folder).runs) for folder in folders)
        print(
            f"{path}: {rows} rows of runs, all there and as they were written, every unit accounted for"
        )
    return len(faults)
