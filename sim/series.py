"""The recorded series: rows of the markets and of the kinds of trader, each at its interval."""

from perplab.sim.clearing.equity import cross_equity, recorded_units, value_of
from perplab.sim.clearing.order_margin import margin_in_use
from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.exchange.impact_price import book_mid
from perplab.sim.impact.displacement import displacement_of, displaces, over_reference
from perplab.sim.impact.ledger import late_profit, late_value, makers_profit
from perplab.sim.spot.move import spot_impact
from perplab.sim.state.records import (
    account_at,
    asset_at,
    assets,
    holding_at,
    kind_series,
    market_at,
    markets,
    position_at,
    run_row,
    series_at,
    trader_at,
    venue_at,
    venues,
    view_at,
)


@kernel
def record_markets(world):
    """Write one row of the series for each market."""
    run = run_row(world, 0)
    for m in range(markets(world).shape[0]):
        row = series_at(world, run["series_count"], m)
        row["seconds"] = run["step"] * run["dt"]
        record_prices(world, m, row)
        record_flows(world, m, row)
    run["series_count"] += 1


@hot_kernel
def record_prices(world, m, row):
    """Write the prices, premium and funding of market m into a row of the series."""
    view = view_at(world, m)
    row["spot"], row["index"], row["mark"] = view["spot"], view["index"], view["mark"]
    row["mid"], row["last"] = book_mid(world, m), view["last_tick"] * view["tick"]
    row["best_bid"] = view["best_bid"] * view["tick"]
    row["best_ask"] = view["best_ask"] * view["tick"]
    row["premium"], row["average_premium"] = view["premium"], view["average_premium"]
    row["predicted_funding"] = view["predicted_funding"]
    row["funding_rate"] = view["funding_rate"]
    row["volatility"] = view["seen"]["volatility"]
    row["skew_rate"] = view["seen"]["skew_rate"]


@hot_kernel
def record_flows(world, m, row):
    """Write open interest, volume, depth, sentiment and the fund of market m into a row."""
    view, v = view_at(world, m), market_at(world, m)["venue"]
    fund = venue_at(world, v)["fund_row"]
    row["open_interest"], row["volume"] = view["open_interest"], view["volume"]
    row["depth_bid"], row["depth_ask"] = view["depth_bid"], view["depth_ask"]
    row["fund"] = recorded_units(world, fund, cross_equity(world, fund, v))
    row["fund_lots"] = position_at(world, fund, m)["lots"]
    row["sentiment"] = view["sentiment"]
    record_spot(asset_at(world, market_at(world, m)["asset"]), row)


@hot_kernel
def record_spot(asset, row):
    """Write the displacement of spot, its impact, and what others than traders own into a row."""
    law, ledger, spot = asset["displacement"], asset["ledger"], asset["spot"]
    row["displacement"] = displacement_of(law) if displaces(law) else asset["transient"]
    row["spot_impact"] = spot_impact(asset)
    if displaces(law):
        price = over_reference(law, spot)
        row["makers_profit"] = makers_profit(ledger, price)
        row["late_value"] = late_value(ledger, price)
        row["late_profit"] = late_profit(ledger, price)
        others = outside_value(asset)
        row["latent_profit"] = others - row["makers_profit"] - row["late_profit"]


@hot_kernel
def outside_value(asset):
    """Return what all others than traders have made of spot since the start, quote currency.

    Interest on what they lend is left out.
    """
    lot_value = asset["units_per_tick"] / asset["tick"] * asset["spot"]
    units = asset["outside_cash"] - asset["outside_interest"] + asset["outside_lots"] * lot_value
    return units * asset["tick"] * asset["lot"] / asset["units_per_tick"]


@kernel
def spot_value(world, i, a):
    """Return the value of the spot that trader i holds of asset a, float units."""
    asset = asset_at(world, a)
    return holding_at(world, i, a)["lots"] * asset["spot"] * asset["units_per_tick"] / asset["tick"]


@kernel
def wealth(world, i):
    """Return the wealth of trader i, float units: spot, wallets, margin, transfers, positions."""
    total = 0.0
    for a in range(assets(world).shape[0]):
        total += spot_value(world, i, a)
    for v in range(venues(world).shape[0]):
        account = account_at(world, i, v)
        total += account["collateral"] + account["incoming"] + account["cash"]
    for m in range(markets(world).shape[0]):
        position = position_at(world, i, m)
        total += position["isolated_margin"] + position["quote"]
        total += value_of(position["lots"], market_at(world, m), view_at(world, m)["mark"])
    return total


@kernel
def record_kinds(world):
    """Write one row for each kind: sums over its traders."""
    run = run_row(world, 0)
    table = kind_series(world)
    for k in range(table.shape[1]):
        clear_kind(table[run["kind_series_count"], k], run["step"] * run["dt"])
    for i in range(run["traders"]):
        row = table[run["kind_series_count"], trader_at(world, i)["kind"]]
        equity = row["equity"] + recorded_units(world, i, wealth(world, i))
        row["equity"] = recorded_units(world, i, float(equity))
        add_positions(world, i, row)
        add_holdings(world, i, row)
    run["kind_series_count"] += 1


@kernel
def clear_kind(row, seconds):
    """Begin a row of the kinds' series."""
    row["seconds"], row["equity"], row["funding"], row["fees"] = seconds, 0, 0, 0
    row["spot_profit"], row["margin"] = 0, 0
    row["lots"], row["long_lots"], row["spot_lots"] = 0, 0, 0


@kernel
def add_positions(world, i, row):
    """Add the positions of trader i and the margin behind them to its kind's row."""
    for v in range(venues(world).shape[0]):
        row["margin"] += recorded_units(world, i, margin_in_use(world, i, v, -1))
    for m in range(markets(world).shape[0]):
        position = position_at(world, i, m)
        row["margin"] += position["isolated_margin"]
        row["funding"] += position["all_funding"]
        row["fees"] += position["all_fees"]
        row["lots"] += position["lots"]
        row["long_lots"] += max(position["lots"], 0)


@kernel
def add_holdings(world, i, row):
    """Add the spot holdings of trader i and what they have earned to its kind's row."""
    for a in range(assets(world).shape[0]):
        holding = holding_at(world, i, a)
        value = recorded_units(world, i, spot_value(world, i, a))
        row["spot_profit"] += holding["quote"] + holding["interest"] + value
        row["fees"] += holding["fees"]
        row["spot_lots"] += holding["lots"]
