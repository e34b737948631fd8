"""The README says what is true: its programs run, its commands parse, its files are there."""

import pathlib
import re
import shlex
import sys
import tomllib

import pytest

from perplab.analysis.cli.commands import app, main
from perplab.scenarios.files.sources import library_names

ROOT = pathlib.Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(
    r"(?:`(?P<file>[\w.]+)`[^\n]*:\n\n)?```(?P<language>\w+)\n(?P<code>.*?)```", re.S
)
BLOCKS = [match.groupdict() for match in BLOCK.finditer(README)]
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


def test_a_trader_of_ones_own_runs_beside_ours(tmp_path, monkeypatch, capsys):
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
    check_contract(tmp_path / "contrarian.py")


def check_contract(file):
    from perplab.agents.trader import check_trader
    from perplab.scenarios.files.kinds import kind_named

    check_trader(kind_named(f"{file}:Contrarian"), draws=300)


def test_commands_parse():
    import typer

    command = typer.main.get_command(app)
    for line in COMMANDS:
        words = shlex.split(line.split(" > ")[0])
        context = command.make_context("perplab", words[1:])
        assert command.resolve_command(context, words[1:])[0] == words[1], line
    assert len(COMMANDS) >= 5


def test_stories_and_links_are_there():
    for name in library_names():
        assert f"`{name}`" in README, name
    for link in re.findall(r"\]\(([\w./-]+)\)", README):
        assert (ROOT / link).exists(), link


def test_the_two_commands_are_those_of_the_project():
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
