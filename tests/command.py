"""The command perplab run in this process, and a user's own kind of trader."""

import pathlib
import sys

import pytest

from perplab.analysis.cli import commands as cli

CALM = ("run", "small", "--days", "0.02", "--no-figures")


RULE = """from perplab.agents.trader import Trader, Traits, Trait, rule
traits = Traits(capital_usd=Trait(10_000.0, "quote currency", "money", low=0),
                wake_seconds=Trait(60.0, "s", "mean time between wakes", low=0))
@rule(traits)
def decide(me, accounts, positions, views, mine, rng, orders):
    return {count}
class {name}(Trader):
    kind, traits, decide, slots = "u", traits, decide, 1
"""


def said_by(monkeypatch, capsys, *arguments):
    """Run the command in this process; return its exit code and what it printed, out and err."""
    monkeypatch.setattr(sys, "argv", ["perplab", *arguments])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return stopped.value.code or 0, said


def ended(monkeypatch, capsys, *arguments):
    """Run the command in this process; return its exit code and what it said on standard error."""
    code, said = said_by(monkeypatch, capsys, *arguments)
    return code, said.err


def blank_figure(stage, name, draw, small_print):
    """Write empty files for a figure of a report, as `perplab.analysis.report.page` names them."""
    (stage / "figures").mkdir(exist_ok=True)
    for form in ("pdf", "svg"):
        (stage / "figures" / f"{name}.{form}").touch()
    return "", 1


def own_kind(name, count=0):
    """Write a file with a kind of trader of its own and return its reference."""
    path = pathlib.Path(name)
    path.parent.mkdir(exist_ok=True)
    path.write_text(RULE.format(count=count, name="U"))
    return f"{path.absolute()}:U"
