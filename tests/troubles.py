"""What workers of a sweep are made to do in tests: give small figures, fail, or die."""

import os
import pathlib
import signal


def figures(records, twin):
    """Return a few figures of a run."""
    series = records.series[0]
    return {
        "mark": float(series["mark"][-1]),
        "trades": records.meta["trades"],
        "seed": records.meta["seed"],
        "cap": float(records.meta["markets"][0]["funding_law"]["cap"]),
        "conservation_error_units": records.meta["conservation_error_units"],
    }


def is_last(given):
    """Return whether these are the figures of seed 1 at the larger cap."""
    return given["seed"] == 1 and given["cap"] == 0.003


def figures_but_one(records, twin):
    """Return the figures, but fail for one run."""
    given = figures(records, twin)
    return given | {"never": 1 / 0} if is_last(given) else given


def figures_or_death(records, twin):
    """Return the figures, but kill this process for one run: once, or whenever it comes."""
    given, mark = figures(records, twin), os.environ["PERPLAB_TROUBLE"]
    if is_last(given) and (mark == "always" or not pathlib.Path(mark).exists()):
        if mark != "always":
            pathlib.Path(mark).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return given
