"""Checks of populations: kinds, traits, leverage, markets and numbers of traders."""

import math

from perplab.agents.traits import LARGEST
from perplab.scenarios.files.kinds import KINDS, NotImportedError, kind_named
from perplab.scenarios.files.schema import Population
from perplab.scenarios.files.schema_faults import part_of, trait_fault
from perplab.sim.errors import Fault, ParameterError


def population_faults(tables, books):
    """Return the faults of kinds, traits and numbers of traders, given the rulebooks by market."""
    table = tables.get("populations")
    if not isinstance(table, dict):
        return []
    valid = {name: part_of(Population, rows) for name, rows in table.items()}
    known = {name: population for name, population in valid.items() if population is not None}
    faults = [
        fault
        for name, population in known.items()
        for fault in kind_faults(name, population, books)
    ]
    faults += same_name_faults({name: population.kind for name, population in known.items()})
    empty = not any(population.number for population in known.values())
    if len(known) == len(table) and empty:
        faults.append(Fault("populations", 0, "at least one trader"))
    return faults


def same_name_faults(references):
    """Return a fault for each kind that has the name of another population's kind.

    Records identify a kind by its name.

    Parameters
    ----------
    references : mapping of str to str
        The kind of each population.
    """
    faults, first = [], {}
    for population, reference in references.items():
        try:
            kind = kind_named(reference)
        except ParameterError:
            continue
        other, owner = first.setdefault(kind.kind, (kind, population))
        if other is not kind and KINDS.get(kind.kind) in (None, kind):
            bound = f"of another name than {kind.kind!r}, which the kind of {owner} has"
            faults.append(Fault(f"populations.{population}.kind", reference, bound))
    return faults


def kind_faults(name, population, books):
    """Return the faults of one population; none of a kind that may not be imported."""
    key = f"populations.{name}"
    try:
        kind = kind_named(population.kind)
    except NotImportedError:
        return []
    except ParameterError as error:
        return [fault.under(key) for fault in error.faults]
    faults = [
        fault
        for trait, value in population.traits.items()
        for fault in trait_faults(key, kind, trait, value)
    ]
    if KINDS.get(kind.kind, kind) is not kind:
        bound = f"of another name than {kind.kind!r}, which is taken"
        faults.append(Fault(f"{key}.kind", population.kind, bound))
    return faults or [
        *leverage_faults(key, kind, population, books),
        *market_faults(key, population, books),
    ]


def trait_faults(key, kind, trait, value):
    """Return the faults of one trait: its name, its value, or the ends of its distribution."""
    if trait not in kind.traits.traits:
        return [trait_fault(f"{key}.{trait}", plain(value), kind)]
    declared = kind.traits.traits[trait]
    bound = f"{declared.bound} ({declared.unit}, trait {trait} of {kind.kind})"
    value = declared.number(value)
    if isinstance(value, str) or declared.names and not isinstance(value, float):
        return [Fault(f"{key}.{trait}", plain(value), bound)]
    faults = [
        end_fault(trait_key(key, trait, value, number), end, bound, value)
        for number, end in enumerate(extent(value))
        if not declared.accepts(end) and not is_open(declared, value, number)
    ]
    return faults[:1] if isinstance(value, float) else faults


def end_fault(key, end, bound, value):
    """Return the fault of one end of a value; of a distribution without that end, that it is open.

    A draw must not need to be cut at a bound that the file does not state.
    """
    if isinstance(value, float) or math.isfinite(end):
        return Fault(key, end, bound)
    return Fault(key, None, f"given: draws have no {key.rpartition('.')[2]} without it; {bound}")


def is_open(declared, value, end):
    """Return whether a distribution and the trait both have no bound on a side (0: low, 1: high).

    Draws beyond the largest value of a trait are cut when they are made.
    """
    bound = (declared.low, declared.high)[end]
    drawn = not isinstance(value, float) and math.isinf(extent(value)[end])
    return drawn and (bound is None or abs(bound) >= LARGEST)


def trait_key(key, trait, value, end):
    """Return the key that sets the smallest (`end` 0) or largest (1) value of a trait."""
    return f"{key}.{trait}" if isinstance(value, float) else f"{key}.{trait}.{value.ends[end]}"


def extent(value):
    """Return the smallest and the largest value that a number or a distribution can give."""
    return (value, value) if isinstance(value, float) else (value.low, value.high)


def possible(value):
    """Return the values that a number or a choice can have; NaN for a continuous distribution."""
    return (value,) if isinstance(value, float) else getattr(value, "values", (math.nan,))


def plain(value):
    """Return a trait's value as a scenario file writes it: a number, a name or a table."""
    if isinstance(value, (float, str)):
        return value
    return {"distribution": value.distribution} | value.model_dump(exclude_none=True)


def smallest(kind, population, trait, without=0.0):
    """Return the smallest value of a population's trait, defaults included.

    `without` is returned if the kind does not have the trait.
    """
    if trait not in kind.traits.traits:
        return without
    return extent(population.traits.get(trait, float(kind.traits.traits[trait].default)))[0]


def largest_leverage(kind, population, books):
    """Return the largest leverage that the venue allows a population; infinite if it is unknown.

    It is that of the tier of the population's smallest position.
    """
    market = smallest(kind, population, "market")
    if not 0 <= market < len(books):
        return math.inf
    margin = list(books.values())[int(market)].margin
    size = max(smallest(kind, population, "size_usd"), 0.0)
    tier = [tier for tier in margin.tiers if tier.floor <= size][-1]
    return min(margin.maximum_leverage, tier.leverage)


def leverage_faults(key, kind, population, books):
    """Return a fault if even a population's smallest leverage exceeds the venue's largest.

    If only the tail of a distribution does, it is capped when the traits are drawn.
    """
    most, value = largest_leverage(kind, population, books), population.traits.get("leverage", 1.0)
    if extent(value)[0] <= most:
        return []
    bound = f"at most {most:g}, the venue's largest for positions of this size"
    return [Fault(trait_key(key, "leverage", value, 0), extent(value)[0], bound)]


def market_faults(key, population, books):
    """Return a fault if a population trades a market that does not exist."""
    market = population.traits.get("market", 0.0)
    if not books or set(possible(market)) <= set(range(len(books))):
        return []
    bound = f"from 0 to {len(books) - 1}, the number of a market, or a choice of such numbers"
    return [Fault(f"{key}.market", plain(market), bound)]
