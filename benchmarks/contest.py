"""The contestants, the interleaved rounds and the ratios; `__main__` prints them."""

import importlib
import importlib.util
import statistics
from typing import NamedTuple

from benchmarks.zero_intelligence import TRADERS


class Contestant(NamedTuple):
    """A letter, a name, and the location of its ``measure(traders, seconds)``."""

    letter: str
    name: str
    module: str
    function: str


CONTESTANTS = (
    Contestant("a", "bare numba loop, one draw a quantity", "benchmarks.bare", "measure"),
    Contestant("a'", "bare numba loop, one draw a message", "benchmarks.bare", "measure_packed"),
    Contestant("a*", "(a), a hundred steps per call", "benchmarks.bare", "measure_in_blocks"),
    Contestant("b", "perplab, model.step()", "benchmarks.perplab_market", "measure"),
    Contestant(
        "b0",
        "(b) with nine sleepers a trader",
        "benchmarks.perplab_market",
        "measure_with_sleepers",
    ),
    Contestant("c", "perplab, calm", "benchmarks.perplab_market", "measure_calm"),
    Contestant("d", "Mesa, shuffle_do", "benchmarks.mesa_market", "measure"),
    Contestant("e", "bourse, its RandomAgents", "benchmarks.bourse_market", "measure"),
    Contestant("e'", "bourse, native agents doing (a)", "benchmarks.bourse_market", "measure_same"),
)
RATIOS = (
    ("b", "a"),
    ("b", "a'"),
    ("b", "e"),
    ("b", "e'"),
    ("b", "d"),
    ("b0", "b"),
    ("a", "c"),
    ("a'", "c"),
    ("a", "d"),
    ("a", "e"),
)
"""Ratios of messages per CPU second; (a)/(c) is the time per message of (c) over that of (a)."""


class Range(NamedTuple):
    """Median, lowest and highest of the rounds."""

    median: float
    lowest: float
    highest: float


def range_of(values):
    """Return the Range of some values."""
    return Range(statistics.median(values), min(values), max(values))


def why_missing(contestant):
    """Return the reason why a contestant cannot run, or None."""
    if importlib.util.find_spec(contestant.module) is None:
        return f"no {contestant.module}"
    module = importlib.import_module(contestant.module)
    if not hasattr(module, contestant.function):
        return f"no {contestant.module}.{contestant.function}"
    return module.missing() if hasattr(module, "missing") else None


def measure_rounds(contestants, traders, rounds, seconds):
    """Measure contestants in turn, round after round, after one uncounted round.

    Returns
    -------
    dict of str to list of float
        Messages per CPU second by letter, one value per round.
    """
    speeds = {one.letter: [] for one in contestants}
    for number in range(rounds + 1):
        for one in contestants:
            function = getattr(importlib.import_module(one.module), one.function)
            messages, cpu_seconds = function(traders, seconds if number else seconds / 4)
            if number:
                speeds[one.letter].append(messages / cpu_seconds)
    return speeds


def ratios_of(speeds):
    """Return ``{"x/y": Range}`` of the ratios within a round, for the pairs measured."""
    return {
        f"{over}/{under}": range_of([x / y for x, y in zip(speeds[over], speeds[under])])
        for over, under in RATIOS
        if over in speeds and under in speeds
    }


def hold(rounds, seconds, letters=None, sizes=TRADERS):
    """Measure every contestant at every size.

    Returns
    -------
    dict
        ``sizes``: by number of traders, ``speeds`` and ``ratios`` as Range by letter or pair;
        ``absent``: reasons by letter.
    """
    asked = [one for one in CONTESTANTS if not letters or one.letter in letters]
    absent = {one.letter: why for one in asked if (why := why_missing(one))}
    present = [one for one in asked if one.letter not in absent]
    result = {"rounds": rounds, "seconds": seconds, "absent": absent, "sizes": {}}
    for traders in sizes:
        speeds = measure_rounds(present, traders, rounds, seconds)
        result["sizes"][traders] = {
            "speeds": {letter: range_of(values) for letter, values in speeds.items()},
            "ratios": ratios_of(speeds),
        }
    return result
