"""The command ``perplab sweep``: progress, errors of failed runs, the table at the end."""

import pathlib

from rich.table import Table

from perplab.analysis.cli.progress import note_workers_compile, run_bar
from perplab.analysis.cli.terminal import Terminal, note
from perplab.analysis.metrics.catalogue import label, scaled
from perplab.analysis.metrics.scenario_words import value_text
from perplab.analysis.metrics.summary import summarize
from perplab.analysis.report.sweep_tables import interval, is_informative
from perplab.scenarios.runs.atomic_folders import probe, real_folder
from perplab.scenarios.runs.results import open_runs
from perplab.scenarios.sweeps.pools import dask_pool, local_pool
from perplab.scenarios.sweeps.sweep_file import read_sweep
from perplab.scenarios.sweeps.sweep_folder import gather, prepare
from perplab.scenarios.sweeps.sweep_runner import execute
from perplab.sim.atomic_files import alone, clear_dead
from perplab.sim.errors import Fault, ParameterError, SweepError

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
    """Run a sweep file to its end.

    Parameters
    ----------
    file : path
    workers : int
        Processes on this machine.
    scheduler : str or None
        Address of a Dask scheduler whose workers run the sweep instead.
    resume : bool
        Finish an interrupted sweep.
    out : pathlib.Path or None
        Folder of the sweep; ``sweeps/NAME`` by default.

    Returns
    -------
    int
        Number of runs that failed.

    Raises
    ------
    ParameterError
        If the file or the folder is refused, or another process is using the folder.
    SweepError
        If every run failed.
    """
    sweep, text = read_sweep(file)
    folder = real_folder(out or pathlib.Path("sweeps") / sweep.name)
    if not folder.exists():
        probe(folder)

    def new_pool():
        return dask_pool(scheduler) if scheduler else local_pool(workers)

    if scheduler:
        dask_pool(scheduler).shutdown()  # refused now if there is none, before a file is written
    try:
        with alone(folder.with_name(f".{folder.name}.lock")):
            return run_jobs(sweep, text, folder, new_pool, resume)
    except BlockingIOError:
        raise ParameterError(
            Fault("--out", str(folder), "a folder in which no other sweep is running")
        ) from None


def run_jobs(sweep, text, folder, new_pool, resume):
    """Run what is missing of a sweep, print its table and return the number of failed runs."""
    jobs, waiting = prepare(sweep, text, folder, resume, note)
    note(f"{len(jobs):,} runs ({len(jobs) - len(waiting):,} cached)")
    note_workers_compile()
    failures = []
    try:
        with run_bar(sweep.name, len(waiting)) as advance:

            def note_run(completed):
                failures.extend([] if completed else [1])
                return advance()

            execute(waiting, folder, summarize, new_pool, note_run)
    finally:
        clear_dead(folder.rglob(".*.part"))
        gather(folder, jobs)
    opened = open_runs(folder)
    print_failures(opened.runs)
    Terminal(width=WIDTH).print(sweep_table(opened))
    note(f"written to {folder}")
    return len(failures)


def print_failures(runs):
    """Print the errors of failed runs, each once; raise if no run completed.

    Raises
    ------
    SweepError
        With the errors.
    """
    failed = runs[runs["error"].notna()]
    texts = [
        f"{len(group)} of {len(runs)} runs failed (first: seed {group['seed'].iloc[0]}): {error}"
        for error, group in failed.groupby("error", sort=False)
    ]
    if len(failed) and len(failed) == len(runs):
        raise SweepError("\n".join(texts[:MOST_ERRORS]))
    if not len(failed):
        note(f"all {len(runs):,} runs completed")
    for text in texts[:MOST_ERRORS]:
        note(f"perplab: {text}")


def sweep_table(opened):
    """Return a sweep's figures, a row per design point and arm: mean over seeds, 95 % interval.

    Figures that are zero in all runs are left out.
    """
    runs = opened.runs[opened.runs["error"].isna()]
    keys = [*(name for name in opened.runs if name.startswith("factor.")), "arm"]
    shown = {name: scaled(runs[name], name) for name in SHOWN if is_informative(runs, name)}
    table = Table(
        *(name.removeprefix("factor.") for name in keys),
        "runs",
        *(label(name, word) for name, (_, word) in shown.items()),
        box=None,
        pad_edge=False,
    )
    for place, group in runs.groupby(keys, sort=False, dropna=False) if len(runs) else ():
        cells = [interval(group[name] / scale, name) for name, (scale, _) in shown.items()]
        table.add_row(*map(value_text, place), str(len(group)), *cells)
    return table
