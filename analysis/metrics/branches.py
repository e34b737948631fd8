"""Branches of a run, measured from the branch point, so that the common past dilutes no figure."""

import dataclasses
import os

import numpy as np

from perplab.analysis.estimators.series import HOUR_SECONDS, market_facts
from perplab.analysis.metrics import catalogue
from perplab.analysis.metrics.summary import summarize
from perplab.scenarios.runs.stored_objects import Branches, read_stored

BRANCHES = "branches.json"
BASE = "base"


def since(records, seconds):
    """Return the records of a run from a moment on; amounts that accumulate start there.

    Notes
    -----
    Counters of the whole run (messages, trades, refusals, thin samples) do not change.
    """
    series = [rows[rows["seconds"] >= seconds].copy() for rows in records.series]
    for rows, all_rows in zip(series, records.series, strict=True):
        before = all_rows[all_rows["seconds"] < seconds]
        rows["volume"] -= before["volume"][-1] if len(before) else 0
    return dataclasses.replace(
        records,
        series=series,
        meta=records.meta | {"venues": venues_since(records.meta, series)},
        kinds=records.kinds[records.kinds["seconds"][:, 0] >= seconds],
        events=records.events[records.events["seconds"] > seconds],
        settlements=records.settlements[records.settlements["seconds"] > seconds],
    )


def venues_since(meta, series):
    """Return the venues' numbers with the fund's initial equity that of the first rows."""
    initial = {
        facts["venue"]: {"fund_initial": int(rows["fund"][0])}
        for facts, rows in zip(meta["markets"], series, strict=True)
        if len(rows)
    }
    return [venue | initial.get(v, {}) for v, venue in enumerate(meta["venues"])]


def summary_since(records, hours, twin=None, market=0):
    """Return the metrics of a run from an hour on, without a warm-up.

    Metrics that are counted over the whole run only are left out. `hours` is the length of the
    rest, `twin` whether there is one.
    """
    seconds = hours * HOUR_SECONDS
    cut = since(records, seconds), twin and since(twin, seconds)
    summary = summarize(*cut, market, warmup_hours=0.0)
    return {
        key: value for key, value in summary.items() if not catalogue.metric_of(key).whole_run
    } | {
        "hours": records.meta["dt"] * records.meta["steps"] / HOUR_SECONDS - hours,
        "twin": twin is not None,
    }


def why_unknown(name, key, summary):
    """Return why a metric of a branch is unknown; only the base may have a twin."""
    twin = name == BASE and summary.get("twin", False)
    return catalogue.why_unknown(key, summary, summary["hours"], twin)


def moment_of(folder, stored):
    """Return ``(hour, arms)`` of a folder of branches: the branch point and the arms' arguments.

    Without branches.json the hour is the first at which the series differ, and there are no arms.
    """
    if os.path.lexists(folder / BRANCHES):
        stated = read_stored(folder, BRANCHES, Branches)
        return stated["at_hours"], stated["arms"]
    return first_difference_hours(*(records.series[0] for _, records in stored.values())), []


def first_difference_hours(first, *others):
    """Return the hour of the first row in which a series differs from the first, 0 if none."""
    apart = [np.flatnonzero(first[: len(other)] != other[: len(first)]) for other in others]
    seconds = (float(first["seconds"][rows[0]]) for rows in apart if len(rows))
    return min(seconds, default=0.0) / HOUR_SECONDS


def open_interest_usd(records, market=0):
    """Return open interest at the mark, in quote currency."""
    rows = records.series[market]
    return rows["open_interest"] * rows["mark"] * market_facts(records, market)["lot"]
