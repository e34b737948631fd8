"""Extreme wealth and shocks: every amount stays within 64 bits, or the run ends by name."""

import dataclasses
import math
import random

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from perplab.agents.attacks.manipulation import Manipulator
from perplab.agents.carry.arbitrage import Arbitrage
from perplab.agents.directional import DirectionalLong, DirectionalShort
from perplab.agents.liquidity import LiquidityProvider
from perplab.agents.noise import Noise
from perplab.agents.traits import Trait, Traits
from perplab.sim.clearing.ledger import share_of
from perplab.sim.errors import ParameterError
from perplab.sim.model import PerpetualMarket
from perplab.sim.rulebook.rulebook import load_rulebook, rulebook_names
from perplab.sim.setup import AssetSetup, MarketSetup, Population, Setup
from perplab.sim.spot.processes import GeometricBrownian
from perplab.sim.spot.shocks import PathShock
from perplab.sim.state.codes import LARGEST_NOTIONAL, LARGEST_UNITS, MOST_TICKS
from tests.markets import small_market

STEPS, PRICE = 90, 20_000.0


def rich_market(venue, wealth_usd, move, size_share, leverage, seed):
    """Return a market of traders with `wealth_usd` in all, and a shock of spot after an hour."""
    sizes = dict(size_usd=size_share * wealth_usd, leverage=leverage)
    kinds = {
        Noise: sizes | dict(wake_seconds=120, flat_usd=max(size_share * wealth_usd, 1)),
        DirectionalLong: sizes | dict(wake_seconds=300, entry_probability=1, margin_share=0.5),
        DirectionalShort: sizes | dict(wake_seconds=300, entry_probability=1, margin_share=0.5),
        LiquidityProvider: dict(
            level_usd=size_share * wealth_usd / 4, inventory_limit_usd=max(wealth_usd, 1)
        ),
        Arbitrage: dict(wake_seconds=120.0),
        Manipulator: dict(
            size_usd=size_share * wealth_usd,
            attack_start_hours=0.5,
            spot_push_usd=wealth_usd * 1e-6,
        ),
    }
    populations = [
        Population(
            name=kind.kind, kind=kind, number=2, traits=traits | dict(capital_usd=wealth_usd / 12)
        )
        for kind, traits in kinds.items()
    ]
    shock = PathShock(at_hours=1.0, minutes=2.0, move=move)
    asset = AssetSetup(
        name="btc", process=GeometricBrownian(initial_price=PRICE, volatility=0.3), shocks=[shock]
    )
    rulebook = load_rulebook(venue)
    market = MarketSetup(venue=venue, asset="btc", rulebook=rulebook)
    setup = Setup(dt=60.0, assets=[asset], populations=populations, markets=[market])
    return PerpetualMarket(setup, seed=seed)


def assert_amounts_fit(market):
    """Assert that no amount of money has wrapped: each is what its lots can be worth."""
    tables = market.tables
    assert market.conservation_error_units == 0
    row = market.tables["market"][0]
    value = [abs(int(lots)) for lots in tables["position"]["lots"][:, 0]]
    dearest = MOST_TICKS * int(row["units_per_tick"])
    for position, lots in zip(tables["position"][:, 0], value, strict=True):
        assert 0 <= -int(position["quote"]) * (1 if position["lots"] > 0 else -1) <= lots * dearest
        assert (position["lots"] == 0) == (position["quote"] == 0)
    assert sum(value) / 2 * row["units_per_price"] * tables["view"]["mark"][0] <= LARGEST_NOTIONAL
    for field in ("collateral", "cash", "incoming"):
        assert all(abs(int(units)) <= LARGEST_UNITS for units in tables["account"][field].ravel())


def assert_records_fit(market):
    """Assert that the recorded wealth and events are those of the tables, in exact sums."""
    records = market.records()
    wealth = sum(round(agent.equity / market.layout.unit) for agent in market.agents)
    recorded = sum(int(units) for units in records.kinds["equity"][-1])
    assert recorded == pytest.approx(wealth, rel=1e-9, abs=100)
    assert all(abs(int(units)) <= LARGEST_UNITS for units in records.kinds["equity"].ravel())
    events = records.events
    assert len(events) == 0 or (events["lots"] != 0).all() and (events["value"] >= 0).all()
    assert len(events) < 1_000 * STEPS


WEALTH = st.floats(3, 12.66).map(lambda exponent: 10.0**exponent)
MOVE = st.one_of(st.floats(-0.999, 1.0), st.floats(0, 100.0))


@settings(max_examples=60, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(
    venue=st.sampled_from(rulebook_names()),
    wealth_usd=WEALTH,
    move=MOVE,
    size_share=st.floats(-4, 2).map(lambda exponent: 10.0**exponent),
    leverage=st.floats(1, 100),
    seed=st.integers(0, 99),
)
@example("binance", 4.5e12, 100.0, 1.0, 100.0, 1)
@example("binance", 4.5e12, -0.999, 1.0, 100.0, 1)
@example("gmx-v2", 4.5e12, 50.0, 1.0, 50.0, 2)
def test_no_amount_wraps_or_the_run_ends_by_name(
    venue, wealth_usd, move, size_share, leverage, seed
):
    market = rich_market(venue, wealth_usd, move, size_share, leverage, seed)
    try:
        for _ in range(0, STEPS, 6):
            market.run(6)
            assert_amounts_fit(market)
    except ParameterError as error:
        (fault,) = error.faults
        assert fault.key.partition(" ")[0].partition(".")[0] in (
            *("market", "asset", "trader", "spot", "contract"),
        )
        assert market.conservation_error_units == 0
    else:
        assert_records_fit(market)


def test_a_price_shock_ends_the_run_before_a_flood_of_liquidations():
    market = rich_market("binance", 4e12, 100.0, 0.05, 20.0, 1)
    with pytest.raises(
        ParameterError, match=r"value of open interest beyond 2\.3e\+12 at step \d+"
    ):
        market.run(STEPS)
    assert market.conservation_error_units == 0
    assert market.step_number <= 64 and len(market.records().events) < 1_000


@pytest.mark.parametrize(
    ("traits", "key"),
    [
        ({"size_usd": 1e16}, "size_usd"),
        ({"size_usd": math.inf}, "size_usd"),
        ({"capital_usd": -1.0}, "capital_usd"),
        ({"leverage": 10**400}, "leverage"),
        ({"wake_seconds": 1e300}, "wake_seconds"),
        ({"market": 1.0}, "populations.noise.market"),
        ({"market": 0.5}, "populations.noise.market"),
    ],
)
def test_traits_without_a_bound_of_their_own_have_one(traits, key):
    setup = small_market([Population(name="noise", kind=Noise, number=1)]).setup
    populations = [Population(name="noise", kind=Noise, number=1, traits=traits)]
    with pytest.raises(ParameterError) as caught:
        PerpetualMarket(dataclasses.replace(setup, populations=populations))
    assert [fault.key for fault in caught.value.faults] == [key]


def test_infinity_is_a_value_where_it_means_never():
    bounds = Traits(
        wake_seconds=Trait(60, "s", "wake"),
        start_hours=Trait(math.inf, "h", "start", low=0),
        limit_usd=Trait(5, "quote currency", "limit", high=math.inf),
        size_usd=Trait(5, "quote currency", "size"),
    )
    for name in ("wake_seconds", "start_hours", "limit_usd"):
        assert bounds.traits[name].accepts(math.inf)
        assert not bounds.traits[name].accepts(-math.inf) and not bounds.traits[name].accepts(2e15)
    assert not bounds.traits["size_usd"].accepts(math.inf)
    assert bounds.traits["size_usd"].bound == "at least -1e+15 and at most 1e+15"


def test_positions_of_more_lots_than_32_bits_are_shared_out_exactly():
    draw = random.Random(1)
    for _ in range(2_000):
        whole = draw.randrange(1, 2 ** draw.randrange(1, 61))
        part, amount = draw.randrange(whole + 1), draw.randrange(-(2**62), 2**62)
        assert share_of(amount, part, whole) == amount * part // whole
