"""What the compiled step keeps: a row a market each record interval, a row a kind each hour."""

from perplab.sim.clearing.equity import cross_equity, value_of
from perplab.sim.compiler.jit import kernel
from perplab.sim.exchange.impact_price import book_mid
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
        market, view, kept = (
            market_at(world, m),
            view_at(world, m),
            series_at(world, run["series_count"], m),
        )
        fund, v = venue_at(world, market["venue"])["fund_row"], market["venue"]
        kept["seconds"], kept["spot"], kept["index"], kept["mark"] = (
            run["step"] * run["dt"],
            view["spot"],
            view["index"],
            view["mark"],
        )
        kept["mid"], kept["last"] = book_mid(world, m), view["last_tick"] * view["tick"]
        kept["best_bid"], kept["best_ask"] = (
            view["best_bid"] * view["tick"],
            view["best_ask"] * view["tick"],
        )
        kept["premium"], kept["average_premium"] = view["premium"], view["average_premium"]
        kept["predicted_funding"], kept["funding_rate"] = (
            view["predicted_funding"],
            view["funding_rate"],
        )
        kept["volatility"] = view["seen"]["volatility"]
        kept["skew_rate"] = view["seen"]["skew_rate"]
        kept["open_interest"], kept["volume"] = view["open_interest"], view["volume"]
        kept["depth_bid"], kept["depth_ask"] = view["depth_bid"], view["depth_ask"]
        kept["fund"], kept["fund_lots"] = (
            int(cross_equity(world, fund, v)),
            position_at(world, fund, m)["lots"],
        )
        kept["sentiment"] = view["sentiment"]
    run["series_count"] += 1


@kernel
def wealth(world, i):
    """Return all that trader i owns, in units: wallet and spot at the spot price, collateral, transfers, open profit."""
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
    return int(total)


@kernel
def record_kinds(world):
    """Write one row for each kind: wealth, funding received so far, lots held."""
    run = run_row(world, 0)
    table = kind_series(world)
    for k in range(table.shape[1]):
        kept = table[run["kind_series_count"], k]
        kept["seconds"], kept["equity"], kept["funding"] = run["step"] * run["dt"], 0, 0
        kept["lots"], kept["long_lots"], kept["spot_lots"] = 0, 0, 0
    for i in range(run["traders"]):
        kept = table[run["kind_series_count"], trader_at(world, i)["kind"]]
        kept["equity"] += wealth(world, i)
        for m in range(markets(world).shape[0]):
            position = position_at(world, i, m)
            kept["funding"] += position["all_funding"]
            kept["lots"] += position["lots"]
            kept["long_lots"] += max(position["lots"], 0)
        for a in range(assets(world).shape[0]):
            kept["spot_lots"] += holding_at(world, i, a)["lots"]
    run["kind_series_count"] += 1
