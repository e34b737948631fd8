"""Scenarios and rulebooks as text, every value with its unit or meaning."""

import itertools

from rich.table import Table

from perplab.analysis.report.page import own_tables
from perplab.analysis.report.rulebook_keys import NOT_RULES, differences, rulebook_unit
from perplab.analysis.report.toml_text import table_lines
from perplab.analysis.studies.rulebook_text import sentences
from perplab.scenarios.files.kinds import NotImportedError, imports_refused, kind_named
from perplab.scenarios.files.loader import checked
from perplab.scenarios.files.overrides import COMMAND_LINE, Resolved, changed, resolve
from perplab.scenarios.files.population_checks import plain
from perplab.sim.errors import Fault, ParameterError, one_line
from perplab.sim.faults import found
from perplab.sim.rulebook.rulebook import load_rulebook, rulebook_names
from perplab.sim.toml_files.writing import toml_key, toml_line, toml_value

PLACEHOLDER = "FILE"
LONGEST_COMMENT = 1_000


def scenario_lines(name, changes=()):
    """Return a resolved and checked scenario as TOML lines; a missing replay file is FILE.

    No kind of a user's own is imported.
    """
    with imports_refused():
        return list(lines_of(name, changes))


def lines_of(name, changes):
    """Yield the lines of `scenario_lines`."""
    resolved = with_placeholder(resolve(name, changes, COMMAND_LINE))
    scenario = checked(resolved, read_files=False)
    sources = ", ".join(source.file for source in reversed(resolved.sources))
    yield f"# from {one_line(sources, LONGEST_COMMENT)}"
    yield from opening_comment(resolved)
    values = scenario.model_dump(exclude_none=True, exclude={"populations"})
    yield from table_lines("", own_tables(values))
    for key, market in scenario.all_markets.items():
        yield from rulebook_notes(key, market)
    for population_name, population in scenario.populations.items():
        yield from population_lines(population_name, population)


def opening_comment(resolved):
    """Return the comment lines at the top of the scenario's own file."""
    text = next(
        (source.text for source in reversed(resolved.sources) if source.file.endswith(".toml")), ""
    )
    return itertools.takewhile(lambda line: line.startswith("#"), text.splitlines())


def with_placeholder(resolved):
    """Return resolved tables in which a replay without a file has a placeholder for it."""
    price = found(resolved.tables, ["spot", "price"])
    if isinstance(price, dict) and price.get("process") == "replay" and "file" not in price:
        return Resolved(changed(resolved.tables, "spot.price.file", PLACEHOLDER), resolved.sources)
    return resolved


def rulebook_notes(key, market):
    """Yield a comment on the rulebook of a market."""
    book = load_rulebook(market.rulebook)
    command = f"perplab rulebook {market.rulebook}"
    yield from ("", f"# {key}: rulebook {book.name}, as of {book.dated} ({command})")


def population_lines(name, population):
    """Yield a population with every trait of its kind, defaults marked.

    Of a kind that is not imported only the traits that the file sets are known.
    """
    yield from (
        "",
        f"[populations.{toml_key(name)}]",
        toml_line("kind", population.kind, ""),
        toml_line("number", population.number, "traders"),
    )
    try:
        kind = kind_named(population.kind)
    except NotImportedError:
        yield "# a kind of your own, which is not imported here: its defaults are not shown"
        yield from (
            toml_line(trait, plain(value), "") for trait, value in population.traits.items()
        )
        return
    for trait, declared in kind.traits.traits.items():
        default = declared.stated(declared.default_of(population.number))
        value = plain(population.traits.get(trait, default))
        mark = "" if trait in population.traits else "# "
        unit = "" if declared.unit == "1" else f"{declared.unit}: "
        meaning = one_line(f"{unit}{declared.meaning}", LONGEST_COMMENT)
        yield mark + toml_line(trait, value, meaning + " (default)" * bool(mark))


def rulebook_lines(name):
    """Yield a rulebook: its rules in sentences, sources, assumptions, then every value as TOML."""
    book = load_rulebook(name)
    yield f"# {book.name}, as of {book.dated}"
    yield from (f"# {heading}: {text}" for heading, text in sentences(book))
    for heading, texts in (("sources", book.sources), ("assumptions", book.assumed)):
        yield from (f"# {heading}:", *(f"#   {one_line(text, LONGEST_COMMENT)}" for text in texts))
    values = book.model_dump(exclude=NOT_RULES, exclude_none=True)
    yield from table_lines("", values, rulebook_unit)


def rulebook_table():
    """Return the rulebooks of the library with their dates and funding formulas."""
    table = Table("rulebook", "as of", "funding", box=None, pad_edge=False)
    for book in map(load_rulebook, rulebook_names()):
        table.add_row(book.name, str(book.dated), dict(sentences(book))["funding"])
    return table


def comparison_table(names):
    """Return the differences between rulebooks, a row per key.

    Raises
    ------
    ParameterError
        If there are fewer than two rulebooks.
    """
    if len(names) < 2:
        raise ParameterError(Fault("--compare", " ".join(names), "at least two rulebooks"))
    table = Table(box=None, pad_edge=False)
    for heading in ("key", *names):
        table.add_column(heading, overflow="fold", no_wrap=heading == "key")
    for key, values in differences(names):
        table.add_row(key, *("-" if value is None else toml_value(value) for value in values))
    return table
