"""The runs of a calibration: jobs of a sweep, each stored in its own file as soon as it is done.

::

    calibration.json   what the folder is: the file, and the hash of the code
    runs/done/KEY.json moments of a finished run

A key depends on scenario, seed, warm-up and code, not on the calibration: another target or other
bounds in the same folder use the runs that are there.
"""

import dataclasses
import functools
import hashlib
import json

import numpy as np

from perplab.analysis.estimators.moments import run_moments
from perplab.scenarios.runs.json_files import json_object
from perplab.scenarios.sweeps.jobs import jobs_of
from perplab.scenarios.sweeps.sweep_design import Factor, Sweep
from perplab.scenarios.sweeps.sweep_folder import is_finished
from perplab.scenarios.sweeps.sweep_runner import execute
from perplab.sim.errors import SweepError

HOURS = 24


class Simulations:
    """The function ``(points, seeds) -> moments`` of a calibration, its runs in a folder.

    Parameters
    ----------
    calibration : perplab.analysis.calibration.Calibration
    names : sequence of str
        Moments to return.
    folder : pathlib.Path
    new_pool : callable
        Returns an Executor.
    note : callable
        Called with a sentence about each part.
    bar : callable
        From a name and a number of runs to a context manager of a function called after each run.
    """

    def __init__(self, calibration, names, folder, new_pool, note, bar):
        self.calibration, self.names, self.folder = calibration, names, folder / "runs"
        self.new_pool, self.note, self.bar = new_pool, note, bar
        self.failed = 0

    def __call__(self, points, seeds):
        jobs = self._jobs(points, seeds)
        waiting = [job for job in jobs if not is_finished(self.folder, job.key, self.note)]
        self.note(f"  {len(jobs):,} runs ({len(jobs) - len(waiting):,} cached)")
        hours = int(HOURS * self.calibration.warmup_days)
        with self.bar(self.calibration.name, len(waiting)) as advance:
            execute(
                waiting,
                self.folder,
                functools.partial(run_moments, warmup_hours=hours),
                self.new_pool,
                lambda completed: advance(),
            )
        rows = [self._row(job) for job in jobs]
        self._refuse_all_failed(jobs, rows)
        return np.array(rows, float).reshape(len(points), len(seeds), len(self.names))

    def _jobs(self, points, seeds):
        """Return the jobs of points and seeds; the warm-up is part of their keys."""
        parameters = self.calibration.parameters.values()
        keys = tuple(key for each in parameters for key in each.all_keys)
        values = [self._values(point) for point in points]
        sweep = Sweep(
            scenario=self.calibration.scenario,
            changes=self.calibration.changes,
            factors={"point": Factor(keys=keys, values=values)},
            seeds=tuple(seeds),
        )
        return [
            dataclasses.replace(job, key=key_of(job.key, self.calibration.warmup_days))
            for job in jobs_of(sweep)
        ]

    def _values(self, point):
        """Return the values of all keys at a point."""
        pairs = zip(self.calibration.parameters.values(), point, strict=True)
        return [change for each, value in pairs for change in each.changes(value).values()]

    def _row(self, job):
        """Return the moments of a run; NaN if it failed or did not determine them."""
        path = self.folder / "done" / f"{job.key}.json"
        if not path.exists():
            self.failed += 1
            return [np.nan] * len(self.names)
        moments = json_object(path)["summaries"][0]
        return [float(moments[name]) for name in self.names]

    def _refuse_all_failed(self, jobs, rows):
        """Raise SweepError with the error of the first run if all failed."""
        if (
            np.isnan(rows).all()
            and (path := self.folder / "failed" / f"{jobs[0].key}.json").exists()
        ):
            raise SweepError(f"all {len(jobs)} runs failed: {json_object(path)['error']}")


def key_of(key, warmup_days):
    """Return the key of a run of a sweep with its warm-up."""
    return hashlib.sha256(json.dumps([key, warmup_days]).encode()).hexdigest()[:20]
