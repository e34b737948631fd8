"""What a branch may change of a scenario in flight: rules, spot's terms of trading, and traits."""

import dataclasses
import re

from perplab.scenarios.files.market_setup import setup_of
from perplab.sim.errors import Fault
from perplab.sim.state.branch import differences

IN_FLIGHT = re.compile(
    r"name|title|question"
    r"|(spot|assets\.\d+)\.(fee_bps|half_spread_bps|permanent_impact_bps|transient_impact_bps"
    r"|impact_seconds|borrow_rate_per_year|borrow_limit_usd|perp_price_discovery|displacement\..*)"
    r"|(market|markets\.\d+)\.(rulebook|changes(\..*)?)"
    r"|populations\..*(?<!\.kind)(?<!\.number)"
)


def branch_faults(base, other, seed=0):
    """Return a fault for each change of a scenario that cannot be made in flight.

    Parameters
    ----------
    base, other : Scenario
        Before the branch and after it.
    seed : int

    Returns
    -------
    list of Fault
    """
    return fixed_key_faults(base, other) or setup_faults(base, other, seed)


def fixed_key_faults(base, other):
    """Return a fault for each key outside `IN_FLIGHT` in which two scenarios differ."""
    before, after = (dict(leaves(scenario.model_dump())) for scenario in (base, other))
    return [
        Fault(
            key,
            after.get(key),
            f"{before.get(key)!r} as before the branch: it cannot change in flight",
        )
        for key in {**before, **after}
        if not IN_FLIGHT.fullmatch(key) and before.get(key) != after.get(key)
    ]


def setup_faults(base, other, seed):
    """Return a fault for each difference of two setups that a branch refuses, by scenario key."""
    keys = {
        f"{several}.{number}": key
        for several, parts in (("assets", other.all_assets), ("markets", other.all_markets))
        for number, key in enumerate(parts)
    }
    faults = []
    for fault in differences(setup_of(base, seed), setup_of(other, seed)):
        head = ".".join(fault.key.split(".")[:2])
        faults.append(dataclasses.replace(fault, key=keys.get(head, head) + fault.key[len(head) :]))
    return faults


def leaves(value, key=""):
    """Yield ``(dotted key, value)`` of all that nested tables and lists hold.

    Examples
    --------
    >>> dict(leaves({"a": {"b": [1, 2]}}))
    {'a.b.0': 1, 'a.b.1': 2}
    """
    if isinstance(value, dict) and value:
        parts = value.items()
    elif isinstance(value, (list, tuple)):
        parts = enumerate(value)
    else:
        yield key, value
        return
    for name, part in parts:
        yield from leaves(part, f"{key}.{name}".strip("."))
