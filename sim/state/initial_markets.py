"""The rows of the run, its assets and markets at time 0."""

import math

from perplab.sim.errors import Fault, ParameterError
from perplab.sim.impact.displacement import begin_at
from perplab.sim.laws.amm import is_pool
from perplab.sim.laws.funding import interest_per_interval
from perplab.sim.laws.margin import leverage_limit, lowest_fraction
from perplab.sim.laws.mark import INPUTS, starts_at_price
from perplab.sim.streams import stream_key

PUBLIC_AVERAGES = (
    ("weight_30m", 30, "sample"),
    ("weight_90m", 90, "sample"),  # minutes; how often they take something in
    ("weight_1h", 60, "step"),
    ("weight_110m", 110, "step"),
    ("weight_1d", 1440, "step"),
    ("weight_7d", 10_080, "step"),
)


IMPACT_NOTIONAL = 100_000.0


BP = 1e-4


DAY, LN2 = 86_400.0, math.log(2.0)


def start_price(setup, name):
    """Return the spot price of an asset at time 0."""
    asset = next(asset for asset in setup.assets if asset.name == name)
    return math.exp(asset.process.start()[0])


def fill_run(run, setup, layout, seed):
    """Write clocks and counters of a run at time 0."""
    run["dt"], run["key"], run["traders"] = setup.dt, stream_key(seed, "run"), layout.traders
    run["premium_samples"] = setup.premium_samples
    for field, minutes, elapsed in PUBLIC_AVERAGES:
        run[field] = 1.0 - math.exp(
            -(setup.dt / setup.premium_samples if elapsed == "sample" else setup.dt)
            / (60.0 * minutes)
        )
    run["record_steps"] = max(round(setup.record_seconds / setup.dt), 1)
    run["kind_record_steps"] = max(round(setup.wealth_seconds / setup.dt), 1)
    run["print_trades"], run["next_expiry_step"] = setup.print_trades, 1 << 62


def fill_asset(row, asset, setup, layout):
    """Write an asset's numbers; its lot and tick are those of the first market on it."""
    contract = next(
        (market.rulebook.contract for market in setup.markets if market.asset == asset.name), None
    )
    if contract is None:
        raise ParameterError(Fault("asset", asset.name, "one that a market trades"))
    spot = start_price(setup, asset.name)
    row["spot"], row["exogenous"] = spot, math.log(spot)
    row["lot"], row["tick"], row["units_per_tick"] = (
        contract.lot,
        contract.tick,
        contract.units_per_tick,
    )
    if asset.sentiment:
        row["sentiment_return_weight"] = asset.sentiment.return_weight
        row["sentiment_return_seconds"] = asset.sentiment.return_half_life_days * DAY / LN2
    row["sentiment_log_mean"] = math.log(spot)
    begin_at(row["displacement"], spot)
    fill_terms(row, asset, setup)


def fill_terms(row, asset, setup):
    """Write the terms of trading in spot: impact, spread, fee, borrowing."""
    row["permanent_impact"] = asset.permanent_impact_bps * BP / IMPACT_NOTIONAL
    row["transient_impact"] = asset.transient_impact_bps * BP / IMPACT_NOTIONAL
    row["impact_seconds"], row["discovery"] = asset.impact_seconds, asset.perp_price_discovery
    if asset.displacement:
        asset.displacement.fill(row["displacement"], row["ledger"])
    row["half_spread"], row["fee"] = asset.half_spread_bps * BP, asset.fee_bps * BP
    row["borrow_rate"] = asset.borrow_rate_per_year
    row["borrow_limit_lots"] = int(
        min(asset.borrow_limit_usd / (start_price(setup, asset.name) * float(row["lot"])), 1 << 62)
    )


def fill_market(tables, m, setup_market, setup, layout):
    """Write a market's rules, ladder window and opening prices."""
    market, view, rulebook = tables["market"][m], tables["view"][m], setup_market.rulebook
    v, a = layout.venues.index(setup_market.venue), layout.assets.index(setup_market.asset)
    venue, asset = tables["venue"][v], tables["asset"][a]
    rulebook.fill(venue, market)
    venue["fund_row"], venue["no_impact"] = layout.traders + v, setup.no_impact
    tables["account"][layout.traders + v, v]["collateral"] = int(
        rulebook.units(rulebook.fund.initial)
    )
    market["venue"], market["asset"], spot = v, a, float(asset["spot"])
    market["window"] = tables["level"].shape[1]
    market["window_low"] = max(int(spot / market["tick"]) - int(market["window"]) // 2, 1)
    market["lowest_short_stop"] = 1 << 62
    market["previous_mark"] = market["counterfactual_mark"] = spot
    market["band_low"] = max(math.ceil(spot / market["tick"] * (1 - market["band"])), 1)
    market["band_high"] = math.floor(spot / market["tick"] * (1 + market["band"]))
    for k in range(INPUTS):
        market["mark_average"][k] = spot if starts_at_price(market["mark_law"], k) else 0.0
    market["gap_state"]["mid_average"] = market["gap_state"]["index_average"] = spot
    market["sources"]["source_index"] = market["sources"]["source_price"] = spot
    fill_pool(market, rulebook.trading, spot)
    fill_view(view, market, venue, asset, setup)


def fill_pool(market, trading, spot):
    """Write the reserves and the limit of a market's pool, if it has one."""
    for field, value in trading.pool_values(spot, float(market["lot"])).items():
        market["amm_law"][field] = value


def fill_view(view, market, venue, asset, setup):
    """Write what traders see of a market at time 0."""
    spot = float(asset["spot"])
    for field in ("venue", "tick", "lot", "units_per_tick", "units_per_price"):
        view[field] = market[field]
    for field in ("mark", "index", "spot", "impact_bid", "impact_ask"):
        view[field] = spot
    for field in ("log_mid", "log_mid_1h", "log_mid_1d", "log_mid_7d", "log_spot"):
        view[field] = math.log(spot)
    view["dt"], view["last_tick"] = setup.dt, round(spot / float(market["tick"]))
    show_rules(view, market, venue)
    view["seconds_to_settlement"] = market["interval_seconds"]
    view["funding_rate"] = interest_per_interval(market["funding_law"]) * market["funding_on"]
    view["predicted_funding"] = view["funding_rate"]
    fill_spot_view(view, asset)


def show_rules(view, market, venue):
    """Write what traders see of the rules of a market and its venue."""
    for field in (
        "interval_seconds",
        "funding_law",
        "funding_on",
        "band",
    ):
        view[field] = market[field]
    view["in_pool"] = is_pool(market["amm_law"])
    view["maximum_leverage"] = leverage_limit(market["margin_law"])
    view["taker_fee"], view["maker_fee"] = venue["taker_fee"], venue["maker_fee"]
    view["maintenance_fraction"] = lowest_fraction(market["margin_law"])


def fill_spot_view(view, asset):
    """Write what traders see of the terms of trading in spot."""
    view["spot_fee"], view["spot_half_spread"], view["borrow_rate"] = (
        asset["fee"],
        asset["half_spread"],
        asset["borrow_rate"],
    )
