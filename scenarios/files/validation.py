"""Checks of a scenario's parts together: rulebooks, names, times, replayed prices, own rules.

Every check returns faults by the keys of the file, so that all faults are reported at once.
"""

import dataclasses
import functools
import math

from perplab.agents.trader_check import plain_fault
from perplab.scenarios.files.kinds import NotImportedError, kind_named
from perplab.scenarios.files.schema import Market
from perplab.scenarios.files.schema_faults import part_of
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.faults import renamed_bound
from perplab.sim.rulebook.rulebook import load_rulebook
from perplab.sim.spot.processes import Replay
from perplab.sim.state.build import price_bound, tick_bound

MULTIPLE, FEW_DRAWS = 1e-9, 200
OF_A_VENUE = ("fees", "liquidation", "fund", "adl", "account")


def listed(tables, single, several):
    """Return the tables of one part, or of several, by dotted key."""
    parts = {single: tables[single]} if single in tables else {}
    rows = tables.get(several, ())
    rows = rows if isinstance(rows, list) else ()
    return parts | {f"{several}.{index}": row for index, row in enumerate(rows)}


def rulebooks(tables):
    """Return ``(rulebooks by key of their market, faults)``."""
    books, faults = {}, []
    for key, table in listed(tables, "market", "markets").items():
        market = part_of(Market, table)
        if market is not None:
            try:
                books[key] = rulebook_of(market)
            except ParameterError as error:
                faults += [fault if fault.file else under(key, fault) for fault in error.faults]
    return books, faults


def rulebook_of(market):
    """Return the rulebook of a market with its changes.

    Raises
    ------
    ParameterError
        With keys ``rulebook`` or ``changes.KEY``, or with the file of the user's own rulebook.
    """
    rulebook = load_rulebook(market.rulebook)
    try:
        return rulebook.changed(market.changes) if market.changes else rulebook
    except ParameterError as error:
        raise ParameterError(*(under("changes", fault) for fault in error.faults)) from None


def under(key, fault):
    """Return a fault with its key, and a new name of it, completed by the table around it.

    Examples
    --------
    >>> print(under("changes", Fault("divisor", 8, "renamed to period_hours")))
    changes.divisor was 8, must be renamed to changes.period_hours
    """
    before, expected = renamed_bound(""), fault.expected
    if expected.startswith(before):
        expected = renamed_bound(f"{key}.{expected.removeprefix(before)}")
    return dataclasses.replace(fault, expected=expected).under(key)


def number_faults(tables):
    """Return a fault for each part that is missing, or given both once and as a list."""
    faults = []
    for single, several in (("spot", "assets"), ("market", "markets")):
        if single in tables and several in tables:
            bound = f"absent beside [{single}]: one or the other"
            faults.append(Fault(several, tables[several], bound))
        elif not listed(tables, single, several):
            faults.append(Fault(single, None, f"given, or else [[{several}]]"))
    return faults


def reference_faults(scenario, books):
    """Return the faults of names of assets and venues, and of times."""
    names = [asset.name for asset in scenario.all_assets.values()]
    faults = []
    if len(set(names)) < len(names):
        faults.append(Fault("assets", names, "named differently"))
    shocks = {f"shocks.{index}": shock for index, shock in enumerate(scenario.shocks)}
    for key, part in (shocks | scenario.all_markets).items():
        if part.asset is not None and part.asset not in names:
            faults.append(Fault(f"{key}.asset", part.asset, f"one of {', '.join(names)}"))
    faults += unused_faults(scenario, names)
    return faults + venue_faults(scenario, books) + time_faults(scenario, books)


def unused_faults(scenario, names):
    """Return a fault for each asset, of these names, that no market trades."""
    traded = {market.asset or names[0] for market in scenario.all_markets.values()}
    return [
        Fault(f"{key}.name", asset.name, "that of an asset which a market trades")
        for key, asset in scenario.all_assets.items()
        if asset.name not in traded
    ]


def price_faults(scenario, books, latest):
    """Return a fault for each market whose tick does not suit its asset's first price.

    It is one of the tick or of the price: of the key that `latest` returns, the one set last.
    """
    assets, faults = scenario.all_assets, []
    keys = {asset.name: f"{key}.price" for key, asset in reversed(assets.items())}
    prices = {f"{key}.price": math.exp(asset.price.start()[0]) for key, asset in assets.items()}
    for key, market in scenario.all_markets.items():
        contract, asset = books[key].contract, keys[market.asset or next(reversed(keys))]
        if bound := tick_bound(contract, prices[asset]):
            tick = Fault(f"{key}.changes.contract.tick", contract.tick, bound)
            price = Fault(f"{asset}.initial_price", round(prices[asset], 9), price_bound(contract))
            faults.append(tick if latest(tick.key, price.key) == tick.key else price)
    return faults


def venue_faults(scenario, books):
    """Return a fault for each rule of a venue in which two markets of one venue differ."""
    faults, first = [], {}
    for key, market in scenario.all_markets.items():
        rules = {section: getattr(books[key], section) for section in OF_A_VENUE}
        name = market.venue or books[key].name
        for section, rule in rules.items():
            if first.setdefault(name, rules)[section] != rule:
                bound = f"another one: its [{section}] differs from that of the market before"
                faults.append(Fault(f"{key}.venue", name, bound))
    return faults


def recorded_intervals(scenario):
    """Return the stated intervals of the recorded series by key, seconds."""
    stated = {"record_seconds": scenario.record_seconds}
    if "wealth_seconds" in scenario.record.model_fields_set:
        stated["record.wealth_seconds"] = scenario.record.wealth_seconds
    return stated


def time_faults(scenario, books):
    """Return the faults of times against the length of the run and of its steps."""
    dt, days = scenario.dt_seconds, scenario.days
    faults = []
    if scenario.steps < 1:
        faults.append(Fault("days", days, f"at least one step, {dt / 86_400:g}"))
    for key, seconds in recorded_intervals(scenario).items():
        if abs(seconds / dt - round(seconds / dt)) > MULTIPLE or seconds < dt:
            faults.append(Fault(key, seconds, f"a multiple of dt_seconds, {dt:g}"))
    for key, book in books.items():
        if 3600 * book.funding.interval_hours < dt:
            bound = f"at most the funding interval of {key}, {3600 * book.funding.interval_hours:g}"
            faults.append(Fault("dt_seconds", dt, bound))
    return faults + late_start_faults(scenario)


def late_start_faults(scenario):
    """Return a fault if the twin or a shock starts at or after the end of the run."""
    hours = scenario.days * 24
    bound, faults = f"before the end of the run ({hours:g} hours)", []
    if scenario.twin_step is not None and scenario.twin_step >= scenario.steps:
        faults.append(Fault("twin.from_hours", scenario.twin.from_hours, bound))
    return faults + [
        Fault(f"shocks.{index}.at_hours", shock.at_hours, bound)
        for index, shock in enumerate(scenario.shocks)
        if shock.at_hours >= hours
    ]


def replay_faults(scenario):
    """Return the faults of the price series that are replayed."""
    faults = []
    for key, asset in with_windows(scenario).all_assets.items():
        if isinstance(asset.price, Replay):
            try:
                asset.price.start()
            except ParameterError as error:
                faults += [
                    fault if fault.line else under(f"{key}.price", fault) for fault in error.faults
                ]
    return faults


def with_windows(scenario):
    """Return a scenario whose replayed series are cut to the length of the run."""

    def cut(asset):
        if not isinstance(asset.price, Replay):
            return asset
        price = asset.price.model_copy(update={"days": scenario.days})
        return asset.model_copy(update={"price": price})

    spot, assets = scenario.spot and cut(scenario.spot), tuple(map(cut, scenario.assets))
    return scenario.model_copy(update={"spot": spot, "assets": assets})


def rule_faults(scenario):
    """Return a fault for each population whose rule, if it is the user's own, breaks the contract.

    Compiled code would not stop such a rule. A kind that may not be imported is not tried.
    """
    faults, markets = [], len(scenario.all_markets)
    for name, population in scenario.populations.items():
        try:
            kind = kind_named(population.kind)
        except NotImportedError:
            continue
        if not kind.decide.cached and (broken := fault_of_rule(kind, markets)):
            bound = f"a rule that keeps the contract: {broken}"
            faults.append(Fault(f"populations.{name}.kind", population.kind, bound))
    return faults


@functools.lru_cache(maxsize=64)
def fault_of_rule(kind, markets):
    """Return the first breach of contract in a few uncompiled calls, or an empty string."""
    return plain_fault(kind, FEW_DRAWS, markets=markets)
