"""Runs that no simulation made: small hand-worked ones, and a large random one for figures."""

import copy
import dataclasses

import numpy as np

from perplab.sim.state.codes import FORCED_ORDER, NO_ROW
from perplab.sim.state.event_rows import (
    EVENT,
    KIND_SERIES,
    OPEN_POSITION,
    PRINT,
    SERIES,
    SETTLEMENT,
)

META = {
    "seed": 7,
    "dt": 60.0,
    "steps": 180,
    "decisions": 100,
    "order_messages": 50,
    "trades": 20,
    "wall_seconds": 0.5,
    "traders": 100,
    "unit": 1e-6,
    "outcomes": {"done": 40, "refused_margin": 3, "refused_band": 0},
    "conservation_error_units": 0,
}
MARKET = {
    "venue": 0,
    "lot": 0.001,
    "tick": 0.1,
    "funding_law": {"interest_rate": 1e-4, "damper": 5e-4, "cap": 3e-3, "divisor": 1.0},
    "interval_seconds": 28800.0,
    "thin_samples": 5,
    "premium_samples": 20,
}
VENUE = {
    "round_seconds": 5.0,
    "fund_initial": 1_000_000,
    "fund_equity": 3_500_000,
    "fees": 0,
    "shared_loss": 0,
}


MIXED = ("events", "settlements", "prints", "positions")


def meta_of(market=(), venue=(), **more):
    """Return what the records of a run with one market state beside their rows."""
    return {
        **META,
        "markets": [copy.deepcopy(MARKET) | dict(market)],
        "venues": [VENUE | dict(venue)],
        **more,
    }


@dataclasses.dataclass
class Recorded:
    """A run with the attributes that analysis reads."""

    series: list
    kinds: np.ndarray
    kind_names: list
    events: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0, EVENT))
    settlements: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0, SETTLEMENT))
    meta: dict = dataclasses.field(default_factory=meta_of)
    prints: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0, PRINT))
    positions: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0, OPEN_POSITION))


def beside(run, other):
    """Return `run` as market 1 beside `other` as market 0, each on a venue of its own.

    Rows of both are mixed in time, as a simulation writes them. Kinds and counters of the whole run
    are those of `run`.
    """
    markets = [dict(each.meta["markets"][0], venue=v) for v, each in enumerate((other, run))]
    venues = [each.meta["venues"][0] for each in (other, run)]
    return dataclasses.replace(
        run,
        series=[other.series[0], run.series[0]],
        meta=run.meta | {"markets": markets, "venues": venues},
        **{name: mixed(getattr(other, name), getattr(run, name)) for name in MIXED},
    )


def mixed(first, second):
    """Return rows of market 0 and of market 1 in one array, nodes of liquidations kept apart."""
    first, second = first.copy(), second.copy()
    first["market"], second["market"] = 0, 1
    if "node" in first.dtype.names:
        first["node"] += 10_000
        first["parent"][first["parent"] != NO_ROW] += 10_000
    both = np.concatenate([first, second])
    key = next((name for name in ("seconds", "step") if name in both.dtype.names), "trader")
    return both[np.argsort(both[key], kind="stable")]


def rows(dtype, **columns):
    """Return rows of a record type; what is not given is 0, a number stands for all rows."""
    count = max(np.size(values) for values in columns.values())
    made = np.zeros(count, dtype)
    for name, values in columns.items():
        made[name] = values
    return made


def series_of(spot, basis_bps, step_seconds=3600.0, **columns):
    """Return a series whose mid is `basis_bps` from spot; mark is mid, best prices 1 each side."""
    spot, size = np.asarray(spot, float), np.size(basis_bps)
    mid = spot * (1 + np.asarray(basis_bps) / 1e4)
    return rows(
        SERIES,
        **{
            "seconds": step_seconds * np.arange(size),
            "spot": spot,
            "mid": mid,
            "mark": mid,
            "index": spot,
            "best_bid": mid - 1,
            "best_ask": mid + 1,
            **columns,
        },
    )


def short_run(**columns):
    """Return a run of four hourly records at a spot of 100: bases 0, 2, 4, 6 bp, two kinds."""
    kinds = np.zeros((4, 2), KIND_SERIES)
    kinds["seconds"] = 3600.0 * np.arange(4)[:, None]
    kinds["equity"][-1], kinds["funding"][-1] = (3_000_000, -5_000_000), (1_000_000, -1_000_000)
    series = series_of(
        [100.0] * 4,
        [0.0, 2.0, 4.0, 6.0],
        **{"open_interest": [0, 10, 20, 30], "volume": [0, 5, 5, 9], **columns},
    )
    return Recorded([series], kinds, ["noise", "directional"])


def events_of(*slices, **columns):
    """Return events in sequence from (node, parent, cause, lots, mark) of each slice.

    All are liquidation orders unless `kind` is given.
    """
    node, parent, cause, lots, mark = zip(*slices, strict=True)
    return rows(
        EVENT,
        **{
            "sequence": range(len(slices)),
            "node": node,
            "parent": parent,
            "cause": cause,
            "lots": lots,
            "mark": mark,
            "kind": FORCED_ORDER,
            **columns,
        },
    )


def noisy_run(
    days=30,
    seed=1,
    speed=0.4,
    basis=None,
    kind_names=("noise", "directional", "carry_arbitrage", "liquidity"),
):
    """Return a random run with minute records and every feature that a figure shows."""
    rng, size = np.random.default_rng(seed), days * 1440 + 1
    spot = 16_500 * np.exp(np.cumsum(rng.normal(0, 0.55 / np.sqrt(365 * 1440), size)))
    basis = -4 + reverting(rng, size, speed / 60, 0.4) if basis is None else basis
    series = series_of(
        spot,
        basis,
        60.0,
        open_interest=(9e6 + np.cumsum(rng.normal(0, 2e4, size))) / spot / 0.001,
        volume=np.cumsum(rng.poisson(2.5, size) * 1000),
        premium=basis / 1e4,
        fund=1_000_000,
    )
    return Recorded(
        [series],
        noisy_kinds(rng, days * 24 + 1, len(kind_names)),
        list(kind_names),
        noisy_events(rng, series),
        noisy_settlements(series),
        meta_of(steps=days * 1440),
    )


def reverting(rng, size, speed, noise):
    """Return a first-order autoregression around 0."""
    values, shocks = np.zeros(size), rng.normal(0, noise, size)
    for k in range(1, size):
        values[k] = values[k - 1] * (1 - speed) + shocks[k]
    return values


def noisy_kinds(rng, size, count):
    """Return equity and funding of kinds that sum to zero in every record."""
    kinds = np.zeros((size, count), KIND_SERIES)
    kinds["seconds"] = 3600.0 * np.arange(size)[:, None]
    for name, scale in (("equity", 1.5e10), ("funding", 1.5e9)):
        steps = rng.normal(0, scale, (size, count))
        kinds[name] = np.cumsum(steps - steps.mean(axis=1, keepdims=True), axis=0)
    return kinds


def noisy_events(rng, series):
    """Return liquidations around two thirds of a run; every third a child of the one before."""
    count, at = 120, int(len(series) * 0.66)
    minutes = np.sort(
        np.clip(rng.normal(at, len(series) / 40, count).astype(int), 1, len(series) - 1)
    )
    nodes = np.arange(count)
    child = nodes % 3 == 1
    return rows(
        EVENT,
        sequence=nodes,
        step=minutes,
        seconds=series["seconds"][minutes],
        node=nodes,
        kind=FORCED_ORDER,
        parent=np.where(child, nodes - 1, NO_ROW),
        cause=np.where(child, 0, 1),
        lots=rng.choice([-1, -1, -1, 1], count) * rng.integers(100, 5000, count),
        mark=series["mark"][minutes],
        index_pnl=-1.0,
    )


def noisy_settlements(series):
    """Return settlements every 8 h at the rate of the formula for the interval's mean basis."""
    ends = np.arange(480, len(series), 480)
    premium = np.array([series["premium"][end - 480 : end].mean() for end in ends])
    return rows(
        SETTLEMENT,
        seconds=series["seconds"][ends],
        average_premium=premium,
        rate=np.clip(1e-4, premium - 5e-4, premium + 5e-4),
    )
