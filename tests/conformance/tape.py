"""A tape: the tables of a market, copied after every step of two days.

One premium sample a step falls at a random moment among the turns of the traders. A *quiet* step
is one in which nobody but the liquidity providers acted, who act before it: there the book at the
end of the step is the book of the sample. A *still* step has no liquidation and no trade of the
fund after the mark was taken: there the book at its end is the book of the mark.
"""

import functools

import numpy as np

from perplab import (
    Arbitrage,
    DirectionalLong,
    DirectionalShort,
    LiquidityProvider,
    Noise,
    PerpetualMarket,
    Population,
    load_rulebook,
)
from perplab.agents.attacks.manipulation import Manipulator
from perplab.sim.spot.shocks import PathShock, SourceShock
from tests.conformance.rules import DEFENCES, DEFENDED, read_rules
from tests.markets import setup_of

DT, STEPS, PROVIDERS = 60.0, 2880, 3
COPIED = ("run", "market", "view", "venue", "asset", "position", "account")
SOURCES_THAT_DIFFER = {
    "deviation_bps": 8.0,
    "outages_per_day": 20.0,
    "outage_seconds": 1500.0,
}
SMALL_FUND = 60_000.0
SHOCKS = [
    PathShock(at_hours=10, minutes=20, move=-0.07),
    PathShock(at_hours=20, minutes=40, move=0.12),
    PathShock(at_hours=32, minutes=90, move=-0.16),
    SourceShock(at_hours=4, minutes=30, move=-0.12, source=0, back_minutes=200),
    SourceShock(at_hours=26, minutes=30, move=0.08, source=1, back_minutes=200),
    SourceShock(at_hours=38, minutes=30, move=0.04, source=2, back_minutes=200),
]


LARGE = {"size_usd": 200_000.0, "capital_usd": 300_000}


class Tape:
    """Tables by step: ``tape.view["mark"][s]`` is the mark after s steps; row 0 is the start."""

    def __init__(self, market, steps):
        self.dt, self.steps = market.setup.dt, steps
        self.samples = market.setup.premium_samples
        self.fund = int(market.tables["venue"]["fund_row"][0])
        for name in COPIED:
            rows = (
                np.squeeze(market.tables[name], 1)
                if market.tables[name].ndim > 1
                else market.tables[name]
            )
            single = rows[0] if name not in ("position", "account") else rows
            setattr(self, name, np.zeros((steps + 1, *single.shape), rows.dtype))
        self.levels = []
        for step in range(steps + 1):
            self._copy(market.tables, step)
            if step < steps:
                market.step()
        records = market.records()
        self.events = by_step(records.events, steps)
        self.settlements = by_step(records.settlements, steps)
        self.prints = by_step(records.prints, steps)
        self._name_steps()

    def _copy(self, tables, step):
        for name in COPIED:
            table = tables[name][:, 0] if tables[name].ndim > 1 else tables[name][0]
            getattr(self, name)[step] = table
        used = used_levels(tables["word"][0], tables["depth"][0])
        self.levels.append((used + tables["market"]["window_low"][0], tables["depth"][0][used]))

    def _name_steps(self):
        acted = np.diff(self.run["decisions"], prepend=0) > PROVIDERS
        forced = np.array([len(part) > 0 for part in self.events])
        unwound = np.array([bool(np.any(part["taker"] == self.fund)) for part in self.prints])
        self.forced, self.still = forced, ~forced & ~unwound
        self.quiet = self.still & ~acted
        self.still[0] = self.quiet[0] = False


def used_levels(words, depth):
    """Return the levels with orders, from the bitmap of levels."""
    some = (np.flatnonzero(words)[:, None] * 64 + np.arange(64)).ravel()
    return some[depth[some] > 0]


def by_step(rows, steps):
    """Return the rows of each step, numbered from 1 as the tape is."""
    ends = np.searchsorted(rows["step"], np.arange(-1, steps), side="right")
    return [rows[:0], *(rows[a:b] for a, b in zip(ends[:-1], ends[1:]))]


def first_mark(tape, step):
    """Return the mark that a step takes at the end of trading, before its liquidation rounds."""
    return tape.events[step]["mark"][0] if tape.forced[step] else tape.view["mark"][step]


def book_sides(tape, step):
    """Return ``(bids, asks)`` of a step: lists of (tick, lots), the best first."""
    ticks, lots = tape.levels[step]
    bid = tape.view["best_bid"][step]
    below = ticks <= bid
    bids = list(zip(ticks[below][::-1].tolist(), lots[below][::-1].tolist()))
    return bids, list(zip(ticks[~below].tolist(), lots[~below].tolist()))


def populations(leverage):
    """Return traders who trade, crowd, arbitrage, attack and are liquidated."""
    geared = {"leverage": leverage, "collateral_buffer": 1.06, "tolerance_bps": float("inf")}
    eager = {
        "wake_seconds": 3600,
        "entry_probability": 0.5,
        "capital_usd": 60_000,
        "size_usd": 40_000.0,
    }
    return [
        Population(
            name="providers",
            kind=LiquidityProvider,
            number=PROVIDERS,
            traits={
                "latency_seconds": DT,
                "leverage": min(leverage, 20),
                "inventory_limit_usd": 400_000,
                "skew_bps": 150,
                "post_only": 1,
                "withdraw_multiple": 1e3,
            },
        ),
        Population(name="large", kind=DirectionalLong, number=3, traits=geared | eager | LARGE),
        Population(name="noise", kind=Noise, number=12, traits={"leverage": min(leverage, 10)}),
        Population(name="longs", kind=DirectionalLong, number=14, traits=geared | eager),
        Population(name="shorts", kind=DirectionalShort, number=12, traits=geared | eager),
        Population(
            name="arbitrage",
            kind=Arbitrage,
            number=2,
            traits={"wake_seconds": 1800, "leverage": min(leverage, 10)},
        ),
        Population(
            name="attack",
            kind=Manipulator,
            number=1,
            traits={
                "leverage": min(leverage, 20),
                "wake_seconds": 600,
                "attack_start_hours": 12,
                "attack_hours": 6,
                "build_seconds": 14_400,
            },
        ),
    ]


def rules_of_run(name):
    """Return the tables that a tape is recorded under: the file's, with sources that differ."""
    rules = read_rules(name)
    if rules["index"].get("law", "one_source") != "one_source":
        rules["index"] |= SOURCES_THAT_DIFFER
    if rules["trading"]["venue_type"] == "book":
        rules["fund"]["initial"] = SMALL_FUND
    return rules


@functools.lru_cache(maxsize=1)
def tape_of(name, steps=STEPS, seed=5):
    """Return the tape of a rulebook."""
    rules = rules_of_run(name)
    votes = rules["premium"].get("minimum_votes")
    changes = {"fund.initial": rules["fund"]["initial"]}
    changes |= {f"index.{k}": rules["index"][k] for k in SOURCES_THAT_DIFFER if k in rules["index"]}
    if name == DEFENDED:
        changes |= {f"margin.{key}": rules["margin"][key] for key in DEFENCES}
    rulebook = load_rulebook(name.partition(",")[0]).changed(changes)
    leverage = min(40.0, rulebook.margin.leverage_limit)
    setup = setup_of(
        populations(leverage),
        [rulebook],
        dt=DT,
        volatility=0.6,
        shocks=SHOCKS,
        print_trades=True,
        premium_samples=round(0.8 * votes) if votes else 1,
    )
    return Tape(PerpetualMarket(setup, seed), steps)
