"""Scenarios loaded and checked, and markets built from them."""

import pathlib
import re
from collections.abc import Mapping
from typing import Any

from perplab.scenarios.files.market_setup import setup_of
from perplab.scenarios.files.overrides import CHANGES, resolve
from perplab.scenarios.files.population_checks import population_faults
from perplab.scenarios.files.replay_comparison import comparison_faults
from perplab.scenarios.files.schema import Scenario
from perplab.scenarios.files.schema_faults import structural_faults
from perplab.scenarios.files.sources import states_type
from perplab.scenarios.files.validation import (
    number_faults,
    price_faults,
    reference_faults,
    replay_faults,
    rule_faults,
    rulebooks,
    with_windows,
)
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.faults import as_given, found
from perplab.sim.model import PerpetualMarket
from perplab.sim.streams import seed_or_drawn

UNSET = re.compile(r"^(assets\.\d+|spot)\.price\.file$")


def load(
    name_or_path: str | pathlib.Path,
    changes: Mapping[str, Any] | tuple[()] = (),
    origins: str | Mapping[str, str] = CHANGES,
) -> Scenario:
    """Return a scenario, fully checked.

    Parameters
    ----------
    name_or_path : str or path
        A scenario of the library, or a TOML file.
    changes : mapping of str to object, optional
        New values by dotted key, such as ``{"days": 2, "market.changes.funding.cap": 0.02}``.
    origins : str or mapping of str to str, optional
        What made the changes, or that by key: the faults name it.

    Returns
    -------
    Scenario

    Raises
    ------
    ParameterError
        With all faults: file, line, key, value and bound of each.

    Examples
    --------
    >>> load("calm", {"days": 2}).steps
    2880
    """
    return checked(resolve(name_or_path, changes, origins))


def checked(resolved, read_files=True):
    """Return resolved tables as a scenario.

    Parameters
    ----------
    resolved : Resolved
    read_files : bool
        Whether replayed price files and the rules of a user's own kinds are checked too.

    Returns
    -------
    Scenario

    Raises
    ------
    ParameterError
        With all faults of the tables; references and rules are checked only once these are right.
    """
    tables = resolved.tables
    books, faults = rulebooks(tables)
    faults += structural_faults(tables) + population_faults(tables, books) + number_faults(tables)
    if not faults:
        scenario = Scenario.model_validate(tables)
        faults = reference_faults(scenario, books) + (replay_faults(scenario) if read_files else [])
        if not faults and read_files:
            faults = price_faults(scenario, books, resolved.latest)
            faults += comparison_faults(with_windows(scenario))
        faults = faults or rule_faults(scenario)
    if faults:
        told = (as_given(with_hint(fault, resolved), tables) for fault in faults)
        raise ParameterError(*map(resolved.located, told))
    return with_windows(scenario)


def with_hint(fault, resolved):
    """Return the fault of a missing key with what usually sets it, or why it is not inherited."""
    if fault.value is not None or fault.expected != "given":
        return fault
    if UNSET.match(fault.key):
        return Fault(fault.key, None, "given (--spot FILE --column NAME)")
    around = fault.key.rpartition(".")[0]
    table = found(resolved.tables, around.split("."))
    if isinstance(table, dict) and states_type(table) and resolved.is_replaced(around):
        bound = f"given: [{around}] states what it is, so it replaces the inherited table"
        return Fault(fault.key, None, bound)
    return fault


def build(scenario: Scenario | str | pathlib.Path, seed: int | None = 0) -> PerpetualMarket:
    """Return the market of a scenario at time 0.

    Parameters
    ----------
    scenario : Scenario, or str or path
        A name or file is passed to `load`.
    seed : int or None
        None draws one, which the attribute `seed` of the market records.

    Returns
    -------
    PerpetualMarket
        `run_model` ends, and `running` becomes False, at the end of the scenario.
    """
    scenario, seed = as_scenario(scenario), seed_or_drawn(seed)
    return PerpetualMarket(setup_of(scenario, seed), seed)


def as_scenario(scenario):
    """Return a scenario unchanged, or load it if it is a name or a file.

    Raises
    ------
    ParameterError
        If it is neither, or the file is refused.
    """
    if isinstance(scenario, (str, pathlib.Path)):
        return load(scenario)
    if not isinstance(scenario, Scenario):
        bound = "a Scenario, as load returns it, or the name or file of a scenario"
        raise ParameterError(Fault("scenario", scenario, bound))
    return scenario
