"""The README is correct: its programs run, its commands parse, its links resolve."""

import pathlib
import re
import shlex
import sys
import tomllib

import pytest

from perplab import check_trader
from perplab.analysis.cli.commands import app, main
from perplab.scenarios.files.kinds import kind_named
from perplab.scenarios.files.sources import library_names
from perplab.sim.state.market_rows import VIEW

ROOT = pathlib.Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(
    r"(?:`(?P<file>[\w.]+)`[^\n]*:\n\n)?```(?P<language>\w+)\n(?P<code>.*?)```", re.S
)
BLOCKS = [match.groupdict() for match in BLOCK.finditer(README)]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md")]
COMMANDS = [line.strip() for line in README.splitlines() if line.startswith("    perplab ")]


@pytest.mark.parametrize(
    "code",
    [block["code"] for block in BLOCKS if block["language"] == "python" and not block["file"]],
)
def test_programs_run(code, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})
    assert capsys.readouterr().out
    assert len([line for line in code.splitlines() if line.strip()]) <= 30


def test_a_trader_from_a_user_s_file_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    files = {block["file"]: block["code"] for block in BLOCKS if block["file"]}
    assert set(files) == {"contrarian.py", "contrarians.toml"}
    for name, code in files.items():
        (tmp_path / name).write_text(code, encoding="utf-8")
    monkeypatch.setattr(
        sys, "argv", ["perplab", "run", "contrarians.toml", "--days", "0.5", "--no-figures"]
    )
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code and "contrarian" in capsys.readouterr().out
    kind = kind_named(f"{tmp_path / 'contrarian.py'}:Contrarian")
    assert check_trader(kind, draws=300).startswith("ok")


def test_commands_parse():
    import typer

    command = typer.main.get_command(app)
    for line in COMMANDS:
        words = shlex.split(line.split(" > ")[0])
        context = command.make_context("perplab", words[1:])
        assert command.resolve_command(context, words[1:])[0] == words[1], line
    assert len(COMMANDS) >= 5


def test_every_scenario_is_in_the_readme():
    for name in library_names():
        assert f"`{name}`" in README, name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_resolve(page):
    for link in re.findall(r"\]\(([\w./-]+)(?:#[\w-]+)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), link


def test_the_two_commands_work_with_this_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (
        "pip install -e . && perplab run short-crowding" in README
        and "perplab" in project["scripts"]
    )
    assert (
        "pip install -e '.[test]' && pytest" in README
        and "test" in project["optional-dependencies"]
    )
    assert "pip install -e '.[test]' && pytest" in (ROOT / ".ci" / "run").read_text(
        encoding="utf-8"
    )


def test_every_field_that_a_rule_sees_is_in_the_page_of_traders():
    page = (ROOT / "docs/traders.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)`", page))
    assert set(VIEW.names) <= named
