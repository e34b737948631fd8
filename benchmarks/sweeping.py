"""``python -m benchmarks.sweeping``: overhead of a sweep: workers, storage, memory, opening."""

import argparse
import json
import pathlib
import resource
import tempfile
import time

from perplab.analysis.metrics.summary import summarize
from perplab.scenarios.runs.results import open_runs
from perplab.scenarios.sweeps.jobs import code_hash
from perplab.scenarios.sweeps.pools import local_pool
from perplab.scenarios.sweeps.sweep_file import read_sweep
from perplab.scenarios.sweeps.sweep_folder import gather, prepare
from perplab.scenarios.sweeps.sweep_runner import execute

WARM_RUNS = 20
SWEEP = """scenario = "small"
seeds = {seeds}
keep = ["settlements"]
[changes]
days = {days}
"populations.noise.number" = 100
[factors.cap]
key = "market.changes.funding.cap"
values = [0.003]
"""


def figures(records, twin):
    """Return the summary of a run, the worker's peak memory and the seconds of simulation."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return summarize(records, twin) | {
        "peak_bytes": peak,
        "simulated_seconds": records.meta["wall_seconds"],
    }


def timed_sweep(folder, seeds, days, workers):
    """Run a sweep; return the seconds per run once all workers are warm, and its summaries."""
    folder.mkdir(parents=True)
    (folder / "sweep.toml").write_text(SWEEP.format(seeds=seeds, days=days))
    sweep, text = read_sweep(folder / "sweep.toml")
    jobs, waiting = prepare(sweep, text, folder / "out", False)
    ends = []
    execute(
        waiting,
        folder / "out",
        figures,
        lambda: local_pool(workers),
        lambda well: ends.append(time.perf_counter()),
    )
    gather(folder / "out", jobs)
    done = [
        json.loads((folder / "out" / "done" / f"{job.key}.json").read_text())["summaries"][0]
        for job in jobs
    ]
    return (ends[-1] - ends[WARM_RUNS - 1]) / (len(ends) - WARM_RUNS), done


def workers_ratio(room, rounds, seeds, days):
    """Return by round the ratio of runs per second of two workers to that of one."""
    return [
        timed_sweep(room / f"one{k}", seeds, days, 1)[0]
        / timed_sweep(room / f"two{k}", seeds, days, 2)[0]
        for k in range(rounds)
    ]


def overhead_and_memory(room, seeds, days):
    """Return seconds per run beyond simulation, and the worker's peak memory by quarter."""
    gap, done = timed_sweep(room / "long", seeds, days, 1)
    simulated = sum(one["simulated_seconds"] for one in done[WARM_RUNS:]) / (len(done) - WARM_RUNS)
    return gap - simulated, [
        done[quarter * len(done) // 4 - 1]["peak_bytes"] for quarter in (1, 2, 3, 4)
    ]


def opening_seconds(room, runs):
    """Return seconds to gather, open and read a table of a sweep of many copies of one run."""
    folder = room / "many"
    _, done = timed_sweep(folder, WARM_RUNS + 2, 0.4, 1)
    out, manifest = folder / "out", json.loads((folder / "out" / "manifest.json").read_text())
    table = (out / "settlements" / f"{manifest['runs'][0]}.parquet").read_bytes()
    keys = [f"{k:020d}" for k in range(runs)]
    for k, key in enumerate(keys):
        row = {
            "key": key,
            "number": k,
            "seed": k,
            "factors": {"cap": 0.003},
            "summaries": [done[0] | {"arm": "base"}],
        }
        (out / "done" / f"{key}.json").write_text(json.dumps(row))
        (out / "settlements" / f"{key}.parquet").write_bytes(table)
    (out / "manifest.json").write_text(
        json.dumps(manifest | {"runs": keys, "seeds": list(range(runs)), "code_hash": code_hash()})
    )
    return (
        timed(lambda: gather(out, [Named(key, k) for k, key in enumerate(keys)])),
        timed(lambda: open_runs(out)),
        timed(lambda: open_runs(out).to_frame("settlements")),
    )


class Named:
    """The fields of a job that gathering needs."""

    def __init__(self, key, number):
        self.key, self.number, self.seed, self.factors = key, number, number, {"cap": 0.003}


def timed(act):
    """Return the seconds that a call takes."""
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sweeping", description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=3, help="pairs of one and two workers (default 3)"
    )
    parser.add_argument(
        "--runs", type=int, default=1_000, help="short runs for overhead and memory (default 1,000)"
    )
    parser.add_argument(
        "--many", type=int, default=10_000, help="runs of the sweep to open (default 10,000)"
    )
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        room = pathlib.Path(place)
        ratios = workers_ratio(room, asked.rounds, 120, 2.0)
        print("two workers over one, runs a second:", ", ".join(f"{ratio:.2f}" for ratio in ratios))
        overhead, peaks = overhead_and_memory(room, asked.runs, 0.05)
        print(
            f"overhead per run, writing included: {1e3 * overhead:.1f} ms over {asked.runs:,} runs"
        )
        print(
            "peak memory of the worker after each quarter:",
            ", ".join(f"{peak / 1e6:.0f} MB" for peak in peaks),
        )
        gathered, opened, read = opening_seconds(room, asked.many)
        print(
            f"{asked.many:,} runs: {gathered:.2f} s to gather, {opened:.2f} s to open, "
            f"{read:.2f} s to open and read a stored table"
        )


if __name__ == "__main__":
    from benchmarks import sweeping

    sweeping.main()
