"""Numbers of single venues' files against the venues' own formulas, and the dates of the rules."""

import datetime

import numpy as np
import pytest

from perplab.sim.laws.amm import skew_price
from perplab.sim.laws.funding_transfer import borrowing_rate
from perplab.sim.rulebook.rulebook import load_rulebook, rulebook_names
from tests.adapters import perp_v2
from tests.adapters.markets import rate_by
from tests.markets import World
from tests.probes import asked

WRITTEN = datetime.date(2026, 11, 22)


@pytest.mark.parametrize("name", rulebook_names())
def test_files_carry_the_date_of_their_rules(name):
    assert load_rulebook(name).dated < WRITTEN


@pytest.mark.parametrize(
    ("premium", "default", "expected"),
    [(0.0, 100e-6, 100e-6), (0.001, 100e-6, 0.0011), (-0.0005, 100e-6, -0.0004), (1, 0, 0.048)],
)
def test_dydx_charges_premium_plus_default_funding_within_its_cap(premium, default, expected):
    """Per eight hours; an eighth of it each hour."""
    rules = load_rulebook("dydx-v4").changed({"funding.interest_rate": float(default)})
    assert rate_by(rules, float(premium), default) == pytest.approx(expected / 8, rel=1e-12)


def test_perp_v2_s_gap_counts_for_at_most_a_tenth_of_the_index():
    """A gap of 50 on an index of 150, of which 15 count, for an hour: 15 / 24 per unit."""
    paid = perp_v2.payment(0.04, 200.0, 150.0, 3_600)["pending_payment"]
    assert paid == pytest.approx(0.04 * 15 / 24, rel=1e-9)


def test_dydx_measures_its_premium_at_ten_thousand():
    assert load_rulebook("dydx-v4").premium.impact_notional == 10_000


def test_bybit_s_increments_are_half_and_three_quarters_of_a_percent():
    tiers = load_rulebook("bybit").margin.tiers
    assert [tier.floor for tier in tiers] == [2e6 * k for k in range(10)]
    steps = np.arange(10)
    assert [tier.maintenance_fraction for tier in tiers] == pytest.approx(0.005 + 0.005 * steps)
    initial = [1 / tier.leverage for tier in tiers]
    assert initial == pytest.approx(0.01 + 0.0075 * steps, rel=1e-3)


def test_bybit_closes_down_to_the_next_lower_tier():
    """Of 5 million in the third tier, 1 million is closed: 50 BTC at 20,000."""
    world = World(load_rulebook("bybit").changed({"fees.taker": 0.0, "fees.maker": 0.0}), traders=2)
    for i in range(2):
        world.own(i, 1e6)
    world.trade(0, 1, 250_000, tick=200_000)
    assert world.lots(0) == 250_000
    world.own(0, 30_000.0)
    found = np.zeros(2, "i8")
    world.call(asked, 0, 0, found)
    assert found[0] == pytest.approx(50_000, abs=1)


def test_gmx_s_price_impact_is_nine_e_minus_11_of_the_squared_imbalance():
    """From balance to an imbalance of 2 million dollars: 9e-11 x (2e6)**2 = 360 dollars."""
    rules, price = load_rulebook("gmx-v2"), 30_000.0
    size = 2e6 / price
    paid = size * (skew_price(price, 0.0, size, rules.trading.scale, 0.0, 0.0) - price)
    assert paid == pytest.approx(9e-11 * 2e6**2, rel=1e-5)
    back = skew_price(price, size, -size, rules.trading.scale, 0.0, rules.trading.rebate_share)
    assert back == price


@pytest.mark.parametrize(
    ("usage", "yearly"), [(0.5, 0.225), (0.85, 0.3825), (0.925, 0.45 * 0.925 + 0.45 / 2), (1, 0.9)]
)
def test_gmx_s_borrowing_rate(usage, yearly):
    assert borrowing_rate(float(usage), *load_rulebook("gmx-v2").trading.borrowing) == (
        pytest.approx(yearly)
    )


def test_gmx_s_funding_and_margin():
    rules = load_rulebook("gmx-v2")
    assert rules.premium.maximum_rate * 365 == pytest.approx(0.75, rel=1e-3)
    assert rules.premium.maximum_rate / rules.premium.increase == pytest.approx(3 * 3600, rel=2e-3)
    assert rules.margin.tiers[0].maintenance_fraction == 0.005
    assert rules.margin.maximum_leverage == 200
