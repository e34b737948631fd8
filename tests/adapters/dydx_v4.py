"""dYdX v4: premium votes, medians, hourly rate, settlement, bankruptcy, fees."""

import numpy as np

from perplab.sim.laws.adl import adl_ticks
from perplab.sim.laws.funding_transfer import funding_payment
from perplab.sim.laws.liquidation import fillable_price
from perplab.sim.laws.margin import initial_margin, interest_scaled
from perplab.sim.laws.premium_average import (
    MINUTE,
    PREMIUM_SUMS,
    VOTES,
    interval_average,
    median_of_votes,
    trim_bounds,
    trimmed_mean,
    update_average,
)
from perplab.sim.rulebook.rulebook import load_rulebook
from tests.adapters.markets import market_of, rate_by, venue_of
from tests.markets import World, round_rules
from tests.probes import one_sample

PPM = 1e-6
LOT = 0.0001


def tick(
    sample_ppm=None,
    n_samples=None,
    n_expected=60,
    imf=1.0,
    mm_fraction_of_im=0.75,
    default_funding_ppm=0,
    oracle=50_000,
    clamp_factor=6.0,
    samples=None,
):
    """Fix the rate of minutes, each with the votes that the file wants; absent ones are 0.

    Nothing here depends on the oracle: what does is the venue's index.
    """
    if samples is not None:
        assert samples == "75x1000 + 25x5000 ppm"
        minutes = [1000] * 75 + [5000] * 25
    else:
        minutes = [sample_ppm] * n_samples
    rules = load_rulebook("dydx-v4").changed(
        {
            "margin.tiers": [[0, imf * mm_fraction_of_im, 1 / imf]],
            "margin.maximum_leverage": 1 / imf,
            "funding.interest_rate": default_funding_ppm * PPM,
            "funding.cap": clamp_factor,
        }
    )
    average = average_of(rules, minutes + [0] * (n_expected - len(minutes)))
    rate = rate_by(rules, average, default_funding_ppm * PPM)
    return {"rate_ppm_8h": round(rules.funding.divisor * rate / PPM, 6)}


def average_of(rules, minutes_ppm):
    """Return the average premium of minutes in which every vote is the same."""
    law, sums = market_of(rules)["average_law"], np.zeros(1, PREMIUM_SUMS)[0]
    count, running = rules.premium.minimum_votes, 0.0
    for ppm in minutes_ppm:
        for _ in range(count):
            running = update_average(law, sums, running, ppm * PPM, MINUTE / count)
    assert sums["weights"] == len(minutes_ppm)
    return interval_average(law, sums, running)


def votes(votes_ppm):
    cast = np.zeros(VOTES)
    cast[: len(votes_ppm)] = votes_ppm
    return {"sample_ppm": median_of_votes(cast, len(votes_ppm), 0, 1.0)}


def trimmed(samples, rate_each_side):
    values = np.array(samples, float)
    first, last = trim_bounds(len(values), rate_each_side)
    mean = trimmed_mean(values, len(values), rate_each_side)
    assert abs(mean - values[first:last].mean()) < 1e-12
    return {"kept": values[first:last].tolist()}


def from_book(asks, bids, index, impact_notional, max_abs):
    rules = load_rulebook("dydx-v4").changed(
        {
            "contract.tick": 0.1,
            "contract.lot": 0.001,
            "contract.band": 0.6,
            "premium.impact_notional": impact_notional,
            "premium.limit": max_abs,
            "fees.maker": 0.0,
        }
    )
    return {"premium_ppm": round(sampled(rules, asks, bids, index) / PPM, 6)}


def sampled(rules, asks, bids, index):
    """Return a premium sample of a book with these orders."""
    world = World(rules, traders=2)
    centre = 0.5 * (asks[0][0] + bids[0][0])
    world.own(0, 1e8)
    world.own(1, 1e8)
    world.mark(centre, index=float(index))
    for i, side, levels in ((0, -1, asks), (1, 1, bids)):
        for slot, (price, size) in enumerate(levels):
            assert (
                world.limit(
                    i,
                    side,
                    round(price / rules.contract.tick),
                    round(size / rules.contract.lot),
                    slot=slot,
                )
                == 0
            )
    world.call(one_sample, 0)
    return float(world["view"]["premium"][0])


def end_to_end(best_bid, best_ask, index, oracle_at_tick, positions, imf, mmf):
    rules = load_rulebook("dydx-v4").changed(
        {
            "contract.tick": 1.0,
            "contract.band": 0.7,
            "premium.impact_notional": 100.0,
            "premium.limit": 10.0,
            "margin.tiers": [[0, mmf, 1 / imf]],
            "margin.maximum_leverage": 1 / imf,
        }
    )
    sample = sampled(rules, [[best_ask, 1]], [[best_bid, 1]], index)
    rate = rate_by(rules, sample, 0.0)
    paid = {
        name: funding_payment(round(size * 1e4), oracle_at_tick, 100.0, rate) / 1e6
        for name, size in positions.items()
    }
    return {
        "sample_ppm": round(sample / PPM, 6),
        "rate_ppm_clamped": round(8 * rate / PPM, 6),
        "settlement_usdc": {name: -units for name, units in paid.items()},
    }


def fillable(size, oracle, usdc, mm, bankruptcy_adj, spread_to_mm):
    equity = usdc + size * oracle
    side = 1 if size > 0 else -1
    price = fillable_price(
        float(oracle),
        equity,
        side,
        abs(size),
        abs(size) * oracle * mm,
        float(bankruptcy_adj),
        spread_to_mm,
    )
    return {"fillable_price": price}


def fund_change(size, usdc, close_value, max_fee):
    """Liquidate a long of a hundred lots with given equity and return what the fund receives."""
    value = 20_000.0
    world = World(
        round_rules(
            "dydx-v4",
            liquidation__fee=min(max_fee, 0.1),
            liquidation__close_fraction="first_share",
            liquidation__first_share=1.0,
            margin__tiers=[[0, 0.095, 10]],
            margin__maximum_leverage=10,
        ),
        traders=3,
    )
    for i in range(3):
        world.own(i, 1e6)
    world.trade(0, 1, 100)
    world.own(0, value * (close_value + usdc) / close_value)
    world["market"]["safe_high"] = 0.0
    world.limit(2, 1, 20_000, 100)
    before = world.equity_usd(world.fund)
    assert world.round() == 1 and world.lots(0) == 0
    return {"fund_delta": (world.equity_usd(world.fund) - before) * close_value / value}


def scaled_margin(base_imf, open_notional, lower_cap, upper_cap, position_quantums):
    fraction = interest_scaled(base_imf, open_notional, lower_cap, upper_cap)
    return {
        "initial_margin_quantums": initial_margin(
            position_quantums, 1 / fraction, np.array([np.inf]), np.array([0.0]), 1
        )
    }


def bankruptcy(long, usdc, close, oracle_btc, mm):
    """Return what the file's auto-deleveraging pays for a part of a long position."""
    law, lots = venue_of(load_rulebook("dydx-v4"))["adl_law"], round(long * close / LOT)
    equity = usdc + long * oracle_btc
    ticks = adl_ticks(law, float(oracle_btc), 0.0, equity, round(long / LOT), LOT, 1.0)
    return {"quote": int(ticks) * lots * LOT}


ADAPTERS = {
    "funding_tick": tick,
    "median_of_votes": votes,
    "premium_from_book": from_book,
    "end_to_end": end_to_end,
    "bankruptcy_value": bankruptcy,
    "fillable_price": fillable,
    "insurance_delta": fund_change,
    "oi_scaled_initial_margin": scaled_margin,
    "tail_trim": trimmed,
}
