"""Round trips: what a trader earns who ends flat, in the law of displacement and in whole markets.

The market is the scenario calm without its traders: providers alone, at a spot that does not move.
"""

import numpy as np

from perplab.scenarios.files.loader import build, load
from perplab.sim.compiler.jit import kernel
from perplab.sim.engine import begin, risk, settle_due, value_all
from perplab.sim.exchange.orders import submit
from perplab.sim.exchange.spot_orders import trade_in_spot
from perplab.sim.impact.displacement import displaced_by, trade_factor
from perplab.sim.spot.move import spot_impact
from perplab.sim.state.codes import MARKET_ORDER, SPOT, STOP
from perplab.sim.state.records import (
    asset_at,
    holding_at,
    order_row_at,
    position_at,
    run_row,
    view_at,
)
from perplab.sim.traders.turns import act_awake, act_fast
from perplab.sim.traders.wakes import wake

OTHERS = ("day_traders", "speculators", "carry", "bidders")
PROVIDERS, UNIT = 8, 1e-6
MOST_LOTS, INVENTORY_LOTS = 40_000, 160_000  # of a trade; of the providers' limits together
MODES = ("spot", "perpetual", "apart", "together")
"""What is traded: one of the two, or both with legs in different steps, or in any."""


# the law alone


@kernel
def law_profit(laws, flows, wanted, slope, dt):
    """Return what flows that sum to zero earn, one a step, while depth follows wanted thinness.

    Thinness rises to `wanted` at once and falls at most at the law's rate.
    """
    law, profit, permanent = laws[0], 0.0, 0.0
    law["displaced"], law["thinness"], law["flow"] = 0.0, 0.0, 0.0
    for k in range(flows.shape[0]):
        returned = law["thinness"] - law["depth_recovery"] * dt / law["seconds"]
        law["thinness"] = max(wanted[k], returned)
        price = np.exp(permanent + law["displaced"])
        profit -= flows[k] * price * trade_factor(law, flows[k], slope)
        permanent += slope * flows[k]
        moved = displaced_by(law, law["displaced"], flows[k])
        law["displaced"] = moved * np.exp(-dt / law["seconds"])
    return profit


# whole markets


@kernel
def place(world, i, kind, lots):
    """Submit an order of signed lots."""
    row = order_row_at(world, 0)
    row["kind"], row["market"], row["slot"], row["tick"], row["flags"] = kind, 0, 0, 0, 0
    row["side"], row["lots"], row["expiry_seconds"] = (1 if lots > 0 else -1), abs(lots), 0.0
    return submit(world, i, 0) if lots != 0 else 0


@kernel
def trip_step(world, i, perp_lots, spot_lots, thinness):
    """Run a step in which trader i trades after the providers, at a depth of that thinness."""
    run, asset = run_row(world, 0), asset_at(world, 0)
    seconds = (run["step"] + 1) * run["dt"]
    begin(world)
    asset["displacement"]["thinness"] = max(thinness, asset["displacement"]["thinness"])
    view_at(world, 0)["spot_impact"] = spot_impact(asset)
    trade_in_spot(world)
    act_fast(world, run["step"], 0)
    place(world, i, MARKET_ORDER, perp_lots)
    place(world, i, SPOT, spot_lots)
    act_awake(world, wake(world))
    trade_in_spot(world)
    value_all(world, seconds)
    settle_due(world, seconds)
    risk(world, 0, seconds)
    run["step"] += 1


@kernel
def make_trip(world, i, gaps, perp_lots, spot_lots, thinness):
    """Trade after each gap of steps, then close what is left, the perpetual before spot."""
    for k in range(gaps.shape[0]):
        for _ in range(gaps[k]):
            trip_step(world, i, 0, 0, thinness[k])
        trip_step(world, i, perp_lots[k], spot_lots[k], thinness[k])
    for _ in range(60):
        left = position_at(world, i, 0)["lots"]
        held = holding_at(world, i, 0)["lots"]
        if left == 0 and held == 0:
            break
        trip_step(world, i, -left, -held if left == 0 else 0, 0.0)


@kernel
def make_stop_trip(world, i, perp_lots, spot_lots):
    """Buy the perpetual; then sell spot with a stop that closes the long in the same step."""
    trip_step(world, i, perp_lots, 0, 0.0)
    row = order_row_at(world, 0)
    row["kind"], row["market"], row["tick"], row["lots"] = STOP, 0, np.int64(1) << 30, 1
    submit(world, i, 0)
    trip_step(world, i, 0, spot_lots, 0.0)
    for _ in range(60):
        left, held = position_at(world, i, 0)["lots"], holding_at(world, i, 0)["lots"]
        trip_step(world, i, -left, -held, 0.0)


class TripMarket:
    """Providers and one trader of round trips; every trip starts from the same state."""

    def __init__(self, **changes):
        options = {
            "dt_seconds": 5,
            "record_seconds": 5,
            "days": 1,
            "spot.price": {"process": "geometric_brownian", "initial_price": 30_000},
            "spot.price.volatility": 0,
            "spot.small_takers.sd_bps": 0,
            "spot.half_spread_bps": 0,
            "populations.trader.kind": "manipulation",
            "populations.trader.number": 1,
            "populations.trader.attack_start_hours": 1e5,
            "populations.trader.capital_usd": 1e9,
            "populations.trader.borrow_share": 1,
        }
        options |= {f"populations.{name}.number": 0 for name in OTHERS}
        options |= {key.replace("__", "."): value for key, value in changes.items()}
        self.market, self.trader = build(load("calm", options), 1), PROVIDERS
        self.market.run(300)
        self.tables, self.traits = self.market.tables, self.market.traits
        self.start = {name: table.copy() for name, table in self.tables.items()}
        self.start_traits = [rows.copy() for rows in self.traits]

    def wealth(self):
        """Return the trader's money, units."""
        account, i = self.tables["account"][self.trader], self.trader
        assert not self.tables["position"]["lots"][i].any()
        assert not self.tables["holding"]["lots"][i].any()
        return sum(int(account[name].sum()) for name in ("cash", "collateral", "incoming"))

    def profit(self, gaps, perp_lots, spot_lots, thinness):
        """Return what a trip earns, quote currency."""
        return self.earned(make_trip, gaps, perp_lots, spot_lots, thinness)

    def earned(self, trip, *arguments):
        """Return what the trader earns by a trip, a kernel of world, trader and arguments."""
        for name, table in self.start.items():
            np.copyto(self.tables[name], table)
        for rows, start in zip(self.traits, self.start_traits):
            np.copyto(rows, start)
        before = self.wealth()
        self.market.call(trip, self.trader, *arguments)
        return (self.wealth() - before) * UNIT


def random_trip(draw, mode, number=12):
    """Return gaps, lots in the perpetual and in spot, and thinness of a random trip.

    Sizes are of any order of magnitude up to the largest, positions within the inventory limits;
    depth stays or falls to a tenth.
    """
    sizes = draw.uniform(-1, 1, (2, number)) * MOST_LOTS * 10 ** draw.uniform(-2, 0)
    perp, spot = sizes * (draw.random((2, number)) < 0.7)
    if mode != "together":
        legs = {"spot": np.ones(number), "perpetual": np.zeros(number)}
        in_spot = legs.get(mode, draw.random(number) < 0.5) > 0
        perp, spot = np.where(in_spot, 0, perp), np.where(in_spot, spot, 0)
    gaps = draw.integers(0, 12, number)
    thinness = draw.uniform(0, 2.3, number) * (draw.random(number) < 0.2)
    return gaps, bounded(perp), bounded(spot), thinness


def bounded(lots):
    """Return whole lots whose running sum stays within the inventory limits."""
    total = np.clip(np.cumsum(np.rint(lots)), -INVENTORY_LOTS, INVENTORY_LOTS)
    return np.diff(total, prepend=0).astype("i8")
