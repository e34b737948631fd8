"""Figures of a market do not depend on the market beside it.

The same records, alone as market 0 and as market 1 beside another, give the same figures.
"""

import dataclasses
import json
import math

import matplotlib
import numpy as np
import pytest

from perplab.analysis.estimators.impulse_response import reversion_speed
from perplab.analysis.estimators.series import BPS
from perplab.analysis.figures import style
from perplab.analysis.figures.funding_panels import draw_funding_rate
from perplab.analysis.figures.price_panels import draw_liquidated_notional, draw_open_interest
from perplab.analysis.metrics import episodes, losses
from perplab.analysis.metrics.branches import open_interest_usd, since, summary_since
from perplab.analysis.metrics.replay_fit import compare_replay
from perplab.analysis.metrics.summary import market_run, summarize
from perplab.analysis.studies.measures.crowds import crowd_figures
from perplab.scenarios.files.loader import load
from perplab.scenarios.runs import store
from perplab.scenarios.runs.outcome import run
from perplab.sim.state.codes import ADL, FORCED_ORDER, TAKEOVER, TWIN_TAKEOVER
from perplab.sim.state.event_rows import OPEN_POSITION, PRINT
from tests.recorded import beside, meta_of, noisy_run, rows

HOUR = 3600.0
TWO_MARKETS = """extends = "small"
days = 0.1
[[markets]]
rulebook = "binance"
venue = "first"
[[markets]]
rulebook = "hyperliquid"
venue = "second"
[populations.more_providers]
kind = "liquidity"
number = 2
market = 1
[populations.noise]
market = {distribution = "choice", values = [0, 1]}
"""
KINDS = ("noise", "directional_short", "arbitrage", "manipulation")
MARKET = {
    "tick": 0.5,
    "lot": 0.01,
    "funding_law": {"interest_rate": 2e-4, "divisor": 2.0, "damper": 3e-4, "cap": 2e-3},
    "interval_seconds": 4 * HOUR,
    "thin_samples": 1,
    "premium_samples": 50,
}
VENUE = {"round_seconds": 20.0, "fund_initial": 9_000_000, "fund_equity": -2_000_000, "fees": 7}


def rich_run(seed, days=12, market=(), venue=()):
    """Return a random run with trades, open positions and every kind of forced event."""
    run, rng = noisy_run(days=days, seed=seed, kind_names=KINDS), np.random.default_rng(seed)
    run.meta = meta_of(
        market,
        venue,
        steps=days * 1440,
        trader_kinds=[[k, 25] for k in range(4)],
        shock_seconds=[[6 * 86400.0, 6.1 * 86400.0]],
    )
    series, events, count = run.series[0], run.events, len(run.events)
    series["fund"] = rng.integers(-(10**7), 10**7, len(series))
    series["depth_bid"], series["depth_ask"] = rng.integers(1, 900, (2, len(series)))
    events["trader"], events["counterparty"] = rng.integers(0, 100, (2, count))
    events["kind"] = rng.choice([FORCED_ORDER, TAKEOVER, ADL], count)
    events["round"], events["fund_change"] = rng.integers(0, 3, count), rng.integers(0, 999, count)
    events["value"] = np.abs(events["lots"]) * events["mark"] * 990
    run.kinds["lots"], run.kinds["spot_lots"] = rng.integers(-900, 900, (2, *run.kinds.shape))
    run.settlements["long_paid"] = rng.integers(-999, 999, len(run.settlements))
    run.prints = prints_of(rng, run)
    run.positions = rows(
        OPEN_POSITION,
        trader=np.arange(50),
        notional=rng.integers(10, 900, 50),
        equity=rng.integers(-5, 90, 50),
    )
    return run


def prints_of(rng, run):
    """Return random trades, among them those of the liquidation orders."""
    steps = np.append(rng.integers(1, len(run.series[0]), 4_000), run.events["step"])
    forced = np.arange(len(steps)) >= 4_000
    made = rows(
        PRINT,
        step=steps,
        taker=np.append(rng.integers(0, 100, 4_000), run.events["trader"]),
        maker=rng.integers(0, 100, len(steps)),
        side=rng.choice([-1, 1], len(steps)),
        lots=rng.integers(1, 900, len(steps)),
        tick=(run.series[0]["mid"][steps] / 0.1).astype(int),
        forced=forced,
    )
    return made[np.argsort(made["step"], kind="stable")]


def twin_of(run):
    """Return a run without every second event, its forced positions taken over at the mark."""
    twin = dataclasses.replace(run, events=run.events[::2].copy())
    twin.events["kind"] = TWIN_TAKEOVER
    return twin


@pytest.fixture(scope="module")
def pair():
    """A market alone, and the same as market 1 beside another; with their twins."""
    alone, other = rich_run(3, market=MARKET, venue=VENUE), rich_run(8)
    twins = twin_of(alone), twin_of(other)
    return (alone, twins[0]), (beside(alone, other), beside(*twins))


def same(one, two):
    """Return whether two results are equal to the last bit, NaN being equal to NaN."""
    return json.dumps(one, sort_keys=True) == json.dumps(two, sort_keys=True)


def real_of(run):
    """Return a real market that is near to a run."""
    series, settled = run.series[0][::60], run.settlements
    return {
        "seconds": series["seconds"],
        "basis_bps": (series["mid"] / series["spot"] - 1) * BPS + 0.5,
        "funding_seconds": settled["seconds"],
        "funding": settled["rate"] * 1.5,
        "funding_source": "a test",
    }


FIGURES = {
    "summary": lambda run, twin, market: summarize(run, twin, market),
    "branch": lambda run, twin, market: summary_since(run, 100.0, twin, market),
    "fall": lambda run, twin, market: episodes.fall_figures(
        run, twin, 150 * HOUR, 160 * HOUR, market
    ),
    "attack": lambda run, twin, market: episodes.attack_figures(
        run, twin, 150 * HOUR, 160 * HOUR, market
    ),
    "reversion": lambda run, twin, market: reversion_speed(run, market),
    "losses": lambda run, twin, market: [
        sorted((str(a), str(b), flow) for a, b, flow in graph.edges(data=True))
        for graph in (losses.loss_network(run, market, by) for by in ("kind", "trader"))
    ],
    "losses without makers": lambda run, twin, market: sorted(
        (a, b, flow)
        for a, b, flow in losses.loss_network(
            dataclasses.replace(run, prints=run.prints[:0]), market
        ).edges(data=True)
    ),
    "open interest": lambda run, twin, market: open_interest_usd(run, market).tolist(),
    "crowd": lambda run, twin, market: crowd_figures(run, market),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figures_of_a_market_are_its_own(pair, name):
    alone, both = pair
    assert same(FIGURES[name](*alone, 0), FIGURES[name](*both, 1))
    assert not same(FIGURES[name](*both, 0), FIGURES[name](*both, 1))


def test_facts_of_a_market_are_its_own(pair):
    pytest.importorskip("statsmodels")
    from perplab.analysis.metrics.stylised_facts import facts

    alone, both = facts(pair[0][0]), facts(pair[1][0], 1)
    assert alone.equals(both) and len(alone) > 50
    assert not alone.equals(facts(pair[1][0]))


def test_a_replay_is_compared_by_market(pair):
    real = real_of(pair[0][0])
    told = compare_replay(pair[0][0], real), compare_replay(pair[1][0], real, market=1)
    assert same(*told) and told[0]["real"]["funding_mean_bps_8h"] != 0


def test_drawings_of_a_market_are_its_own(pair):
    drawn = []
    for records, market in ((pair[0][0], 0), (pair[1][0], 1)):
        with matplotlib.rc_context(style.STYLE):
            axes = style.panels(1, 2.0)[1][0]
        draw_funding_rate(records, axes, market=market)
        draw_open_interest(records, axes, market)
        draw_liquidated_notional(records, axes, market)
        lines = [(line.get_label(), line.get_ydata(orig=True)) for line in axes.lines]
        bars = [bar.get_height() for bar in axes.patches]
        drawn.append([(text, np.asarray(values).tolist()) for text, values in lines] + bars)
    assert same(*drawn) and len(drawn[0]) > 10


def test_figures_of_two_markets_by_hand():
    """Settlements of 4 h at half the interest, rounds of 20 s, fund and lot of the second venue."""
    alone, other = rich_run(3, 4, MARKET, VENUE), rich_run(8, 4)
    both = beside(alone, other)
    figures = summarize(both, market=1)
    late = alone.settlements[alone.settlements["seconds"] > 24 * HOUR]
    assert figures["funding_mean_bps_8h"] == pytest.approx(late["rate"].mean() * 2 * BPS)
    assert figures["funding_at_interest_share"] == pytest.approx((late["rate"] == 1e-4).mean())
    assert figures["insurance_fund_change"] == pytest.approx(-11.0)
    assert figures["thin_premium_share"] == pytest.approx(0.02)
    assert figures["adl_events"] == (alone.events["kind"] == ADL).sum()
    assert market_run(both, 1).rounds_per_step == 3 and market_run(both, 0).rounds_per_step == 12
    notional = np.abs(alone.events["lots"]) * alone.events["mark"]
    assert figures["liquidated_notional"] == pytest.approx((notional * 0.01).sum())


def test_profits_add_the_venues_up(pair):
    both = pair[1][0]
    summary = summarize(both)
    found = {who: profit for who, profit, *_ in losses.profit_rows(summary, both.meta)}
    assert found["insurance fund"] == pytest.approx(2.5 - 11.0)
    assert found["venue, fees"] == pytest.approx(7e-6)
    assert math.fsum(found.values()) == pytest.approx(0.0, abs=1e-6)


def test_a_cut_begins_with_the_fund_of_each_venue(pair):
    alone, both = pair[0][0], pair[1][0]
    cut = since(both, 100 * HOUR).meta["venues"]
    first = alone.series[0]["fund"][alone.series[0]["seconds"] >= 100 * HOUR][0]
    assert cut[1]["fund_initial"] == first != cut[0]["fund_initial"]


def test_a_fund_of_two_markets_counts_the_events_of_both(pair):
    both = pair[1][0]
    shared = dataclasses.replace(
        both, meta=both.meta | {"markets": [dict(m, venue=1) for m in both.meta["markets"]]}
    )
    received = episodes.fund_figures(shared, 0.0, 1)["fund_received_usd"]
    assert received == pytest.approx(both.events["fund_change"].sum() * 1e-6)
    assert received > episodes.fund_figures(both, 0.0, 1)["fund_received_usd"]


def test_a_run_states_what_belongs_to_a_market_and_reads_it_back(tmp_path):
    """Contract numbers, samples and funds of two venues, in memory and from a folder."""
    (tmp_path / "two.toml").write_text(TWO_MARKETS)
    outcome = run(load(tmp_path / "two.toml"), 1)
    meta, series = outcome.records.meta, outcome.records.series
    binance, hyperliquid = meta["markets"]
    assert (binance["venue"], hyperliquid["venue"]) == (0, 1) and len(meta["venues"]) == 2
    assert (binance["interval_seconds"], hyperliquid["interval_seconds"]) == (8 * HOUR, HOUR)
    assert (binance["funding_law"]["divisor"], hyperliquid["funding_law"]["divisor"]) == (1.0, 8.0)
    assert hyperliquid["thin_samples"] <= hyperliquid["premium_samples"] > 0
    for venue, rows_of_market in zip(meta["venues"], series, strict=True):
        assert venue["fund_equity"] == rows_of_market["fund"][-1]
    store.write_run(tmp_path / "run", outcome, summarize(outcome.records), 0.0)
    manifest, stored = store.read_run(tmp_path / "run")
    assert stored.meta["markets"] == meta["markets"] and stored.meta["venues"] == meta["venues"]
    assert same(summarize(stored, market=1), summarize(outcome.records, market=1))
