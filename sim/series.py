"""The recorded series: a row per market each record interval, a row per kind each hour."""

from perplab.sim.clearing.equity import cross_equity, recorded_units, value_of
from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.exchange.impact_price import book_mid
from perplab.sim.impact.ledger import makers_profit
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
    row["displacement"] = law["displaced"] if law["in_force"] == 1 else asset["transient"]
    row["spot_impact"] = spot_impact(asset)
    if law["in_force"] == 1:
        price = spot / law["reference_price"]
        row["makers_profit"] = makers_profit(ledger, price)
        row["late_value"] = ledger["late_held"] * price
        row["late_profit"] = ledger["late_cash"] + row["late_value"]
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
def wealth(world, i):
    """Return the wealth of trader i, float units: spot, wallets, margin, transfers, positions."""
    total = 0.0
    for a in range(assets(world).shape[0]):
        total += (
            holding_at(world, i, a)["lots"]
            * asset_at(world, a)["spot"]
            * asset_at(world, a)["units_per_tick"]
            / asset_at(world, a)["tick"]
        )
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
    """Write one row for each kind: wealth, funding received so far, lots held."""
    run = run_row(world, 0)
    table = kind_series(world)
    for k in range(table.shape[1]):
        row = table[run["kind_series_count"], k]
        row["seconds"], row["equity"], row["funding"] = run["step"] * run["dt"], 0, 0
        row["lots"], row["long_lots"], row["spot_lots"] = 0, 0, 0
    for i in range(run["traders"]):
        row = table[run["kind_series_count"], trader_at(world, i)["kind"]]
        equity = row["equity"] + recorded_units(world, i, wealth(world, i))
        row["equity"] = recorded_units(world, i, float(equity))
        for m in range(markets(world).shape[0]):
            position = position_at(world, i, m)
            row["funding"] += position["all_funding"]
            row["lots"] += position["lots"]
            row["long_lots"] += max(position["lots"], 0)
        for a in range(assets(world).shape[0]):
            row["spot_lots"] += holding_at(world, i, a)["lots"]
    run["kind_series_count"] += 1
