"""A scenario from its file, checked whole; a market from a scenario."""

import dataclasses
import functools
import pathlib
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from perplab.agents.trader_check import plain_fault
from perplab.scenarios.files.kinds import kind_named
from perplab.scenarios.files.overrides import resolve
from perplab.scenarios.files.replay_comparison import comparison_faults
from perplab.scenarios.files.schema import Scenario
from perplab.scenarios.files.validation import (
    largest_leverage,
    listed,
    population_faults,
    rulebook_of,
    rulebooks,
    structural_faults,
)
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.model import PerpetualMarket
from perplab.sim.setup import AssetSetup, MarketSetup, Population, Setup
from perplab.sim.spot.processes import Replay
from perplab.sim.state.branch import differences
from perplab.sim.streams import generator

MULTIPLE, FEW_DRAWS = 1e-9, 200
OF_A_VENUE = ("fees", "liquidation", "fund", "adl", "account")
IN_FLIGHT = re.compile(
    r"name|title|question|(spot|assets\.\d+)\.(fee_bps|half_spread_bps|permanent_impact_bps|transient_impact_bps|impact_seconds"
    r"|borrow_rate_per_year|borrow_limit_usd|perp_price_discovery)|(market|markets\.\d+)\.(rulebook|changes(\..*)?)|populations\..*(?<!\.kind)(?<!\.number)"
)
UNSET = re.compile(r"^(assets\.\d+|spot)\.price\.file$")


def load(name_or_path: str | pathlib.Path, changes: Mapping[str, Any] | tuple[()] = ()) -> Scenario:
    """Return a scenario, everything about it checked.

    Parameters
    ----------
    name_or_path : str or path
        A story of the library, or a TOML file.
    changes : mapping of str to object, optional
        New values by dotted key, such as ``{"days": 2, "market.changes.funding.cap": 0.02}``.

    Returns
    -------
    Scenario

    Raises
    ------
    ParameterError
        With every fault: its file, line, key, value and bound.

    Examples
    --------
    >>> load("calm", {"days": 2}).steps
    2880
    """
    return checked(resolve(name_or_path, changes))


def checked(resolved, read_files=True):
    """Return resolved tables as a scenario; with `read_files` replayed series are read and checked too."""
    tables = resolved.tables
    books, faults = rulebooks(tables)
    faults += structural_faults(tables) + population_faults(tables, books) + number_faults(tables)
    if not faults:
        scenario = Scenario.model_validate(tables)
        faults = reference_faults(scenario, books) + (replay_faults(scenario) if read_files else [])
        faults += (
            rule_faults(scenario) + (comparison_faults(scenario) if read_files else [])
            if not faults
            else []
        )
    if faults:
        raise ParameterError(*(resolved.located(with_hint(fault)) for fault in faults))
    return with_windows(scenario)


def rule_faults(scenario):
    """Return a fault for each population whose rule, one of the user's own, breaks the contract: compiled, nothing would stop it."""
    faults = {}
    for name, population in scenario.populations.items():
        kind = kind_named(population.kind)
        if not kind.decide.cached:
            faults[name] = fault_of_rule(kind, len(scenario.all_markets)) and Fault(
                f"populations.{name}.kind",
                population.kind,
                f"a rule that keeps the contract: {fault_of_rule(kind, len(scenario.all_markets))}",
            )
    return [fault for fault in faults.values() if fault]


@functools.lru_cache(maxsize=64)
def fault_of_rule(kind, markets):
    """Return the first thing that a rule breaks in a few uncompiled calls, or an empty string (`perplab.agents.trader_check`)."""
    return plain_fault(kind, FEW_DRAWS, markets=markets)


def with_hint(fault):
    """Return a fault with what to do about it on the command line where that is the usual way."""
    if UNSET.match(fault.key) and fault.value is None:
        return Fault(fault.key, None, "given (--spot FILE --column NAME)")
    return fault


def number_faults(tables):
    """Return a fault for each part that must be there once: spot or assets, market or markets."""
    faults = []
    for single, several in (("spot", "assets"), ("market", "markets")):
        count = len(listed(tables, single, several))
        if single in tables and several in tables:
            faults.append(
                Fault(several, tables[several], f"absent beside [{single}]: one or the other")
            )
        elif count == 0:
            faults.append(Fault(single, None, f"given, or else [[{several}]]"))
    return faults


def reference_faults(scenario, books):
    """Return what does not fit together: names of assets and venues, and times."""
    names = [asset.name for asset in scenario.all_assets.values()]
    faults = [Fault("assets", names, "named differently")] * (len(set(names)) < len(names))
    parts = {
        f"shocks.{place}": shock for place, shock in enumerate(scenario.shocks)
    } | scenario.all_markets
    for key, part in parts.items():
        if part.asset is not None and part.asset not in names:
            faults.append(Fault(f"{key}.asset", part.asset, f"one of {', '.join(names)}"))
    return faults + venue_faults(scenario, books) + time_faults(scenario, books)


def venue_faults(scenario, books):
    """Return the markets whose rules differ from those of an earlier market of the same venue where a venue has one set."""
    faults, first = [], {}
    for key, market in scenario.all_markets.items():
        rules = {name: getattr(books[key], name) for name in OF_A_VENUE}
        name = market.venue or books[key].name
        faults += [
            Fault(
                f"{key}.venue",
                name,
                f"another one: its [{section}] differs from that of the market before",
            )
            for section, rule in rules.items()
            if first.setdefault(name, rules)[section] != rule
        ]
    return faults


def time_faults(scenario, books):
    """Return the times that do not fit the length of the run or of its steps."""
    faults, hours, dt = [], scenario.days * 24, scenario.dt_seconds
    if scenario.steps < 1:
        faults.append(Fault("days", scenario.days, f"at least one step, {dt / 86_400:g}"))
    if (
        abs(scenario.record_seconds / dt - round(scenario.record_seconds / dt)) > MULTIPLE
        or scenario.record_seconds < dt
    ):
        faults.append(
            Fault("record_seconds", scenario.record_seconds, f"a multiple of dt_seconds, {dt:g}")
        )
    for key, book in books.items():
        if 3600 * book.funding.interval_hours < dt:
            faults.append(
                Fault(
                    "dt_seconds",
                    dt,
                    f"at most the funding interval of {key}, {3600 * book.funding.interval_hours:g}",
                )
            )
    if scenario.twin_step is not None and scenario.twin_step >= scenario.steps:
        faults.append(
            Fault(
                "twin.from_hours",
                scenario.twin.from_hours,
                f"before the end of the run ({hours:g} hours)",
            )
        )
    return faults + [
        Fault(
            f"shocks.{place}.at_hours",
            shock.at_hours,
            f"before the end of the run ({hours:g} hours)",
        )
        for place, shock in enumerate(scenario.shocks)
        if shock.at_hours >= hours
    ]


def branch_faults(base, other, seed=0):
    """Return what a branch would change of a scenario that cannot change in flight.

    Parameters
    ----------
    base, other : Scenario
        Before the branch and after it.
    seed : int
    """
    before, after = (dict(leaves(scenario.model_dump())) for scenario in (base, other))
    faults = [
        Fault(
            key,
            after.get(key),
            f"{before.get(key)!r} as before the branch: it cannot change in flight",
        )
        for key in {**before, **after}
        if not IN_FLIGHT.fullmatch(key) and before.get(key) != after.get(key)
    ]
    keys = {
        f"{several}.{number}": key
        for several, parts in (("assets", other.all_assets), ("markets", other.all_markets))
        for number, key in enumerate(parts)
    }
    for fault in () if faults else differences(setup_of(base, seed), setup_of(other, seed)):
        head = ".".join(fault.key.split(".")[:2])
        faults.append(dataclasses.replace(fault, key=keys.get(head, head) + fault.key[len(head) :]))
    return faults


def leaves(value, key=""):
    """Yield the dotted key and value of all that nested tables and lists hold.

    Examples
    --------
    >>> dict(leaves({"a": {"b": [1, 2]}}))
    {'a.b.0': 1, 'a.b.1': 2}
    """
    parts = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, (list, tuple))
        else ()
    )
    if not parts:
        yield key, value
    for name, part in parts:
        yield from leaves(part, f"{key}.{name}".strip("."))


def replay_faults(scenario):
    """Return what is wrong with the series that are replayed."""
    faults = []
    for key, asset in with_windows(scenario).all_assets.items():
        if isinstance(asset.price, Replay):
            try:
                asset.price.start()
            except ParameterError as error:
                faults += [
                    fault
                    if fault.line
                    else Fault(f"{key}.price.{fault.key}", fault.value, fault.expected)
                    for fault in error.faults
                ]
    return faults


def with_windows(scenario):
    """Return a scenario whose replayed series are cut to the length of the run."""

    def cut(asset):
        if not isinstance(asset.price, Replay):
            return asset
        return asset.model_copy(
            update={"price": asset.price.model_copy(update={"days": scenario.days})}
        )

    return scenario.model_copy(
        update={
            "spot": scenario.spot and cut(scenario.spot),
            "assets": tuple(cut(asset) for asset in scenario.assets),
        }
    )


def build(scenario: Scenario | str | pathlib.Path, seed: int = 0) -> PerpetualMarket:
    """Return the market of a scenario at time 0.

    Parameters
    ----------
    scenario : Scenario, or str or path
        A story's name or file stands for ``load`` of it.
    seed : int

    Returns
    -------
    PerpetualMarket
        Its `run_model` ends, and its `running` becomes False, where the scenario does.
    """
    scenario = as_scenario(scenario)
    return PerpetualMarket(setup_of(scenario, seed), seed)


def as_scenario(story):
    """Return a scenario as it is, and a story's name or file loaded; refuse anything else."""
    if isinstance(story, (str, pathlib.Path)):
        return load(story)
    if not isinstance(story, Scenario):
        raise ParameterError(
            Fault(
                "scenario", story, "a Scenario, as load returns it, or the name or file of a story"
            )
        )
    return story


def setup_of(scenario: Scenario, seed: int) -> Setup:
    """Return what a market is built from; traits are drawn, each from the stream of its population and name."""
    first = next(iter(scenario.all_assets.values())).name
    books = {key: rulebook_of(market) for key, market in scenario.all_markets.items()}
    return Setup(
        dt=scenario.dt_seconds,
        assets=[
            asset_setup(
                asset, [shock for shock in scenario.shocks if (shock.asset or first) == asset.name]
            )
            for asset in scenario.all_assets.values()
        ],
        markets=[
            MarketSetup(
                venue=market.venue or books[key].name,
                asset=market.asset or first,
                rulebook=books[key],
            )
            for key, market in scenario.all_markets.items()
        ],
        populations=[
            population_setup(name, population, seed, books)
            for name, population in scenario.populations.items()
            if population.number
        ],
        premium_samples=max(1, round(scenario.dt_seconds / scenario.premium_sample_seconds)),
        record_seconds=scenario.record_seconds,
        print_trades=scenario.record.trades,
        steps=scenario.steps,
    )


def asset_setup(asset, shocks):
    """Return an asset of a scenario as the simulation takes it."""
    values = {name: getattr(asset, name) for name in type(asset).model_fields if name != "price"}
    return AssetSetup(process=asset.price, shocks=tuple(shocks), **values)


def population_setup(name, population, seed, books):
    """Return a population with its traits drawn, leverage within what the venue allows."""
    kind = kind_named(population.kind)
    traits = {
        trait: value
        if isinstance(value, float)
        else value.draw(generator(seed, f"traits/{name}/{trait}"), population.number)
        for trait, value in population.traits.items()
    }
    if "leverage" in traits:
        traits["leverage"] = np.minimum(
            traits["leverage"], largest_leverage(kind, population, books)
        )
    return Population(name=name, kind=kind, number=population.number, traits=traits)
