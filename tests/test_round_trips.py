"""No free money: no round trip earns in spot, in the perpetual, or across both.

The suite tries some hundred trips through whole markets; ``PERPLAB_TRIPS=10000`` sets how many of
each mode.
"""

import functools
import os

import numpy as np
import pytest
from scipy.optimize import minimize

from perplab.sim.impact.displacement import DISPLACEMENT, RECOVERY
from tests.round_trips import (
    MODES,
    MOST_LOTS,
    TripMarket,
    bounded,
    law_profit,
    make_stop_trip,
    random_trip,
)

TRIPS = int(os.environ.get("PERPLAB_TRIPS", "80"))
SEARCHES, LOT_USD = max(TRIPS // 100, 1), 30.0
DEPTH, LEGS, STEP = 1e8, 12, 60.0
ROUNDING = 1e-11
"""Of the turnover: what the quadrature of a trade's price is off by at most."""


def law_of(recovery=RECOVERY, curvature=0.03, seconds=458.0):
    """Return a law alone, as an array of one row."""
    law = np.zeros(1, DISPLACEMENT)
    law["calm_depth"], law["curvature"] = DEPTH, curvature
    law["seconds"], law["depth_recovery"] = seconds, recovery
    return law


def share_earned(law, flows, wanted, slope=0.0, dt=STEP):
    """Return the profit of a round trip over its turnover."""
    flows = flows - flows.mean()
    return law_profit(law, flows, wanted, slope, dt) / np.abs(flows).sum()


def random_shares(law, number, slopes=(0.0, 4e-10)):
    """Return what random trips earn while depth falls as it likes."""
    draw = np.random.default_rng(1)
    for _ in range(number):
        flows = draw.standard_normal(LEGS) * DEPTH * 10 ** draw.uniform(-6, -0.5)
        wanted = draw.uniform(0, 4, LEGS) * (draw.random(LEGS) < 0.4)
        yield share_earned(law, flows, wanted, draw.choice(slopes), draw.choice([1.0, 5.0, 60.0]))


def best_found(law, start):
    """Return the largest profit over turnover that a search over flows and depth finds."""
    draw = np.random.default_rng(start)
    turnover = DEPTH * 10 ** draw.uniform(-4, -0.5)

    def loss(z):
        flows = z[:LEGS] - z[:LEGS].mean()
        flows *= turnover / (np.abs(flows).sum() + 1e-9)
        return -share_earned(law, flows, np.clip(z[LEGS:], 0, 4))

    first = np.concatenate([draw.standard_normal(LEGS), draw.uniform(0, 3, LEGS)])
    found = minimize(loss, first, method="Nelder-Mead", options={"maxfev": 700, "adaptive": True})
    return -found.fun


@pytest.mark.parametrize("curvature", [0.005, 0.03, 0.5])
def test_no_random_trip_earns_in_spot(curvature):
    law = law_of(curvature=curvature)
    assert max(random_shares(law, 3_400)) <= ROUNDING


def test_no_search_finds_a_trip_that_earns_in_spot():
    assert max(best_found(law_of(), start) for start in range(100)) <= ROUNDING


def test_a_faster_return_of_depth_would_earn():
    assert max(random_shares(law_of(recovery=6.0), 300)) > 1e-3
    assert max(best_found(law_of(recovery=6.0), start) for start in range(3)) > 1e-3


# whole markets


@functools.cache
def market(**changes):
    return TripMarket(**changes)


def largest_profit(trips, mode, number, seed=1):
    """Return the most that a number of random trips earn, quote currency."""
    draw = np.random.default_rng(seed)
    return max(trips.profit(*random_trip(draw, mode)) for _ in range(number))


@pytest.mark.parametrize("mode", MODES)
def test_no_trip_earns_in_a_whole_market(mode):
    assert largest_profit(market(), mode, TRIPS) <= 0.0


@pytest.mark.parametrize("perp_usd, spot_usd", [(1e6, 1.2e6), (3e6, 5e6), (3e6, -5e6)])
def test_legs_in_one_step_earn_nothing(perp_usd, spot_usd):
    """Without the order within a step they would earn 2 X Y / q, 1,200 and 15,000, less fees."""
    perp, spot = (np.array([1, -1]) * round(usd / LOT_USD) for usd in (perp_usd, spot_usd))
    assert market().profit(np.array([1, 1]), perp, spot, np.zeros(2)) <= 0.0


@pytest.mark.parametrize("perp_usd, spot_usd", [(2e6, 3e6), (3e6, 5e6), (4e6, 12e6)])
def test_a_stop_does_not_trade_at_quotes_that_have_not_seen_spot(perp_usd, spot_usd):
    """In either direction: the stop's quotes would be off by what the spot order moves."""
    for side in (1, -1):
        perp, spot = (round(side * usd / LOT_USD) for usd in (perp_usd, -spot_usd))
        assert market().earned(make_stop_trip, perp, spot) <= 0.0


@pytest.mark.parametrize("stress", [1.0, 2.0])
def test_inventory_skew_in_volatile_markets_is_no_free_money(stress):
    """Spot does not move here, so stress is .4: the skew is stated larger instead."""
    trips = market(populations__providers__skew_bps=8 * stress / 0.4)
    assert largest_profit(trips, "perpetual", TRIPS) <= 0.0
    perp = np.array([-1, -1, 2]) * round(2.4e6 / LOT_USD)
    assert trips.profit(np.array([1, 1, 1]), perp, np.zeros(3, "i8"), np.zeros(3)) <= 0.0


def best_trip(trips, mode, seed):
    """Return the most that a search over the sizes of a random trip of six legs finds.

    It starts where random trips lose least, as a share of what they trade.
    """
    draw = np.random.default_rng(seed)
    first = max(
        (random_trip(draw, mode, 6) for _ in range(20)), key=lambda trip: trips.profit(*trip)
    )
    gaps, perp, spot, thinness = first
    sizes = np.concatenate([perp, spot]) / MOST_LOTS

    def loss(z):
        legs = np.where(sizes == 0, 0, np.clip(z, -1, 1)).reshape(2, -1) * MOST_LOTS
        return -trips.profit(gaps, bounded(legs[0]), bounded(legs[1]), thinness)

    found = minimize(loss, sizes, method="Nelder-Mead", options={"maxfev": 300, "adaptive": True})
    return -found.fun


@pytest.mark.parametrize("mode", MODES)
def test_no_search_finds_a_trip_that_earns_in_a_whole_market(mode):
    assert max(best_trip(market(), mode, seed) for seed in range(SEARCHES)) <= 0.0


def test_providers_who_price_an_eighth_of_the_hedge_lose_to_trips():
    """Each is an eighth of the market; it takes itself to be all of it."""
    trips = market(populations__providers__market_share=1.0)
    assert largest_profit(trips, "perpetual", 80) > 100.0
    assert largest_profit(trips, "apart", 80) > 10.0
