"""Faults in the form of a scenario's tables: keys, types and ranges, by the keys of the file."""

import pydantic

from perplab.scenarios.files.kinds import kind_named
from perplab.scenarios.files.renamed_keys import new_key
from perplab.scenarios.files.schema import TAGGED, Population, Scenario
from perplab.sim.errors import Fault, KeyFault, ParameterError
from perplab.sim.faults import (
    OF_A_KEY,
    expected_of,
    name_fault,
    nearest,
    renamed_bound,
    unknown,
    without_renamed,
)


def structural_faults(tables):
    """Return the faults in the form of a scenario's tables.

    A missing key is left out if the tables have it under its old name, which is a fault of its own.
    """
    try:
        Scenario.model_validate(tables)
    except pydantic.ValidationError as error:
        details = error.errors()
        return without_renamed([f for detail in details for f in detail_faults(detail, tables)])
    return []


def detail_faults(detail, tables):
    """Return one error of pydantic as faults by the keys of the file."""
    context, location, value = detail.get("ctx", {}), detail["loc"], detail["input"]
    if location[-1:] == (OF_A_KEY,):
        return [name_fault(location, detail)]
    key, inner = file_key(location, tables), context.get("error")
    if isinstance(inner, ParameterError):
        return [fault.under(key) for fault in inner.faults]
    if detail["type"] == "extra_forbidden":
        return [unknown_key(key, location, value)]
    if fault := foreign_trait(location, tables):
        return [fault]
    if detail["type"].startswith("union_tag"):
        return [tag_fault(key, context)]
    if detail["type"] == "missing":
        return [missing_fault(key, tables)]
    is_trait = detail["type"] == "trait"
    return [Fault(key, value, detail["msg"] if is_trait else expected_of(detail, context))]


def unknown_key(key, location, value):
    """Return the fault of an unknown key: with its new name, or the known key nearest to it."""
    if new := new_key(key):
        return Fault(key, value, renamed_bound(new))
    tags = [depth for depth, part in enumerate(location[:-1]) if part in TAGGED]
    model = TAGGED[location[tags[-1]]] if tags else Scenario
    inside = location[tags[-1] + 1 if tags else 0 : -1]
    return unknown(model, key, str(location[-1]), value, inside)


def foreign_trait(location, tables):
    """Return the fault of a population's key that is no trait of its kind, or None."""
    if len(location) < 3 or location[0] != "populations" or location[2] in Population.model_fields:
        return None
    table = tables["populations"][location[1]]
    try:
        kind = kind_named(table["kind"])
    except (ParameterError, KeyError, TypeError):
        return None
    if location[2] in kind.traits.traits:
        return None
    return trait_fault(".".join(location[:3]), table[location[2]], kind)


def trait_fault(key, value, kind):
    """Return the fault of a key that is no trait of a kind: its new name, or the nearest trait."""
    known, trait = [*kind.traits.traits, *Population.model_fields], key.rpartition(".")[2]
    new = new_key(key)
    if new.rpartition(".")[2] in known:
        return Fault(key, value, renamed_bound(new))
    return KeyFault(key, value, f"a trait of {kind.kind}{nearest(trait, known)}")


def tag_fault(key, context):
    """Return the fault of a table whose type (`CHOOSERS`) is missing or unknown."""
    chooser = context["discriminator"].strip("'")
    known = context.get("expected_tags", "").replace("'", "")
    bound = f"one of {known}{nearest(context['tag'], known.split(', '))}" if known else "given"
    return Fault(f"{key}.{chooser}", context.get("tag"), bound)


def file_key(location, tables):
    """Return the dotted key of a location of pydantic; tags of unions are not in the file."""
    parts, here = [], tables
    for depth, part in enumerate(location):
        inside = is_inside(here, part)
        if inside or part not in TAGGED and (part != "number" or depth == 2):
            parts.append(str(part))
            here = here[part] if inside else None
    return ".".join(parts) or "scenario"


def is_inside(table, part):
    """Return whether a table has a key, or a list may have a row of an index."""
    if isinstance(table, dict):
        return part in table
    return isinstance(table, list) and isinstance(part, int)


def missing_fault(key, tables):
    """Return the fault of a missing key; of a population, with what was probably misspelt.

    A population takes any key as a trait, so its required keys are looked for under their old names
    here.
    """
    parts = key.split(".")
    if len(parts) != 3 or parts[0] != "populations":
        return Fault(key, None, "given")
    for name, value in tables["populations"][parts[1]].items():
        old = f"populations.{parts[1]}.{name}"
        if new_key(old) == key:
            return Fault(old, value, renamed_bound(key))
    if parts[2] == "kind":
        return unknown_population(parts[1], tables["populations"])
    wrong = next((k for k in tables["populations"][parts[1]] if nearest(k, ["number"])), None)
    hint = f" ({wrong!r} is no key: did you mean 'number'?)" if wrong else ""
    return Fault(key, None, f"given{hint}")


def unknown_population(name, populations):
    """Return the fault of a population without a kind: a misspelt one, or a new one."""
    tables = {one: table for one, table in populations.items() if isinstance(table, dict)}
    known = [one for one, table in tables.items() if "kind" in table]
    bound = f"one of the populations {', '.join(known)}, nor a new one with a kind"
    return KeyFault(f"populations.{name}", None, bound + nearest(name, known))


def part_of(model, table):
    """Return a table as its model, or None if `structural_faults` refuses it."""
    try:
        return model.model_validate(table)
    except pydantic.ValidationError:
        return None
