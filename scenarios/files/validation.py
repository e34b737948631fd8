"""What a scenario's values cannot be: in themselves, for the kinds and rulebooks they name, and together.

Every check returns faults whose keys are those of the file, so that all of a file's faults are told at once.
"""

import math

import pydantic

from perplab.scenarios.files.kinds import KINDS, kind_named
from perplab.scenarios.files.schema import TAGGED, Market, Population, Scenario
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.faults import expected_of, known_keys, nearest
from perplab.sim.rulebook.rulebook import load_rulebook


def structural_faults(tables):
    """Return what is wrong with the form of a scenario's tables: keys, types, ranges."""
    try:
        Scenario.model_validate(tables)
    except pydantic.ValidationError as error:
        return [fault for detail in error.errors() for fault in detail_faults(detail, tables)]
    return []


def detail_faults(detail, tables):
    """Return one error of pydantic as faults whose keys are those of the file."""
    context, location = detail.get("ctx", {}), detail["loc"]
    key, inner = file_key(location, tables), detail.get("ctx", {}).get("error")
    if isinstance(inner, ParameterError):
        return [Fault(f"{key}.{fault.key}", fault.value, fault.expected) for fault in inner.faults]
    if detail["type"] == "extra_forbidden":
        return [
            Fault(
                key, detail["input"], "a known key" + nearest(str(location[-1]), siblings(location))
            )
        ]
    if foreign := foreign_trait(location, tables):
        return [Fault(key, detail["input"], foreign)]
    if detail["type"].startswith("union_tag"):
        return [tag_fault(key, context)]
    if detail["type"] == "missing":
        return [Fault(key, None, "given" + renamed(key, tables))]
    return [
        Fault(
            key,
            detail["input"],
            expected_of(detail, context) if detail["type"] != "trait" else detail["msg"],
        )
    ]


def foreign_trait(location, tables):
    """Return what a key of a population must be if it is no trait of the kind, or an empty string."""
    if len(location) < 3 or location[0] != "populations" or location[2] in Population.model_fields:
        return ""
    try:
        kind = kind_named(tables["populations"][location[1]]["kind"])
    except (ParameterError, KeyError, TypeError):
        return ""
    return "" if location[2] in kind.traits.traits else trait_words(kind, location[2])


def trait_words(kind, trait):
    """Return what a key that is no trait of a kind must be, with the key that was probably meant."""
    return (
        f"a trait of {kind.kind}{nearest(trait, [*kind.traits.traits, *Population.model_fields])}"
    )


def tag_fault(key, context):
    """Return the fault of a table that does not say, or says wrongly, which of several it is."""
    chooser = context["discriminator"].strip("'")
    known = context.get("expected_tags", "").replace("'", "")
    bound = f"one of {known}{nearest(context['tag'], known.split(', '))}" if known else "given"
    return Fault(f"{key}.{chooser}", context.get("tag"), bound)


def file_key(location, tables):
    """Return the dotted key of a place in the schema: without the names of alternatives, which no file states."""
    parts, here = [], tables
    for depth, part in enumerate(location):
        inside = (
            part in here
            if isinstance(here, dict)
            else isinstance(here, list) and isinstance(part, int)
        )
        if inside or part not in TAGGED and (part != "number" or depth == 2):
            parts.append(str(part))
            here = here[part] if inside else None
    return ".".join(parts) or "scenario"


def siblings(location):
    """Return the keys known beside the last part of a place in the schema."""
    tags = [place for place, part in enumerate(location[:-1]) if part in TAGGED]
    if tags:
        return known_keys(TAGGED[location[tags[-1]]], location[tags[-1] + 1 : -1])
    return known_keys(Scenario, location[:-1])


def renamed(key, tables):
    """Return " (did you mean ...?)" where a population without a kind looks like one that has one, or its number is misspelt."""
    parts = key.split(".")
    if len(parts) != 3 or parts[0] != "populations":
        return ""
    if parts[2] == "number":
        wrong = next(
            (name for name in tables["populations"][parts[1]] if nearest(name, ["number"])), None
        )
        return f" ({wrong!r} is no key: did you mean 'number'?)" if wrong else ""
    return nearest(
        parts[1], [name for name, table in tables["populations"].items() if "kind" in table]
    )


def part_of(model, table):
    """Return a table as its model, or None where its form is wrong, which is told elsewhere."""
    try:
        return model.model_validate(table)
    except pydantic.ValidationError:
        return None


def listed(tables, single, several):
    """Return the tables of one part, or of several, by dotted key."""
    parts = {single: tables[single]} if single in tables else {}
    rows = tables.get(several, ())
    return parts | {
        f"{several}.{place}": row
        for place, row in enumerate(rows if isinstance(rows, list) else ())
    }


def rulebooks(tables):
    """Return ``(rulebooks by key of their market, faults)``."""
    books, faults = {}, []
    for key, table in listed(tables, "market", "markets").items():
        market = part_of(Market, table)
        if market is not None:
            try:
                books[key] = rulebook_of(market)
            except ParameterError as error:
                faults += [
                    fault
                    if fault.file
                    else Fault(f"{key}.{fault.key}", fault.value, fault.expected)
                    for fault in error.faults
                ]
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
        raise ParameterError(
            *(Fault(f"changes.{fault.key}", fault.value, fault.expected) for fault in error.faults)
        ) from None


def population_faults(tables, books):
    """Return what is wrong with kinds, traits and numbers of traders."""
    table = tables.get("populations")
    if not isinstance(table, dict):
        return []
    populations = {name: part_of(Population, rows) for name, rows in table.items()}
    known = {name: population for name, population in populations.items() if population is not None}
    faults = [
        fault
        for name, population in known.items()
        for fault in kind_faults(name, population, books)
    ]
    faults += [
        Fault("populations", name, "a table with a name") for name in table if not name.strip()
    ]
    faults += twin_kind_faults({name: population.kind for name, population in known.items()})
    if len(known) == len(populations) and not sum(
        population.number for population in known.values()
    ):
        faults.append(Fault("populations", 0, "at least one trader"))
    return faults


def twin_kind_faults(references):
    """Return the populations whose kind has the name of another one's: records know kinds by their names."""
    faults, first = [], {}
    for population, reference in references.items():
        try:
            kind = kind_named(reference)
        except ParameterError:
            continue
        other, owner = first.setdefault(kind.kind, (kind, population))
        if other is not kind and KINDS.get(kind.kind) in (None, kind):
            faults.append(
                Fault(
                    f"populations.{population}.kind",
                    reference,
                    f"of another name than {kind.kind!r}, which the kind of {owner} has",
                )
            )
    return faults


def kind_faults(name, population, books):
    """Return what is wrong with one population."""
    key = f"populations.{name}"
    try:
        kind = kind_named(population.kind)
    except ParameterError as error:
        return [Fault(f"{key}.{fault.key}", fault.value, fault.expected) for fault in error.faults]
    faults = [
        fault
        for trait, value in population.traits.items()
        for fault in trait_faults(key, kind, trait, value)
    ]
    if kind.kind in KINDS and KINDS[kind.kind] is not kind:
        faults.append(
            Fault(
                f"{key}.kind",
                population.kind,
                f"of another name than {kind.kind!r}, which is taken",
            )
        )
    return faults or leverage_faults(key, kind, population, books) + market_faults(
        key, kind, population, books
    )


def trait_faults(key, kind, trait, value):
    """Return what is wrong with one trait: its name, its value, or what its distribution could give."""
    ends = extent(value)
    if trait not in kind.traits.traits:
        return [Fault(f"{key}.{trait}", plain(value), trait_words(kind, trait))]
    declared, faults = kind.traits.traits[trait], []
    for number, end in enumerate(ends):
        if not declared.accepts(end):
            bound = f"{declared.bound} ({declared.unit}, trait {trait} of {kind.kind})"
            faults.append(Fault(place_of(key, trait, value, number), end, bound))
    return faults[:1] if isinstance(value, float) else faults


def place_of(key, trait, value, end):
    """Return the key where the smallest (0) or largest (1) value of a trait is stated."""
    return f"{key}.{trait}" if isinstance(value, float) else f"{key}.{trait}.{value.ends[end]}"


def extent(value):
    """Return the smallest and the largest value that a trait of a scenario can take."""
    return (value, value) if isinstance(value, float) else (value.low, value.high)


def plain(value):
    """Return a trait's value as a scenario file says it."""
    return value if isinstance(value, float) else value.model_dump(exclude_none=True)


def trait_extent(kind, population, trait):
    """Return the smallest and largest value of a trait of a population, defaults included."""
    return extent(population.traits.get(trait, float(kind.traits.traits[trait].default)))


def largest_leverage(kind, population, books):
    """Return the largest leverage a population may set: the venue's, in the tier of its smallest position; infinite if unknown."""
    market = (
        int(trait_extent(kind, population, "market")[0]) if "market" in kind.traits.traits else 0
    )
    if not 0 <= market < len(books):
        return math.inf
    margin = list(books.values())[market].margin
    size = (
        trait_extent(kind, population, "size_usd")[0] if "size_usd" in kind.traits.traits else 0.0
    )
    tier = [tier for tier in margin.tiers if tier.floor <= max(size, 0.0)][-1]
    return min(margin.maximum_leverage, tier.leverage)


def leverage_faults(key, kind, population, books):
    """Return a fault if leverage always goes beyond what the venue allows; the tail of a distribution is cut there instead."""
    most, value = largest_leverage(kind, population, books), population.traits.get("leverage", 1.0)
    if extent(value)[0] <= most:
        return []
    bound = f"at most {most:g}, the venue's largest for positions of this size"
    return [Fault(place_of(key, "leverage", value, 0), extent(value)[0], bound)]


def market_faults(key, kind, population, books):
    """Return a fault if a population trades a market that is not there."""
    market = population.traits.get("market", 0.0)
    if not books or extent(market)[1] < len(books) and extent(market)[0] >= 0:
        return []
    return [
        Fault(f"{key}.market", plain(market), f"from 0 to {len(books) - 1}, the number of a market")
    ]
