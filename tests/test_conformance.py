"""Two days of every rulebook, recomputed law by law in plain Python (docs/conformance.md)."""

import ast
import pathlib

import pytest

from perplab import rulebook_names
from tests.conformance.comparison import disagreements, notices
from tests.conformance.rules import DEFENDED, numbers, read_rules, with_number
from tests.conformance.tape import rules_of_run, tape_of
from tests.conformance.uncovered import reason


@pytest.fixture(scope="module", params=[*rulebook_names(), DEFENDED])
def name(request):
    """Return the name of each rulebook; the tests of one follow each other and share its tape."""
    return request.param


def test_two_days_are_what_the_formulas_give(name):
    tape, rules = tape_of(name), rules_of_run(name)
    assert tape.forced.any() and tape.quiet.sum() > 300
    assert next(disagreements(tape, rules), None) is None


def test_a_tenth_more_or_less_of_any_number_is_noticed(name):
    tape, rules, unnoticed = tape_of(name), rules_of_run(name), []
    stated = {path for path, _ in numbers(read_rules(name))}
    for path, number in numbers(rules):
        if path in stated and reason(tape, rules, path) is None:
            changed = (with_number(rules, path, number * part) for part in (1.1, 0.9))
            if not any(notices(tape, other, path[0]) for other in changed):
                unnoticed.append(path)
    assert not unnoticed


def test_the_second_reading_imports_nothing_of_the_simulator():
    for path in (pathlib.Path(__file__).parent / "conformance").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        froms = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        plain = [
            part.name
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for part in node.names
        ]
        own = [name for name in froms + plain if name.split(".")[0] == "perplab"]
        allowed = {"tape.py": len(own), "rules.py": own.count("perplab.sim.rulebook")}
        assert len(own) == allowed.get(path.name, 0), path.name
