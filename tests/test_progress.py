"""What the first run says while it compiles: how far it is on a terminal, one line elsewhere."""

import io

import pytest

from perplab.analysis.cli import progress
from perplab.analysis.cli.terminal import Terminal
from perplab.sim.compiler import cache

PARTS = 3


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "cache_directory", lambda: tmp_path)


def compiled_parts():
    """Fill the cache as `perplab.sim.traders.connection` does, without compiling anything."""
    with cache.second_compiler("json") as show:
        for part in range(PARTS + 1):
            show(part, PARTS)


def test_a_pipe_gets_one_line_at_the_first_run_and_none_later(capsys):
    for expected in (f"{progress.COMPILING_NOTE}\n", ""):
        with progress.step_bar("small", 10) as advance:
            advance(1)
            compiled_parts()
        assert capsys.readouterr().err == expected


def test_nothing_is_shown_outside_of_a_command(capsys):
    compiled_parts()
    assert capsys.readouterr() == ("", "")


def test_a_bar_on_a_terminal_says_that_it_compiles_and_how_far_it_is(monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr(
        progress, "Terminal", lambda stderr: Terminal(force_terminal=True, width=100, file=out)
    )
    with progress.step_bar("[/calm]", 10) as advance:
        compiled_parts()
        said = out.getvalue()
        advance(4)
    assert progress.COMPILING in said and "33%" in said and "67%" in said
    assert "[/calm]" in out.getvalue().rpartition(progress.COMPILING)[2]
    assert "40%" in out.getvalue()


def test_a_sweep_says_once_that_its_workers_compile(capsys, monkeypatch):
    monkeypatch.setattr(progress, "COMPILED", True)
    progress.note_workers_compile()
    compiled_parts()
    progress.note_workers_compile()
    assert capsys.readouterr().err == f"the workers are {progress.COMPILING_NOTE}\n"
