"""A story and a rulebook as text, every value with its unit or meaning."""

import itertools

from rich.table import Table

from perplab.analysis.report.toml_text import line, said, table_lines
from perplab.scenarios.files.kinds import kind_named
from perplab.scenarios.files.loader import checked
from perplab.scenarios.files.overrides import Resolved, changed, resolve
from perplab.scenarios.files.sources import found
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.rulebook.rulebook import load_rulebook, rulebook_names

PLACEHOLDER = "FILE"


def scenario_lines(story, changes=()):
    """Return the lines that show a story as resolved, checked; a file still to be named is shown as such."""
    resolved = with_placeholder(resolve(story, changes))
    scenario = checked(resolved, read_files=False)
    yield f"# {scenario.name}: {scenario.title}" if scenario.title else f"# {scenario.name}"
    if scenario.question:
        yield f"# {scenario.question}"
    yield f"# from {', '.join(source.file for source in reversed(resolved.sources))}"
    yield from story_comment(resolved)
    values = scenario.model_dump(
        exclude_none=True, exclude={"name", "title", "question", "extends", "populations"}
    )
    yield from table_lines("", values)
    for key, market in scenario.all_markets.items():
        yield from rulebook_notes(key, market)
    for name, population in scenario.populations.items():
        yield from population_lines(name, population)


def story_comment(resolved):
    """Return the comment with which the story's own file begins."""
    text = next(
        (source.text for source in reversed(resolved.sources) if source.file.endswith(".toml")), ""
    )
    return itertools.takewhile(lambda line: line.startswith("#"), text.splitlines())


def with_placeholder(resolved):
    """Return resolved tables in which a replayed file that is not named yet has a placeholder."""
    price = found(resolved.tables, ["spot", "price"])
    if isinstance(price, dict) and price.get("process") == "replay" and "file" not in price:
        return Resolved(changed(resolved.tables, "spot.price.file", PLACEHOLDER), resolved.sources)
    return resolved


def rulebook_notes(key, market):
    """Return what the rulebook of a market is, and from where."""
    book = load_rulebook(market.rulebook)
    yield from (
        "",
        f"# {key}: rulebook {book.name}, as of {book.dated} (perplab rulebook {market.rulebook})",
    )


def population_lines(name, population):
    """Return a population with every trait of its kind, the defaults marked."""
    kind = kind_named(population.kind)
    yield from (
        "",
        f"[populations.{name}]",
        line("kind", population.kind, ""),
        line("number", population.number, "traders"),
    )
    for trait, declared in kind.traits.traits.items():
        value = population.traits.get(trait, declared.default)
        value = value if isinstance(value, (int, float)) else value.model_dump(exclude_none=True)
        default = "" if trait in population.traits else " (default)"
        unit = "" if declared.unit == "1" else f"{declared.unit}: "
        yield line(trait, value, f"{unit}{declared.meaning}{default}")


def rulebook_lines(name):
    """Return the lines that show a rulebook: in sentences, its sources, what is assumed, every number."""
    from perplab.analysis.report.rulebook_text import sentences

    book = load_rulebook(name)
    yield f"# {book.name}, as of {book.dated}"
    yield from (f"# {heading}: {text}" for heading, text in sentences(book))
    for heading, texts in (("sources", book.sources), ("assumed", book.assumed)):
        yield from (f"# {heading}:", *(f"#   {text}" for text in texts))
    yield from table_lines(
        "", book.model_dump(exclude={"name", "dated", "sources", "assumed"}, exclude_none=True)
    )


def rulebook_table():
    """Return the rulebooks of the library with their dates and funding."""
    from perplab.analysis.report.rulebook_text import sentences

    table = Table("rulebook", "as of", "funding", box=None, pad_edge=False)
    for book in map(load_rulebook, rulebook_names()):
        table.add_row(book.name, str(book.dated), dict(sentences(book))["funding"])
    return table


def comparison_table(names):
    """Return what differs between rulebooks, a row a key.

    Raises
    ------
    ParameterError
        If there are fewer than two.
    """
    from perplab.analysis.report.rulebook_text import differences

    if len(names) < 2:
        raise ParameterError(Fault("--compare", " ".join(names), "at least two rulebooks"))
    table = Table(box=None, pad_edge=False)
    for heading in ("key", *names):
        table.add_column(heading, overflow="fold", no_wrap=heading == "key")
    for key, values in differences(names):
        table.add_row(key, *("-" if value is None else said(value) for value in values))
    return table
