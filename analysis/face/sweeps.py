"""Run a sweep file from Python."""

import pathlib

from perplab.analysis.cli.sweep_command import run_sweep
from perplab.scenarios.runs.results import Runs, open_runs
from perplab.scenarios.sweeps.sweep_file import read_sweep


def sweep(
    file: str | pathlib.Path,
    out: str | pathlib.Path | None = None,
    *,
    workers: int = 2,
    scheduler: str | None = None,
    resume: bool = False,
) -> Runs:
    """Run every point and seed of a sweep file, as ``perplab sweep`` does, and open the result.

    Parameters
    ----------
    file : str or path
        A sweep file (TOML).
    out : str or path, optional
        Folder of the sweep; ``sweeps/NAME`` by default.
    workers : int
        Processes on this machine.
    scheduler : str, optional
        Address of a Dask scheduler whose workers run the sweep instead.
    resume : bool
        Finish a sweep that was interrupted; failed runs are tried again.

    Returns
    -------
    Runs
        Runs that failed have their message in the column ``error`` of `Runs.runs`.

    Raises
    ------
    ParameterError
        If the file or the folder is refused, or another process is using the folder.
    SweepError
        If every run failed.
    """
    file = pathlib.Path(file)
    folder = pathlib.Path(out) if out else pathlib.Path("sweeps") / read_sweep(file)[0].name
    run_sweep(file, workers, scheduler, resume, folder)
    return open_runs(folder)
