"""The tables of a run: built from a setup, checked for size, connected to compiled code, written to a file and read back."""

import math

import numpy as np

from perplab.sim.errors import Fault, ParameterError
from perplab.sim.laws.amm import is_pool
from perplab.sim.laws.funding import resting_rate
from perplab.sim.laws.margin import leverage_limit, lowest_fraction
from perplab.sim.laws.mark import INPUTS, starts_at_price
from perplab.sim.setup import never_acts
from perplab.sim.state import records
from perplab.sim.state.records import LEAST_TICKS, NO_ROW
from perplab.sim.state.widen import LARGEST_WINDOW
from perplab.sim.streams import key_at, stream_key

PUBLIC_AVERAGES = (
    ("weight_30m", 30, "sample"),
    ("weight_90m", 90, "sample"),  # minutes; how often they take something in
    ("weight_1h", 60, "step"),
    ("weight_110m", 110, "step"),
    ("weight_1d", 1440, "step"),
)


WHEEL, PATH_STEPS, ORDER_ROWS, REMEMBERED = 4096, 4096, 128, 4096


SERIES_ROWS, KIND_ROWS, SETTLEMENT_ROWS, PRINT_ROWS = 2048, 256, 4096, 65536


LARGEST_UNITS = 9.2e18


IMPACT_NOTIONAL = 100_000.0


BP = 1e-4


class Layout:
    """Names, rows and numbers of what a setup holds: venues, assets, populations, trader rows and order slots."""

    def __init__(self, setup):
        self.venues = list(dict.fromkeys(market.venue for market in setup.markets))
        self.assets = [asset.name for asset in setup.assets]
        self.kinds = list(dict.fromkeys(population.kind for population in setup.populations))
        self.traders = sum(population.number for population in setup.populations)
        self.rows = self.traders + len(self.venues)
        self.slots = sum(
            population.number * population.kind.slots for population in setup.populations
        )
        self.unit = setup.markets[0].rulebook.contract.unit


def column(population, trait, default):
    """Return a trait of a population as an array: what the setup gives, the kind's default, or `default`."""
    declared = population.kind.traits.traits.get(trait)
    value = population.traits.get(trait, default if declared is None else declared.default)
    return np.broadcast_to(np.asarray(value, float), (population.number,))


def build_tables(setup, seed):
    """Return the tables of a run at time 0 and the traits of each kind.

    Parameters
    ----------
    setup : Setup
    seed : int

    Returns
    -------
    tables : dict of str to numpy.ndarray
    traits : list of numpy.ndarray
        One structured array a kind, a row a trader.

    Raises
    ------
    ParameterError
        If all money in the market would not fit 64-bit units, there is nobody to trade, or a kind has nothing that wakes it.
    """
    layout = Layout(setup)
    if layout.traders == 0:
        raise ParameterError(Fault("populations", 0, "at least one trader"))
    faults = [
        Fault(
            f"populations.{population.name}.kind",
            population.kind.__name__,
            "a kind that acts: it " + never_acts(population.kind),
        )
        for population in setup.populations
        if never_acts(population.kind)
    ]
    if faults:
        raise ParameterError(*faults)
    tables = empty_tables(setup, layout)
    fill_run(tables["run"][0], setup, layout, seed)
    for a, asset in enumerate(setup.assets):
        fill_asset(tables["asset"][a], asset, setup, layout)
    for m, market in enumerate(setup.markets):
        fill_market(tables, m, market, setup, layout)
    traits = fill_traders(tables, setup, layout, seed)
    total = sum(
        float(tables["account"][field].sum(dtype=float)) for field in ("collateral", "cash")
    )
    if total >= LARGEST_UNITS:
        raise ParameterError(
            Fault(
                "total money",
                total * layout.unit,
                f"below {LARGEST_UNITS * layout.unit:g} (64-bit units)",
            )
        )
    return tables, traits


def empty_tables(setup, layout):
    """Return all tables zeroed, with their sizes."""
    window = max(window_ticks(market, setup) for market in setup.markets)
    shapes = table_shapes(setup, layout, window)
    tables = {name: np.zeros(shape, dtype) for name, (shape, dtype) in shapes.items()}
    tables["timer_wheel"][:] = NO_ROW
    return tables


def table_shapes(setup, layout, window):
    """Return shape and row type of each table, for ladders of `window` ticks.

    The table ``fast`` has a row for each trader of the fast class, here none.
    """
    venues, assets, markets = len(layout.venues), len(layout.assets), len(setup.markets)
    positions = layout.rows * markets
    return {
        "run": (1, records.RUN),
        "venue": (venues, records.VENUE),
        "asset": (assets, records.ASSET),
        "market": (markets, records.MARKET),
        "view": (markets, records.VIEW),
        "trader": (layout.rows, records.TRADER),
        "account": ((layout.rows, venues), records.ACCOUNT),
        "position": ((layout.rows, markets), records.POSITION),
        "holding": ((layout.rows, assets), records.HOLDING),
        "order": (max(layout.slots, 1), records.ORDER),
        "level": ((markets, window), records.LEVEL),
        "depth": ((markets, window), records.DEPTH),
        "word": ((markets, window // 64), records.WORD),
        "summary_word": ((markets, max(window // 4096, 1)), records.WORD),
        "kind": (len(layout.kinds), records.KIND),
        "draw": (1, records.DRAW),
        "order_row": (ORDER_ROWS, records.ORDER_ROW),
        "timer_wheel": (WHEEL, "i8"),
        "wake_next": (layout.rows, "i8"),
        "wake_step": (layout.rows, "i8"),
        "awake": (layout.rows, "i8"),
        "awake_key": (layout.rows, "u8"),
        "fast": (0, "i8"),
        "open_position": (positions, "i8"),
        "changed_position": (positions + 1, "i8"),
        "liquidatable": (positions, "i8"),
        "path": ((PATH_STEPS, assets), records.PATH),
        "forced": (REMEMBERED, records.FORCED),
        "event": (16 * positions + 1024, records.EVENT),
        "settlement": (SETTLEMENT_ROWS + markets, records.SETTLEMENT),
        "print": (PRINT_ROWS if setup.print_trades else 0, records.PRINT),
        "series": ((SERIES_ROWS, markets), records.SERIES),
        "kind_series": ((KIND_ROWS, len(layout.kinds)), records.KIND_SERIES),
    }


def start_price(setup, name):
    """Return the spot price of an asset at time 0."""
    asset = next(asset for asset in setup.assets if asset.name == name)
    return math.exp(asset.process.start()[0])


def window_ticks(market, setup):
    """Return the ladder's size: the next power of two of eight times the band at the starting price."""
    contract, price = market.rulebook.contract, start_price(setup, market.asset)
    ticks = 8 * contract.band * price / contract.tick
    if not LEAST_TICKS <= price / contract.tick or not ticks <= LARGEST_WINDOW:
        raise ParameterError(
            Fault(
                "contract.tick",
                contract.tick,
                f"between {8 * contract.band * price / LARGEST_WINDOW:g} and "
                f"{price / LEAST_TICKS:g}: a starting price of {price:g} needs a ladder of at most {LARGEST_WINDOW} ticks",
            )
        )
    return max(4096, 2 ** math.ceil(math.log2(ticks)))


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
    run["kind_record_steps"] = max(round(3600.0 / setup.dt), 1)
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
    fill_terms(row, asset, setup)


def fill_terms(row, asset, setup):
    """Write the terms of trading in spot: impact, spread, fee, borrowing."""
    row["permanent_impact"] = asset.permanent_impact_bps * BP / IMPACT_NOTIONAL
    row["transient_impact"] = asset.transient_impact_bps * BP / IMPACT_NOTIONAL
    row["impact_seconds"], row["discovery"] = asset.impact_seconds, asset.perp_price_discovery
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
    for field in ("log_mid", "log_mid_1h", "log_mid_1d"):
        view[field] = math.log(spot)
    view["dt"], view["last_tick"] = setup.dt, round(spot / float(market["tick"]))
    show_rules(view, market, venue)
    view["seconds_to_settlement"] = market["interval_seconds"]
    view["funding_rate"] = resting_rate(market["funding_law"]) * market["funding_on"]
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


def fill_traders(tables, setup, layout, seed):
    """Write the rows of all traders, population by population; return the traits of each kind."""
    parts, first, slot = {kind: [] for kind in layout.kinds}, 0, 0
    for population in setup.populations:
        rows = slice(first, first + population.number)
        traits = population.kind.traits.table(population.number, dict(population.traits))
        numbers = sum(len(part) for part in parts[population.kind]) + np.arange(population.number)
        parts[population.kind].append(traits)
        fill_population(tables, rows, population, layout, seed)
        tables["trader"]["kind"][rows], tables["trader"]["number"][rows] = (
            layout.kinds.index(population.kind),
            numbers,
        )
        tables["trader"]["first_slot"][rows] = (
            slot + np.arange(population.number) * population.kind.slots
        )
        first, slot = first + population.number, slot + population.number * population.kind.slots
    tables["fast"] = np.flatnonzero(tables["trader"]["fast"][: layout.traders]).astype("i8")
    tables["position"]["open_index"], tables["position"]["node"] = NO_ROW, NO_ROW
    tables["account"]["pause_until"] = -math.inf
    return [np.concatenate(parts[kind]) for kind in layout.kinds]


def fill_population(tables, rows, population, layout, seed):
    """Write wake rates, keys, money and leverage of one population."""
    trader, account, position = (
        tables["trader"][rows],
        tables["account"][rows],
        tables["position"][rows],
    )
    capital = np.round(column(population, "capital_usd", 0.0) / layout.unit)
    if np.any(capital >= LARGEST_UNITS):
        raise ParameterError(
            Fault(
                f"populations.{population.name}.capital_usd",
                float(capital.max() * layout.unit),
                "below 9.2e12",
            )
        )
    at_venue = np.floor(capital * np.clip(column(population, "margin_share", 1.0), 0.0, 1.0))
    for v in range(len(layout.venues)):
        account["collateral"][:, v] = (at_venue // len(layout.venues)).astype("i8")
    account["cash"][:, 0] = (capital - account["collateral"].sum(axis=1)).astype("i8")
    trader["deposit"] = capital.astype("i8")
    trader["borrow_limit"] = np.round(capital * column(population, "borrow_share", 0.0)).astype(
        "i8"
    )
    account["borrow_limit"][:, 0] = trader["borrow_limit"]
    trader["slots"] = population.kind.slots
    trader["wake_seconds"] = column(population, "wake_seconds", 0.0)
    latency = column(population, "latency_seconds", -1.0)
    trader["fast"] = np.where(
        latency >= 0, np.clip(np.ceil(latency / tables["run"]["dt"][0]), 1, 2**31 - 1), 0
    )
    trader["key"] = trader_keys(seed, population)
    for m in range(position.shape[1]):
        most = float(leverage_limit(tables["market"][m]["margin_law"]))
        position["leverage"][:, m] = np.clip(column(population, "leverage", most), 1e-6, most)
        position["isolated"][:, m] = column(population, "isolated", 0.0)


def trader_keys(seed, population):
    """Return the keys of a population's counter-based draws, which depend on its name and the trader's place in it."""
    key = stream_key(seed, population.name)
    with np.errstate(over="ignore"):
        return np.array([key_at(key, number) for number in range(population.number)], np.uint64)
