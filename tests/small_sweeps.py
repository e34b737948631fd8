"""A small sweep for tests, run through its functions."""

import concurrent.futures
import pathlib

import pytest

from perplab.scenarios.sweeps.pools import local_pool
from perplab.scenarios.sweeps.sweep_file import read_sweep
from perplab.scenarios.sweeps.sweep_folder import gather, prepare
from perplab.scenarios.sweeps.sweep_runner import execute
from perplab.sim.errors import ParameterError
from tests.troubles import figures

SWEEP = """scenario = "small"
seeds = 2
keep = ["series", "settlements"]
[changes]
days = 0.01
"populations.noise.number" = 20
[factors.cap]
key = "market.changes.funding.cap"
values = [0.001, 0.003]
"""


def sweep_file(folder, text=SWEEP):
    path = pathlib.Path(folder) / "small.toml"
    path.write_text(text, encoding="utf-8")
    return path


def pool_here(workers=0):
    """Return a pool of one thread of this process, which spares the start of a worker."""
    return concurrent.futures.ThreadPoolExecutor(1)


def run_here(path, out, workers=0, resume=False, summarize=figures):
    """Run a sweep through its functions and return the bytes of its runs table, and how many ran.

    Without workers the runs execute in this process.
    """
    sweep, text = read_sweep(path)
    jobs, waiting = prepare(sweep, text, out, resume)
    execute(waiting, out, summarize, lambda: (local_pool if workers else pool_here)(workers))
    gather(out, jobs)
    return (pathlib.Path(out) / "runs.parquet").read_bytes(), len(waiting)


def faults_of(folder, text):
    with pytest.raises(ParameterError) as caught:
        read_sweep(sweep_file(folder, text))
    return {fault.key: fault.expected for fault in caught.value.faults}
