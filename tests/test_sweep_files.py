"""Sweep files: what is refused, factors and labels, designs."""

import pathlib
import sys

import numpy as np
import pytest

from perplab.analysis.cli import commands as cli
from perplab.scenarios.files.loader import load
from perplab.scenarios.runs.results import open_runs
from perplab.scenarios.sweeps.sweep_design import changes_at, points_of
from perplab.scenarios.sweeps.sweep_file import read_sweep, stated_arm
from perplab.sim.errors import ParameterError
from tests.small_sweeps import SWEEP, faults_of, run_here, sweep_file


@pytest.mark.parametrize(
    ("old", "new", "key", "bound"),
    [
        ('key = "market', 'key = "populations.nois', "populations.nois", "given"),
        ("values = [0.001, 0.003]", "values = []", "factors.cap.values", "values to visit"),
        (
            "[0.001, 0.003]",
            "[0.001, -1.0]",
            "factors.cap.values[1]",
            "(it sets market.changes.funding.cap)",
        ),
        (
            "values = [0.001, 0.003]",
            "values = [30, 0.001]",
            "factors.cap.values[0]",
            "0.003 being 0.3 %",
        ),
        ("seeds = 2", "seeds = 0", "seeds", "at least 1"),
        ("seeds = 2", 'seeds = "4"', "seeds", "or a list of seeds"),
        ("seeds = 2", "seeds = [1, -1]", "seeds", "a whole number from 0"),
        ("seeds = 2", "seeds = true", "seeds", "at least 1"),
        ("seeds = 2", "seeds = [1, 1]", "seeds", "each once"),
        ("[factors.cap]", "[factor.cap]", "factor", "did you mean 'factors'"),
        ("days = 0.01", "dayz = 0.01", "changes.dayz", "did you mean 'days'"),
        (
            "values = [0.001, 0.003]",
            'values = [0.001, 0.003]\nlabels = ["one"]',
            "factors.cap.labels",
            "one for each of 2 values",
        ),
        (
            "[0.001, 0.003]",
            '[0.001, 0.003]\n[[arms]]\nname = "x"\nat_hours = 0.1\n'
            'changes = {"market.changes.funding.kap" = 1}',
            "arms.0.changes.market.changes.funding.kap",
            "'cap'",
        ),
        (
            "[0.001, 0.003]",
            '[0.001, 0.003]\n[[arms]]\nname = "x"\nat_hours = 9',
            "arms.0.at_hours",
            "before the end",
        ),
        ("seeds = 2", 'seeds = 2\ndesign = {kind = "sobol"}', "design.samples", "given"),
        ("[0.001, 0.003]", "[0.001, 0.001]", "factors.cap.values", "differ from one another"),
        (
            "[0.001, 0.003]",
            '[0.001, 0.003]\n[factors.all]\nkey = "market.changes.funding"\n'
            "values = [{cap = 0.001}, {cap = 0.002}]",
            "factors.all.key",
            "no effect",
        ),
    ],
)
def test_a_wrong_sweep_is_refused_before_anything_runs(tmp_path, old, new, key, bound):
    found = faults_of(tmp_path, SWEEP.replace(old, new))
    assert any(name.startswith(key) and bound in text for name, text in found.items()), found


def test_faults_of_a_sweep_stand_at_their_lines_all_at_once(tmp_path):
    text = SWEEP.replace("[0.001, 0.003]", "[]").replace(
        '"populations.noise.number" = 20', '"populations.noise.number" = 2.5'
    )
    text += """[factors.shorts]
keys = ["populations.longs.number", "populations.shorts.number"]
values = [
  [189, 111],
  [100],
]
[factors.size]
key = "populations.longs.size_usd"
values = [1.0, -5.0]
"""
    with pytest.raises(ParameterError) as caught:
        read_sweep(sweep_file(tmp_path, text))
    places = {fault.key: (fault.file, fault.line) for fault in caught.value.faults}
    assert places == {
        "factors.cap.values": ("small.toml", 9),
        "factors.shorts.values[1]": ("small.toml", 14),
        "changes.populations.noise.number": ("small.toml", 6),
        "factors.size.values[1]": ("small.toml", 18),
    }
    assert str(
        next(fault for fault in caught.value.faults if fault.key == "factors.size.values[1]")
    ).startswith("small.toml:18: factors.size.values[1] was -5.0, must be at least 0")


MIXED = """scenario = "small"
[changes]
days = 0.005
[factors.mix]
keys = ["populations.longs.number", "populations.shorts.number"]
values = [[240, 60], [150, 150], 20]
{}[factors.size]
key = "populations.noise.size_usd"
values = [5_000, {{distribution = "uniform", low = 1, high = 9_000}}]
"""


def test_a_list_gives_each_key_its_own_and_lists_and_tables_have_labels(tmp_path):
    sweep, _ = read_sweep(sweep_file(tmp_path, MIXED.format("")))
    numbers = [
        (one["populations.longs.number"], one["populations.shorts.number"])
        for one in (changes_at(sweep, point) for point in points_of(sweep))
    ]
    assert numbers == [(240, 60), (240, 60), (150, 150), (150, 150), (20, 20), (20, 20)]
    run_here(sweep_file(tmp_path, MIXED.format("")), tmp_path / "out")
    runs = open_runs(tmp_path / "out").runs
    assert runs["factor.mix"].tolist() == [
        "[240, 60]",
        "[240, 60]",
        "[150, 150]",
        "[150, 150]",
        "20",
        "20",
    ]
    assert set(runs["factor.size"]) == {
        "5000",
        '{"distribution": "uniform", "low": 1, "high": 9000}',
    }
    sweep, _ = read_sweep(
        sweep_file(tmp_path, MIXED.format('labels = ["a fifth", "a half", "few"]\n'))
    )
    assert [sweep.factors["mix"].label(value) for value in sweep.factors["mix"].values] == [
        "a fifth",
        "a half",
        "few",
    ]


def test_labels_reach_the_table_and_the_report(no_workers, tmp_path, monkeypatch, capsys):
    from perplab.analysis.report.run_report import write_report

    path = sweep_file(tmp_path, MIXED.format('labels = ["a fifth", "a half", "few"]\n'))
    monkeypatch.setattr(
        sys,
        "argv",
        ["perplab", "sweep", str(path), "--out", str(tmp_path / "out"), "--workers", "1"],
    )
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code and "a fifth" in capsys.readouterr().out
    page = pathlib.Path(write_report(tmp_path / "out"))
    text = page.read_text(encoding="utf-8")
    assert "a half" in text and load("small").question not in text


def test_designs_visit_what_they_say(tmp_path):
    text = SWEEP.replace("values = [0.001, 0.003]", "low = 0.001\nhigh = 0.1\nlog = true")
    for kind, samples, count in (("latin_hypercube", 5, 5), ("sobol", 8, 8)):
        sweep, _ = read_sweep(
            sweep_file(
                tmp_path,
                text.replace(
                    "seeds = 2", f'seeds = 2\ndesign = {{kind = "{kind}", samples = {samples}}}'
                ),
            )
        )
        caps = [point["cap"] for point in points_of(sweep)]
        assert len(caps) == count and min(caps) >= 0.001 and max(caps) <= 0.1
        strata = np.floor(np.log(np.array(caps) / 0.001) / np.log(100) * count)
        assert sorted(strata) == list(range(count))


def test_saltelli_and_morris_come_from_their_library(tmp_path):
    pytest.importorskip("SALib")
    text = (
        SWEEP.replace("values = [0.001, 0.003]", "low = 0.001\nhigh = 0.1")
        + '[factors.noise]\nkey = "market.changes.funding.damper"\nlow = 0.0\nhigh = 0.001\n'
    )
    for kind, count in (("saltelli", 4 * 4), ("morris", 4 * 3)):
        sweep, _ = read_sweep(
            sweep_file(
                tmp_path,
                text.replace("seeds = 2", f'seeds = 1\ndesign = {{kind = "{kind}", samples = 4}}'),
            )
        )
        assert len(points_of(sweep)) == count


def test_an_arm_of_the_command_line_needs_its_form():
    assert stated_arm("a:x.y=1,z=b", 2.0).changes == {"x.y": 1, "z": "b"}
    for text in ("a", "a:", ":x=1", "a:x"):
        with pytest.raises(ParameterError, match="KEY=VALUE"):
            stated_arm(text, 0.0)


def test_a_sweep_that_is_too_large_is_refused_before_its_values_are_tried(tmp_path, monkeypatch):
    def tried(*_):
        raise AssertionError("a scenario was loaded")

    monkeypatch.setattr("perplab.scenarios.sweeps.sweep_checks.load", tried)
    numbers = [0.001 + number / 1e9 for number in range(1_500)]
    text = SWEEP.replace("seeds = 2", "seeds = 1000").replace("[0.001, 0.003]", str(numbers))
    assert list(faults_of(tmp_path, text)) == ["seeds"]
