"""Funding of whole rulebooks: lag, step limit, shorter intervals, continuous accrual, storms."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplab.analysis.metrics.losses import BOOK
from perplab.sim.errors import ParameterError
from perplab.sim.laws.funding import (
    KINKS,
    SEEN,
    DamperMode,
    dead_band,
    funding_law,
    funding_rate,
    rate_kink,
)
from perplab.sim.laws.premium import truncated
from perplab.sim.laws.premium_average import (
    AVERAGE_LAW,
    PREMIUM_SUMS,
    VOTES,
    add_minute,
    median_of_votes,
)
from perplab.sim.rulebook.rulebook import load_rulebook, rulebook_names
from tests.laws import limited_rate, rate_of
from tests.markets import (
    USD,
    World,
    assert_book_is_sound,
    assert_positions_are_sound,
    round_rules,
    storm,
)
from tests.probes import accrue_at, one_sample

HOURS = 28_800.0


def held(**changes):
    """Return a world in which trader 0 is long a lot that is worth 200, and trader 1 short."""
    world = World(round_rules(**changes))
    for i in range(2):
        world.own(i, 1_000.0)
    world.trade(0, 1, 100)
    return world


def premium(world, value):
    """Make the running average of the interval a value."""
    world["market"]["premium_sums"]["weighted_sum"], world["market"]["premium_sums"]["weights"] = (
        value,
        1.0,
    )
    world["view"]["average_premium"] = value


def paid(world):
    return (1_000 * USD - int(world["account"]["collateral"][0, 0])) / USD


def test_a_lagged_rate_is_charged_at_the_next_settlement():
    world = held(funding__lag=True)
    world["view"]["funding_rate"] = 0.0
    premium(world, 0.001)
    world.settle()
    assert paid(world) == 0.0 and world["view"]["funding_rate"][0] == pytest.approx(0.0005)
    premium(world, -0.01)
    world.settle()
    assert paid(world) == pytest.approx(20_000 * 0.0005)
    assert world["settlement"]["rate"][:2].tolist() == [0.0, pytest.approx(0.0005)]


def test_a_step_limit_bounds_the_change_of_the_rate():
    world = held(funding__step_limit=0.0002)
    world["view"]["funding_rate"] = 0.0001
    for expected in (0.0003, 0.0005, 0.0005):
        premium(world, 0.001)
        world.settle()
        assert world["view"]["funding_rate"][0] == pytest.approx(expected)


def test_the_interval_shortens_at_the_cap_and_comes_back():
    world = held(funding__short_interval_hours=1.0, funding__restore_after=2)
    lengths = []
    for average in (0.1, 0.0, 0.1, 0.0, 0.0, 0.0):
        premium(world, average)
        world.settle()
        lengths.append(float(world["market"]["interval_seconds"][0]))
    assert lengths == [3_600, 3_600, 3_600, 3_600, HOURS, HOURS]
    assert (
        world["market"]["funding_law"]["interest_rate"][0]
        == world["view"]["funding_law"]["interest_rate"][0]
        == 1e-4
    )


def test_continuous_funding_charges_a_share_each_step_and_is_recorded_once():
    world = held(
        funding__accrual="continuous",
        funding__notional="index",
        premium__average="last",
        funding__damper=0.0,
    )
    world["view"]["average_premium"] = world["view"]["funding_rate"] = 0.001
    for _ in range(480):
        world.call(accrue_at, 0)
    world.settle()
    assert paid(world) == pytest.approx(20_000 * 0.001, abs=480e-6)
    kept = world["settlement"][0]
    assert (
        kept["rate"] == pytest.approx(0.001)
        and kept["long_paid"] + kept["short_paid"] == kept["residue"]
    )
    assert 0 <= kept["residue"] <= 480 * 2
    assert (
        kept["long_paid"] == round(paid(world) * USD) and world["run"]["settlement_count"][0] == 1
    )


def test_a_limit_on_continuous_steps_is_one_of_speed():
    world = held(
        funding__accrual="continuous",
        premium__average="last",
        funding__damper=0.0,
        funding__step_limit=0.0048,
    )
    world["view"]["average_premium"], world["view"]["funding_rate"] = 0.002, 0.0
    for _ in range(10):
        world.call(accrue_at, 0)
    assert world["view"]["funding_rate"][0] == pytest.approx(10 * 0.0048 * 60 / HOURS)


@pytest.mark.parametrize(
    ("law", "more", "expected"),
    [
        ("impact", {}, 0.002),
        ("impact_or_zero", {"premium__impact_notional": 1e6}, 0.0),
        ("impact_mean", {}, 0.0025),
        ("mid", {"premium__impact_notional": None}, 0.0025),
        ("mark", {"premium__impact_notional": None}, 0.001),
        ("impact_plus_pending", {}, 0.001 + 0.0003),
        (
            "average_gap",
            {
                "premium__impact_notional": None,
                "premium__window_seconds": 60.0,
                "premium__average": "last",
            },
            0.0025 * (1 - math.exp(-1)),
        ),
    ],
)
def test_samples_by_hand(law, more, expected):
    """Best prices 20,040 and 20,060, index 20,000, mark 20,020, rate in force .0003."""
    world = World(round_rules(premium__law=law, **{"premium__impact_notional": 100.0} | more))
    for i in range(2):
        world.own(i, 1e6)
    world.limit(0, 1, 20_040, 100)
    world.limit(1, -1, 20_060, 100)
    world.mark(20_020.0, index=20_000.0)
    world["view"]["funding_rate"] = 0.0003
    for name in ("mid_average", "index_average"):
        world["market"]["gap_state"][name] = 20_000.0
    world.call(one_sample, 0)
    assert world["view"]["premium"][0] == pytest.approx(expected, rel=1e-12)


def test_votes_of_a_minute_make_one_sample():
    world = World(
        load_rulebook("dydx-v4").changed(
            {"contract.tick": 1.0, "contract.lot": 0.01, "premium.impact_notional": 100.0}
        )
    )
    for i in range(2):
        world.own(i, 1e6)
    world.limit(0, 1, 20_040, 100)
    world.limit(1, -1, 20_060, 100)
    world.mark(20_000.0)
    world["run"]["premium_samples"] = 12
    for _ in range(24):
        world.call(one_sample, 0)
    assert world["market"]["premium_sums"]["weights"][0] == 2.0
    assert world["view"]["average_premium"][0] == pytest.approx(0.002, abs=1e-9)


@settings(deadline=None)
@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=VOTES), st.integers(0, VOTES))
def test_the_median_is_that_of_the_padded_votes(cast, least):
    votes = np.zeros(VOTES)
    votes[: len(cast)] = cast
    middle = float(np.median(cast + [0] * (least - len(cast))))
    expected = math.copysign(math.ceil(abs(middle)), middle)
    assert median_of_votes(votes, len(cast), least, 1.0) == expected


@settings(deadline=None)
@given(st.floats(-1.0, 1.0), st.sampled_from([0.0, 1e-6, 1e-4, 0.25]))
def test_cutting_never_goes_beyond_the_value(value, quantum):
    cut = truncated(value, quantum)
    assert abs(cut) <= abs(value) + 1e-9 * quantum and abs(value - cut) <= max(quantum, 0.0) * (
        1 + 1e-9
    )


@settings(deadline=None)
@given(st.floats(-0.01, 0.01), st.floats(-0.01, 0.01), st.floats(0.0, 0.01))
def test_a_limited_rate_stays_between(before, rate, step):
    result = limited_rate(before, rate, step)
    assert min(before, rate) <= result <= max(before, rate) and abs(result - before) <= step + 1e-18


def test_dead_band_by_mode():
    """Around the interest rate, around 0, and none: sum, open interest, a cap below interest."""
    nothing = np.zeros(1, SEEN)[0]
    band = funding_law(interest_rate=1e-4, damper=5e-4)
    assert dead_band(band, nothing) == pytest.approx((-4e-4, 6e-4))
    dead = funding_law(interest_rate=1e-4, damper=5e-4, damper_mode=DamperMode.DEAD_BAND)
    assert dead_band(dead, nothing) == pytest.approx((-5e-4, 5e-4))
    for law in (band, dead):
        low, high = dead_band(law, nothing)
        edges = [funding_rate(law, premium, nothing) for premium in (low, 0.0, high)]
        assert edges == pytest.approx([1e-4] * 3)
    for changes in ({"damper_mode": DamperMode.SUM}, {"follows_skew": 1}, {"cap": 5e-5}):
        law = funding_law(**{"interest_rate": 1e-4, "damper": 5e-4} | changes)
        assert np.isnan(dead_band(law, nothing)).all()


@pytest.mark.parametrize("mode", list(DamperMode))
def test_the_rate_is_linear_between_neighbouring_kinks(mode):
    """All changes of slope are among `rate_kink`, which may be infinite or NaN besides."""
    nothing = np.zeros(1, SEEN)[0]
    law = funding_law(
        interest_rate=1e-4, damper=5e-4, damper_mode=mode, cap=2e-3, floor=-1e-3, divisor=2.0
    )
    kinks = [rate_kink(law, number, nothing) for number in range(KINKS)]
    edges = sorted({-0.01, 0.01, *(kink for kink in kinks if abs(kink) < 0.01)})
    for low, high in zip(edges, edges[1:]):
        ends = [funding_rate(law, premium, nothing) for premium in (low, high)]
        middle = funding_rate(law, 0.5 * (low + high), nothing)
        assert middle == pytest.approx(0.5 * sum(ends), abs=1e-12)


def test_an_infinite_dead_band_is_refused():
    with pytest.raises(ParameterError, match="finite"):
        load_rulebook("deribit").changed({"funding.damper": math.inf})


@pytest.mark.parametrize(
    ("premium", "rate"),
    [(0.0, 0.0), (0.0002, 0.0), (-0.00025, 0.0), (0.001, 0.00075), (-0.001, -0.00075)],
)
def test_dead_band_by_hand(premium, rate):
    assert rate_of(premium, 0.0, 0.00025, DamperMode.DEAD_BAND, math.inf, 1.0) == pytest.approx(
        rate, abs=1e-18
    )


@pytest.mark.parametrize("name", rulebook_names())
def test_every_rulebook_accounts_for_everything_in_a_storm(name):
    market = storm(7, [load_rulebook(name)], capital_usd=1_500.0)
    for _ in range(60):
        market.step()
        assert market.conservation_error_units == 0
    if market.tables["market"]["amm_law"]["venue_type"][0] == BOOK:
        assert_book_is_sound(market.tables)
    assert_positions_are_sound(market.tables)
    assert len(market.records().events) > 0 or load_rulebook(name).margin.maximum_leverage < 20
    assert np.isfinite(market.predicted_funding) and np.isfinite(market.mark)


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        ({"premium.law": "mid"}, {"premium.impact_notional"}),
        ({"premium.average": "median_of_votes"}, {"premium.minimum_votes"}),
        (
            {"premium.average": "recursive", "premium.minimum_votes": 3},
            {"premium.window_seconds", "premium.minimum_votes"},
        ),
        ({"funding.accrual": "continuous", "funding.lag": True}, {"funding.lag"}),
        (
            {"funding.short_interval_hours": 9.0},
            {"funding.restore_after", "funding.short_interval_hours"},
        ),
        (
            {"mark.inputs": [{"input": "index_plus_deep_basis", "window_seconds": 30.0}]},
            {"mark.inputs.0.depth"},
        ),
        ({"funding.cap_law": "sometimes"}, {"funding.cap_law"}),
    ],
)
def test_impossible_compositions_are_refused_with_all_their_faults(changes, keys):
    with pytest.raises(ParameterError) as caught:
        load_rulebook("binance").changed(changes)
    assert {fault.key for fault in caught.value.faults} == keys


def test_a_floor_stops_the_rate_below_and_not_above():
    from perplab.scenarios.files.loader import build, load

    rates = {}
    for floor in (-1e-4, -0.003):
        scenario = load("short-crowding", {"days": 1.5, "market.changes.funding.floor": floor})
        market = build(scenario, 1)
        market.run(scenario.steps)
        rates[floor] = market.records().settlements["rate"]
        assert market.conservation_error_units == 0
    assert rates[-1e-4].min() == -1e-4 and rates[-0.003].min() < -1.2e-4
    with pytest.raises(ParameterError) as caught:
        load_rulebook("binance").changed({"funding.floor": 0.01})
    assert [fault.key for fault in caught.value.faults] == ["funding.floor"]


def test_cut_tails_leave_an_outlying_minute_out():
    """Nine calm minutes and a wild one.

    The mean takes the wild one in, the trimmed mean does not.
    """
    for trim, expected in ((0.0, 0.1), (0.1, 0.0)):
        law, sums = np.zeros(1, AVERAGE_LAW)[0], np.zeros(1, PREMIUM_SUMS)[0]
        law["trim"] = trim
        for sample in [0.0] * 5 + [1.0] + [0.0] * 4:
            add_minute(law, sums, sample)
        assert sums["weighted_sum"] / sums["weights"] == pytest.approx(expected)
    with pytest.raises(ParameterError) as caught:
        load_rulebook("dydx-v4").changed({"premium.trim": 0.1, "funding.interval_hours": 8.0})
    assert [fault.key for fault in caught.value.faults] == ["premium.trim"]
