"""Values of a setup in Python and of changes: each is taken, or refused by ParameterError."""

import dataclasses
import math
import pathlib
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplab import Displacement, Noise, PerpetualMarket, Population, Trader
from perplab.analysis.metrics.activity_metrics import warnings_of
from perplab.scenarios.files import schema
from perplab.scenarios.files.loader import load
from perplab.scenarios.runs.outcome import run
from perplab.sim.errors import ParameterError
from perplab.sim.faults import Refusing
from perplab.sim.setup import AssetSetup, MarketSetup, Setup
from perplab.sim.spot.process import PriceProcess
from perplab.sim.spot.processes import GeometricBrownian
from perplab.sim.spot.terms import SpotTerms, refuse_assets
from tests.markets import setup_of

PAGE = pathlib.Path(__file__).parent.parent / "docs" / "scenarios.md"
LAW = Displacement(depth=1e9)
PRICE = GeometricBrownian(initial_price=100.0, volatility=0.5)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)


def models(model=Refusing):
    """Return all models of perplab whose constructor a user may call."""
    return [model, *(one for child in model.__subclasses__() for one in models(child))]


def known(model):
    """Return a strategy of keywords of a model, one of them unknown."""
    return st.dictionaries(st.sampled_from([*model.model_fields, "unknwon"]), VALUES)


MODELS = [m for m in models() if m.model_fields and m.__module__.startswith("perplab.")]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(MODELS).flatmap(lambda model: st.tuples(st.just(model), known(model))))
def test_a_constructor_raises_a_parameter_error_and_nothing_else(given_model):
    model, values = given_model
    try:
        assert isinstance(model(**values), model)
    except ParameterError as error:
        assert error.faults and all("\n" not in str(fault) for fault in error.faults)


def test_a_constructor_names_key_value_and_bound_of_every_fault():
    assert PriceProcess in MODELS and len(MODELS) > 30
    with pytest.raises(ParameterError) as caught:
        Displacement(depth=-1, secnds=3, recovery=6)
    assert str(caught.value).splitlines()[:2] == [
        "depth was -1, must be at least 1.0",
        "secnds is not a known key (did you mean 'seconds'?)",
    ]
    assert str(caught.value).splitlines()[2].startswith("recovery was 6, must be absent: log depth")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"displacement": {"depth": 1e9}}, "assets.btc.displacement was {.*}, must be a perplab"),
        ({"displacement": LAW, "transient_impact_bps": 0.1}, "transient_impact_bps was 0.1, must"),
        ({"displacement": LAW, "perp_price_discovery": 0.5}, "perp_price_discovery was 0.5, must"),
        ({"displacement": LAW, "permanent_impact_bps": 999.0}, "999.0, must be at most 99"),
        ({"sentiment": {"sd": 1}}, "assets.btc.sentiment was"),
        ({"process": {"initial_price": 1}}, "must be a spot process, such as GeometricBrownian"),
        ({"shocks": [{"kind": "path"}]}, "shocks.0 was {'kind': 'path'}, must be a PathShock"),
        ({"fee_bps": -1.0, "half_spread_bps": float("nan")}, "nan.*\n.*fee_bps was -1.0"),
        ({"borrow_rate_per_year": "x"}, "borrow_rate_per_year was 'x', must be a number"),
    ],
)
def test_an_asset_is_held_to_the_bounds_of_a_file(values, words):
    asset = AssetSetup(**{"name": "btc", "process": PRICE} | values)
    with pytest.raises(ParameterError, match=words):
        refuse_assets([asset])
    rules = setup_of([]).markets
    traders = [Population(name="n", kind=Noise, number=1)]
    with pytest.raises(ParameterError, match=words):
        PerpetualMarket(Setup(dt=60.0, assets=[asset], markets=rules, populations=traders))


def test_an_asset_with_displacement_has_no_transient_impact_unless_it_is_given():
    plain = AssetSetup(name="btc", process=PRICE)
    displaced = AssetSetup(name="btc", process=PRICE, displacement=LAW)
    refuse_assets([plain, displaced])
    assert (plain.transient_impact_bps, displaced.transient_impact_bps) == (0.1, 0.0)
    for name, field in SpotTerms.model_fields.items():
        assert name == "name" or getattr(plain, name) == field.default


def test_a_rulebook_of_another_type_is_refused():
    setup = setup_of([Population(name="n", kind=Noise, number=1)])
    market = MarketSetup(venue="v", asset="btc", rulebook="binance")
    with pytest.raises(
        ParameterError, match="markets.v.rulebook was 'binance', must be a Rulebook"
    ):
        PerpetualMarket(Setup(**vars(setup) | {"markets": [market]}))


ONE = Population(name="n", kind=Noise, number=2)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"dt": -1.0}, "dt was -1.0, must be above 0"),
        ({"dt": math.nan}, "dt was nan, must be finite"),
        ({"dt": "60"}, "dt was '60', must be a number"),
        ({"record_seconds": 0, "wealth_seconds": -1}, "record_seconds was 0.*\nwealth_seconds"),
        ({"premium_samples": 1.5}, "premium_samples was 1.5, must be a whole number"),
        ({"premium_samples": 0}, "premium_samples was 0, must be at least 1"),
        ({"steps": -4}, "steps was -4, must be at least 0"),
        ({"markets": []}, r"markets was \[\], must be at least one"),
        ({"assets": []}, "(?s)assets was .*must be at least one.*markets.*asset was 'btc'"),
        ({"assets": None}, "assets was None, must be a list of AssetSetup"),
        ({"populations": [ONE, ONE]}, r"populations was \['n', 'n'\], must be named differently"),
        ({"populations": [{"name": "n"}]}, "populations was .*, must be a list of Population"),
    ],
)
def test_a_setup_is_refused_by_name(values, words):
    with pytest.raises(ParameterError, match=words):
        PerpetualMarket(Setup(**vars(setup_of([ONE])) | values))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"number": -3}, "populations.n.number was -3, must be a whole number of at least 0"),
        ({"number": 2.5}, "populations.n.number was 2.5, must be a whole number"),
        ({"kind": "noise"}, "populations.n.kind was 'noise', must be a Trader class"),
        ({"number": 10**30}, "populations.n.number was 10+, must be .* at most 10,000,000"),
        ({"kind": Trader}, "populations.n.kind was <class .*, must be a Trader class, such as"),
        ({"name": 5}, "populations.0.name was 5, must be a text of at least one character"),
        ({"name": ""}, "populations.0.name was '', must be a text of at least one character"),
        ({"traits": {3: 1}}, "populations.n.traits was 3, must be a mapping of the names"),
        ({"traits": None}, "populations.n.traits was None, must be a mapping"),
        (
            {"traits": {"size_usd": [1, 2, 3]}},
            r"size_usd was 'of shape \(3,\)', must be one number",
        ),
    ],
)
def test_a_population_is_refused_by_name(values, words):
    population = dataclasses.replace(ONE, **values)
    with pytest.raises(ParameterError, match=words):
        PerpetualMarket(setup_of([population]))
    with pytest.raises(ParameterError, match="setup was .*, must be a Setup"):
        PerpetualMarket({"dt": 60.0})


def test_a_table_of_a_change_merges_like_one_of_a_file(tmp_path):
    child = tmp_path / "child.toml"
    child.write_text('extends = "calm"\n[spot]\ndisplacement = {thin_power = 2}\n')
    change = {"spot.displacement": {"thin_power": 2}}
    assert load(child).spot == load("calm", change).spot
    assert load("calm", change).spot.displacement.depth == 2e9
    with pytest.raises(ParameterError, match="spot was {}, must be a table with at least one key"):
        load("calm", {"spot": {}})


def test_a_table_that_replaces_says_so_where_it_lacks_a_key(tmp_path):
    words = r"carry.number is missing, must be given: \[populations.carry\] states what it is, so"
    child = tmp_path / "child.toml"
    child.write_text('extends = "calm"\n[populations.carry]\nkind = "carry"\n')
    with pytest.raises(ParameterError, match=f"child.toml:.*{words}"):
        load(child)
    with pytest.raises(ParameterError, match=words):
        load("calm", {"populations.carry": {"kind": "carry"}})


def test_all_faults_beside_a_fixed_key_are_told():
    changes = {"spot.displacement.recovery": 6, "spot.displacement.depth": -1, "spot.fee_bps": -1}
    with pytest.raises(ParameterError) as caught:
        load("calm", changes)
    assert {fault.key for fault in caught.value.faults} == set(changes)


def test_displacement_is_switched_off_in_a_child_and_on_again(tmp_path):
    child, grandchild = tmp_path / "child.toml", tmp_path / "grandchild.toml"
    child.write_text('extends = "calm"\n[spot.displacement]\nenabled = false\n')
    grandchild.write_text('extends = "child.toml"\n[spot.displacement]\nenabled = true\n')
    linear = load(child, {"spot.transient_impact_bps": 0.05}).spot
    assert linear.displacement is None and linear.transient_impact_bps == 0.05
    assert load(child).spot.transient_impact_bps == 0.1
    assert load(grandchild).spot == load("calm").spot
    assert load("small", {"spot.displacement.enabled": False}) == load("small")
    with pytest.raises(ParameterError, match="displacement.depth was -1, must be at least 1"):
        load(child, {"spot.displacement.depth": -1})


def test_the_page_states_the_bounds_of_the_law():
    text = PAGE.read_text(encoding="utf-8")
    for name, field in schema.SpotDisplacement.model_fields.items():
        stated = re.search(rf"^\| `{name}` \|.*", text, re.M)[0].split("|")[3]
        numbers = [float(one) for one in re.findall(r"\.?\d[\d.]*(?:e-?\d+)?", stated)]
        bounds = [getattr(part, end) for part in field.metadata for end in vars_of(part)]
        assert numbers == sorted(bounds), name
        assert ("above" in stated) == any(hasattr(part, "gt") for part in field.metadata), name


def vars_of(part):
    """Return which bounds a part of a field's metadata states."""
    return [end for end in ("ge", "gt", "le") if hasattr(part, end)]


def test_a_run_in_which_spot_is_too_thin_to_hedge_says_so():
    thin = {"days": 0.1, "spot.displacement.depth": 1e6}
    for changes, count in ((thin, 1), ({"days": 0.1}, 0)):
        outcome = run(load("calm", changes), 1)
        found = warnings_of(outcome.scenario, outcome.records)
        assert len(found) == count
    assert not warnings_of(load("small"), outcome.records)
