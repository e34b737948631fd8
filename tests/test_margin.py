"""Margin requirements, and the prices of liquidation and bankruptcy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplab.sim.compiler.jit import kernel
from perplab.sim.laws.liquidation import bankruptcy_price, liquidation_price
from perplab.sim.laws.margin import initial_margin, maintenance_margin, tier_of
from perplab.sim.rulebook.rulebook import load_rulebook
from perplab.sim.state.market_rows import MARKET, VENUE

UNITS = 1e6


def market_of(name):
    rows = np.zeros(1, MARKET)
    load_rulebook(name).fill(np.zeros(1, VENUE)[0], rows[0])
    return rows


BINANCE, HYPERLIQUID = market_of("binance"), market_of("hyperliquid")


@kernel
def maintenance_of(rows, notional):
    market = rows[0]
    return maintenance_margin(
        notional,
        market["margin_law"]["tier_floor"],
        market["margin_law"]["tier_fraction"],
        market["margin_law"]["tier_deduction"],
        market["margin_law"]["tiers"],
    )


@kernel
def initial_of(rows, notional, leverage):
    market = rows[0]
    return initial_margin(
        notional,
        leverage,
        market["margin_law"]["tier_leverage"],
        market["margin_law"]["tier_floor"],
        market["margin_law"]["tiers"],
    )


@pytest.mark.parametrize(
    "notional, tier",
    [(0, 0), (49_999.999999, 0), (50_000, 1), (600_000, 2), (1.2e9, 11), (9e12, 11)],
)
def test_tier_by_hand(notional, tier):
    assert tier_of(notional * UNITS, BINANCE[0]["margin_law"]["tier_floor"], 12) == tier


@pytest.mark.parametrize(
    "rows, notional, maintenance",
    [
        (BINANCE, 0, 0),
        (BINANCE, 50_000, 200),
        (BINANCE, 50_001, 200.005),
        (BINANCE, 600_000, 2_950),
        (BINANCE, 70e6, 1_268_550),
        (BINANCE, 1.8e9, 478_518_550),
        (HYPERLIQUID, 150e6, 1_875_000),
        (HYPERLIQUID, 200e6, 3_125_000),
    ],
)
def test_maintenance_by_hand_through_a_record(rows, notional, maintenance):
    assert maintenance_of(rows, notional * UNITS) == pytest.approx(maintenance * UNITS)


@pytest.mark.parametrize(
    "rows, notional, leverage, initial",
    [
        (BINANCE, 40_000, 125, 320),
        (BINANCE, 40_000, 10, 4_000),
        (BINANCE, 50_000, 125, 500),
        (BINANCE, 2e9, 125, 2e9),
        (HYPERLIQUID, 149e6, 40, 3.725e6),
        (HYPERLIQUID, 150e6, 40, 7.5e6),
        (HYPERLIQUID, 200e6, 5, 40e6),
    ],
)
def test_initial_by_hand_through_a_record(rows, notional, leverage, initial):
    assert initial_of(rows, notional * UNITS, float(leverage)) == pytest.approx(initial * UNITS)


@settings(deadline=None)
@given(st.sampled_from(("binance", "hyperliquid")), st.floats(0.0, 2e9), st.floats(0.0, 1e6))
def test_maintenance_rises_is_continuous_and_stays_below_initial(name, notional, step):
    rows = BINANCE if name == "binance" else HYPERLIQUID
    low, high = (maintenance_of(rows, UNITS * amount) for amount in (notional, notional + step))
    assert low <= high <= low + 0.5 * step * UNITS + 1.0
    assert low <= initial_of(rows, UNITS * notional, 125.0)


@settings(deadline=None)
@given(st.floats(0.0, 2e9))
def test_maintenance_is_the_largest_of_the_tiers_lines(notional):
    market, count = BINANCE[0], BINANCE[0]["margin_law"]["tiers"]
    lines = (
        UNITS * notional * market["margin_law"]["tier_fraction"][:count]
        - market["margin_law"]["tier_deduction"][:count]
    )
    assert maintenance_of(BINANCE, UNITS * notional) == pytest.approx(lines.max(), abs=1e-3)


@pytest.mark.parametrize(
    "lots, equity, price",
    [
        (10, 50.0, 95.0),
        (-10, 50.0, 105.0),
        (10, 0.0, 100.0),
        (10, -50.0, 105.0),
        (10, 2000.0, -100.0),
    ],
)
def test_bankruptcy_by_hand(lots, equity, price):
    assert bankruptcy_price(100.0, equity, lots, 1.0) == price


@settings(deadline=None)
@given(
    st.integers(1, 10**6),
    st.sampled_from((1, -1)),
    st.floats(0.01, 1.0),
    st.floats(0.001, 0.1),
    st.floats(0.0, 0.001),
)
def test_equity_at_the_liquidation_price_is_maintenance(
    size, side, share, fraction, deduction_share
):
    lots, mark, upp = side * size, 100.0, 1000.0
    equity, deduction = share * size * mark * upp, deduction_share * size * mark * upp
    price = liquidation_price(mark, equity, lots, upp, fraction, deduction)
    left = equity + lots * (price - mark) * upp
    assert left == pytest.approx(
        size * price * upp * fraction - deduction, abs=1e-9 * size * mark * upp
    )
    bankrupt = bankruptcy_price(mark, equity, lots, upp)
    assert equity + lots * (bankrupt - mark) * upp == pytest.approx(
        0.0, abs=1e-9 * size * mark * upp
    )


@settings(deadline=None)
@given(st.integers(1, 10**6), st.sampled_from((1, -1)), st.floats(0.02, 0.9))
def test_liquidation_comes_before_bankruptcy(size, side, share):
    equity = share * size * 100.0
    bankrupt = bankruptcy_price(100.0, equity, side * size, 1.0)
    assert side * liquidation_price(100.0, equity, side * size, 1.0, 0.01, 0.0) >= side * bankrupt


@settings(deadline=None)
@given(st.floats(0.0, 2e9), st.floats(1.0, 125.0), st.integers(1, 10**6), st.floats(1.0, 1e6))
def test_compiled_is_plain(notional, leverage, lots, equity):
    for function, arguments in (
        (maintenance_of, (BINANCE, notional)),
        (initial_of, (BINANCE, notional, leverage)),
        (bankruptcy_price, (100.0, equity, lots, 10.0)),
        (liquidation_price, (100.0, equity, -lots, 10.0, 0.01, 3.0)),
    ):
        assert function(*arguments) == getattr(function, "py_func", function)(*arguments)
