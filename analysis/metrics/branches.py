"""Branches of a run from the moment at which they part: records cut there, so that the common past dilutes no figure."""

import dataclasses
import json

import numpy as np

from perplab.analysis.estimators.series import HOUR_SECONDS, of_market
from perplab.analysis.metrics.summary import summarize
from perplab.analysis.metrics.why_unknown import reason

BRANCHES = "branches.json"
BASE = "base"


def since(records, seconds):
    """Return the records of a run from a moment on; amounts that grow count from there.

    Notes
    -----
    Counters that are kept for the whole run alone (messages, trades, refusals, thin samples) stay as they are.
    """
    series = [rows[rows["seconds"] >= seconds].copy() for rows in records.series]
    for rows, whole in zip(series, records.series, strict=True):
        before = whole[whole["seconds"] < seconds]
        rows["volume"] -= before["volume"][-1] if len(before) else 0
    meta = records.meta | ({"fund_initial": int(series[0]["fund"][0])} if len(series[0]) else {})
    return dataclasses.replace(
        records,
        series=series,
        meta=meta,
        kinds=records.kinds[records.kinds["seconds"][:, 0] >= seconds],
        **{
            name: rows[rows["seconds"] > seconds]
            for name, rows in (("events", records.events), ("settlements", records.settlements))
        },
    )


def summary_since(records, hours, twin=None):
    """Return the figures of a run from an hour on, nothing of it left out as warm-up; those of the whole run alone are not among them."""
    seconds = hours * HOUR_SECONDS
    told = summarize(since(records, seconds), twin and since(twin, seconds), warmup_hours=0.0)
    whole = (
        "trades",
        "orders",
        "decisions",
        "order_refusals",
        "thin_premium_share",
        "wall_seconds",
    )
    return {key: value for key, value in told.items() if key not in whole} | {
        "hours": records.meta["dt"] * records.meta["steps"] / HOUR_SECONDS - hours,
        "twin": twin is not None,
    }


def why_unknown(name, key, summary):
    """Return why a figure of a branch is not known."""
    return reason(key, summary, summary["hours"], name == BASE and summary.get("twin", False))


def moment_of(folder, stored):
    """Return ``(hour, arms)`` of a folder of branches: as its file says, or else where their series first differ, and no arms."""
    try:
        told = json.loads((folder / BRANCHES).read_text(encoding="utf-8"))
        return told["at_hours"], told["arms"]
    except (OSError, ValueError, KeyError):
        first, *others = (records.series[0] for _, records in stored.values())
        apart = [np.flatnonzero(first[: len(other)] != other[: len(first)]) for other in others]
        return min(
            (float(first["seconds"][rows[0]]) for rows in apart if len(rows)), default=0.0
        ) / HOUR_SECONDS, []


def open_interest_usd(records, market=0):
    """Return open interest at the mark, in quote currency."""
    rows = records.series[market]
    return rows["open_interest"] * rows["mark"] * of_market(records.meta["lot"], market)
