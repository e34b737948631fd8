"""Studies: all of them on tiny runs, the command, and statistics by hand."""

import concurrent.futures
import dataclasses
import functools
import json
import math
import pathlib
import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from perplab.analysis.cli import study_command
from perplab.analysis.estimators.moments import MOMENTS
from perplab.analysis.estimators.series import mean_interval
from perplab.analysis.studies import execution
from perplab.analysis.studies.drawing import draw_study
from perplab.analysis.studies.execution import jobs_of_study, run_study
from perplab.analysis.studies.experiments import cascade_traits, crowding
from perplab.analysis.studies.markdown import study_lines
from perplab.analysis.studies.measures.run_figures import monthly_sd
from perplab.analysis.studies.moment_tables import moment_of, outside
from perplab.analysis.studies.real import read_real, year_blocks
from perplab.analysis.studies.register import all_studies, study_named
from perplab.analysis.studies.results import (
    Result,
    as_json,
    contrast,
    contrasts_of,
    over_mean,
    ratio_of_means,
    slope_over,
)
from perplab.analysis.studies.rulebook_text import sentences
from perplab.analysis.studies.study import (
    SHARE_OF_SEEDS,
    Arm,
    Branch,
    Figure,
    Setting,
    Study,
    arms_of,
)
from perplab.analysis.studies.targets import BY_INTERVAL, RANGES, REAL, is_inside, real_figures
from perplab.scenarios.files.loader import load
from perplab.scenarios.files.sources import library_names
from perplab.sim.compiler.cache import HOUSE
from perplab.sim.errors import ParameterError, SweepError
from perplab.sim.rulebook.rulebook import load_rulebook, rulebook_names
from tests.command import ended

TINY = {"days": 0.06}
FEW = {
    "populations.day_traders.number": 60,
    "populations.speculators.number": 60,
    "populations.carry.number": 6,
}
HOURS = {
    "ORDER_HOURS": 0.7,
    "UNTIL_SETTLED_HOURS": 0.2,
    "AFTER_HOURS": 0.7,
    "TWIN_HOURS": 0.5,
    "LEAVING_HOURS": 0.5,
    "PANIC_HOURS": 0.4,
}
FALL = {"twin.from_hours": 0.5, "shocks.0.at_hours": 0.5, "shocks.0.minutes": 5}
ATTACK = {
    "populations.attacker.attack_start_hours": 0.6,
    "populations.attacker.attack_hours": 0.2,
    "populations.attacker.build_seconds": 1200,
    "populations.attacker.unwind_seconds": 1200,
}
KEYS = {"effect", "low", "high", "unit", "verdict", "seeds"}


@pytest.fixture(autouse=True)
def soon(monkeypatch, tmp_path):
    """Let orders and branches come within minutes."""
    monkeypatch.chdir(tmp_path)
    for name, hours in HOURS.items():
        monkeypatch.setattr(crowding, name, hours)
    monkeypatch.setattr(cascade_traits, "BRANCH_HOURS", 0.4)
    monkeypatch.setattr(cascade_traits, "VARIATIONS", cascade_traits.VARIATIONS[5:8])


def tiny(study, story):
    """Return changes that make the runs of a study tiny."""
    scenario = load(story)
    few = FEW if "speculators" in scenario.populations else {}
    fall = FALL if scenario.shocks else {}
    fall = fall | {f"shocks.{k}.at_hours": 0.5 for k in range(len(scenario.shocks))}
    return TINY | few | fall | {"attack-value": ATTACK, "attack-search": ATTACK}.get(study.name, {})


def available(study):
    """Return the settings of a study whose scenarios are in the library, one per scenario."""
    there = {each.story: each for each in reversed(study.settings) if each.story in library_names()}
    return list(reversed(there.values()))


def tiny_arms(name, setting=None):
    """Return the arms of a study on tiny runs, in its first setting by default."""
    study = study_named(name)
    setting = setting or available(study)[0]
    return arms_of(study, [setting], tiny(study, setting.story))


@pytest.mark.filterwarnings("ignore:Degrees of freedom:RuntimeWarning")
@pytest.mark.parametrize("name", all_studies())
def test_every_study_runs_tiny_and_states_its_effects(name, tmp_path):
    study, arms = study_named(name), tiny_arms(name)
    several = {arm.name: arm for arm in (arms[0], arms[-1])}
    chosen = arms if study.derived and len(arms) < 6 else list(several.values())
    figures, seconds = run_study(study, chosen, [0, 1], tmp_path, workers=1)
    real = {arm.story: real_figures(arm.story) for arm in chosen}
    found = json.loads(json.dumps(as_json(Result(study, chosen, [0, 1], figures, real))))
    assert seconds > 0 and found["study"] == name and found["seeds"] == [0, 1]
    assert found["contrasts"] and all(set(one) == KEYS for one in found["contrasts"].values())
    for arm in chosen:
        assert set(found["figures"][arm.name]) == set(study.figures)
        assert set(study.figures) <= {
            *figures[arm.name, 0],
            *(f for f in study.figures if "return" in f),
        }


def test_every_arm_of_every_study_is_accepted():
    for name, study in all_studies().items():
        for setting in available(study):
            arms = tiny_arms(name, setting)
            assert len(jobs_of_study(study, arms, [0])) == len(arms) >= 1
        assert study.question.endswith("?") and study.control


def test_every_study_has_its_entry_in_the_docs():
    page = (HOUSE / "docs" / "studies.md").read_text(encoding="utf-8")
    for name, study in all_studies().items():
        assert f"### `{name}`" in page and study.question in page.replace("\n", " "), name
        assert f"`perplab study {name}`" in page


def hand_made(by_arm, figures, **more):
    """Return the result of a study of one scenario from figures by arm and seed."""
    arms = [Arm(name, "calm", story="calm") for name in by_arm]
    seeds = list(range(len(next(iter(by_arm.values())))))
    study = Study("hand", "Why?", None, None, figures, **more)
    rows = {(arm, k): row for arm, all_rows in by_arm.items() for k, row in enumerate(all_rows)}
    return Result(study, arms, seeds, rows, real={"calm": REAL[2022]})


def test_rulebooks_are_side_by_side_for_each_scenario_and_each_law():
    study = study_named("rulebooks")
    arms = arms_of(study, study.settings)
    measured = {(arm.name, 1): dict.fromkeys(study.figures, 1.0) for arm in arms}
    lines = list(study_lines(Result(study, arms, [1], measured)))
    heads = [line for line in lines if line.startswith("| rulebook | ")]
    laws = {heading for heading, _ in sentences(load_rulebook("binance"))}
    assert len(heads) == len(study.settings) + len(laws)
    assert {head.strip("| ").removeprefix("rulebook | ") for head in heads[-len(laws) :]} == laws
    for name in rulebook_names():
        assert sum(line.startswith(f"| {name} | ") for line in lines) == len(heads)


def test_effects_are_paired_by_seed_with_students_t():
    control = [{"x": 1.0}, {"x": 5.0}, {"x": 9.0}, {"x": None}]
    treated = [{"x": 2.0}, {"x": 7.0}, {"x": 12.0}, {"x": 4.0}]
    result = hand_made({"a": control, "b": treated}, {"x": Figure("x", "bp")}, compared=("x",))
    found = contrasts_of(result)["x: b"]
    assert found.effect == 2.0 and found.seeds == 3
    assert found.high - 2.0 == pytest.approx(4.302653 / math.sqrt(3)) == 2.0 - found.low
    assert found.verdict == "no effect shown: the interval contains 0"
    assert contrast([1.0, 1.1], "bp").verdict == "higher by 1.05 bp"
    assert contrast([1.0], "bp").verdict.startswith("no verdict")


def test_rounding_is_no_effect():
    result = hand_made(
        {"a": [{"x": 0.1}, {"x": 0.3}], "b": [{"x": 0.1}, {"x": 0.3 * (1 + 1e-14)}]},
        {"x": Figure("x")},
        compared=("x",),
    )
    assert contrasts_of(result)["x: b"].low == 0.0


def test_a_ratio_of_means_by_the_jackknife():
    parts, wholes = np.array([1.0, 2.0, 6.0]), np.array([2.0, 3.0, 5.0])
    without = [8 / 8, 7 / 7, 3 / 5]
    half = 4.302653 * math.sqrt(2 / 3 * np.sum((np.array(without) - np.mean(without)) ** 2))
    found = ratio_of_means(parts, wholes)
    assert (found.effect, found.high) == pytest.approx((0.9, 0.9 + half))
    assert ratio_of_means([1.0], [2.0]).effect is None


def test_a_response_is_bounded_by_the_upper_end_of_its_interval():
    late, early = [-1.0, -2.0, -3.0], [-4.0, -4.0, -4.0]
    found = over_mean(late, early, 1.25)
    assert found.effect == 0.5 and found.high == pytest.approx(0.5 + 4.302653 / math.sqrt(3) / 4)
    assert found.verdict == "within 1.25"
    assert over_mean(late, early, 1.1).verdict == "not shown to be within 1.1"


def test_a_slope_over_doses_seed_by_seed():
    rows = {
        name: [{"x": 3.0 + 2 * dose}, {"x": 1.0 + 4 * dose}] for name, dose in (("a", 0), ("b", 3))
    }
    found = slope_over(hand_made(rows, {"x": Figure("x")}), "x", {"a": 0, "b": 3}, "bp per bp")
    assert found.effect == pytest.approx(3.0) and found.seeds == 2


def test_a_moment_is_beside_its_range_the_real_one_and_the_spread():
    rows = [{"basis_mean": value, "mid_basis_mean": value + 1} for value in (-5.0, -4.0, -3.0)]
    result = hand_made({"as it is": rows}, {})
    found = moment_of(result, result.arms[0], "basis_mean")
    assert (found["mean"], found["sd_between"], found["mid_mean"]) == (-4.0, 1.0, -3.0)
    assert (found["real"], found["inside"], found["range"]) == (-4.34, True, (-5, -3.5))
    assert found["high"] == pytest.approx(-4 + 4.302653 / math.sqrt(3))
    away = {"range": (0, 1), "inside": False, "mean": 1.5, "low": 1.2, "high": 1.8}
    assert outside({"a": away, "b": away | {"low": 0.9}}) == ["a", "b (within its interval)"]


def test_profit_counts_by_the_lower_end_of_its_interval():
    assert is_inside("return_provider", (0, 30), 10.0, -1.0) is False
    assert is_inside("return_provider", (0, 30), 31.0, 20.0) is False
    assert is_inside("return_provider", (0, 30), 10.0, 1.0) is True
    assert is_inside("basis_mean", (-5, -3.5), None, None) is None
    for ranges in RANGES.values():
        assert all(high is None or low <= high for low, high in ranges.values())
    assert set(BY_INTERVAL) <= set(RANGES["calm"])


def test_months_are_full_months():
    settled = 8 * np.arange(1, 200)
    assert monthly_sd(np.where(settled <= 720, 1.0, 3.0), settled) == pytest.approx(math.sqrt(2))
    assert math.isnan(monthly_sd(np.ones(10), settled[:10]))


def real_files(folder):
    """Write two years of hourly prices and rates: 10 bp of basis in 2022, 50 in 2021."""
    times = pd.date_range("2021-01-01", "2023-01-01", freq="h", tz="UTC", inclusive="left")
    text = times.strftime("%Y-%m-%dT%H:%M:%SZ")
    spot = 100.0 + np.arange(len(times)) % 7
    perp = spot * np.where(times.year == 2022, 1.001, 1.005)
    bars = pd.DataFrame({"timestamp": text, "perp": perp, "spot": spot, "perp_volume": 1.0})
    bars.to_csv(folder / "bars.csv", index=False)
    settled = times[(times.hour % 8 == 0)][1:]
    rates = pd.DataFrame({"timestamp": settled.strftime("%Y-%m-%dT%H:%M:%SZ"), "rate": 1e-4})
    rates.to_csv(folder / "rates.csv", index=False)
    return folder / "bars.csv", folder / "rates.csv"


def test_real_years_are_cut_into_blocks_with_a_week_of_history(tmp_path):
    files = real_files(tmp_path)
    series, closed = read_real(*files)
    assert series.settled[:2].tolist() == [8, 16] and np.ptp(np.diff(series.settled)) == 0
    blocks = year_blocks(series, closed, 2022)
    assert len(blocks) == 12 and set(MOMENTS) < set(blocks[0])
    assert all(block["basis_mean"] == pytest.approx(10) for block in blocks[1:])
    assert real_figures("calm", *files)["funding_pinned"] == (1.0, 0.0)
    assert real_figures("regimes", *files)["basis_mean"][0] == pytest.approx(30, abs=0.1)
    with pytest.raises(ParameterError, match="given together with --real-rates"):
        real_figures("calm", files[0])


def test_a_share_of_seeds_has_the_exact_binomial_interval():
    figures = {"a": Figure("seeds that fall", SHARE_OF_SEEDS), "b": Figure("seeds that fall")}
    rows = {("x", seed): dict.fromkeys("ab", float(seed < 21)) for seed in range(30)}
    study = dataclasses.replace(study_named("interest"), figures=figures)
    result = Result(study, [Arm("x", "calm")], list(range(30)), rows)
    found = binomtest(21, 30).proportion_ci(0.95)
    assert result.interval("x", "a") == pytest.approx((0.7, found.low, found.high))
    assert result.interval("x", "b") == pytest.approx(mean_interval(result.values("x", "b")))


@pytest.mark.parametrize(
    ("column", "change", "words"),
    [
        ("timestamp", lambda bars: bars.drop(index=range(5_000, 5_030)), "no more than 25"),
        ("timestamp", lambda bars: bars.iloc[::2], "5% of the hours"),
        ("timestamp", lambda bars: bars.drop(index=range(5_000, 5_020)), ""),
        ("perp", lambda bars: bars.assign(perp=1000 * bars["perp"]), "factor of 2"),
        ("perp_volume", lambda bars: bars.assign(perp_volume=-1.0), "at least 0"),
        ("rate", lambda rates: rates.assign(rate=1.0), "fraction of the notional"),
        (
            "rate",
            lambda rates: rates.assign(
                timestamp=rates["timestamp"].str[:2] + "3" + rates["timestamp"].str[3:]
            ),
            "times of the run",
        ),
    ],
)
def test_real_files_are_refused_by_name(tmp_path, column, change, words):
    """A gap of a day, another unit, rates in percent or of another time; a short gap is unknown."""
    files = real_files(tmp_path)
    file = files[1] if column == "rate" else files[0]
    change(pd.read_csv(file)).to_csv(file, index=False)
    if not words:
        series, closed = read_real(*files)
        assert np.isnan(series.perp).sum() == 20 and len(closed) == 2 * 365 * 24
        return
    with pytest.raises(ParameterError, match=words) as refused:
        real_figures("calm", *files)
    assert str(file) in str(refused.value)


def test_a_real_market_of_another_year_is_refused(tmp_path):
    files = real_files(tmp_path)
    bars = pd.read_csv(files[0])
    bars[:600].to_csv(files[0], index=False)
    with pytest.raises(ParameterError, match="30 days of 2022"):
        real_figures("calm", *files)


@pytest.fixture
def quick(monkeypatch):
    """Let the command make the runs of the study of interest tiny."""
    changes = TINY | FEW
    monkeypatch.setattr(study_command, "arms_of", functools.partial(arms_of, changes=changes))


def test_a_folder_that_cannot_take_the_results_is_refused_before_any_run(monkeypatch, tmp_path):
    monkeypatch.setattr(study_command, "run_study", None)
    (tmp_path / "interest.json").mkdir()
    (tmp_path / "file").touch()
    for out, named in ((tmp_path, "interest.json"), (tmp_path / "file", "file")):
        with pytest.raises(ParameterError) as refused:
            study_command.run_named("interest", "1", 1, False, out)
        fault = refused.value.faults[0]
        assert (fault.key, pathlib.Path(fault.value).name) == ("--out", named)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "interest.json"]


def test_the_command_runs_once_and_resumes(quick, monkeypatch, capsys, tmp_path):
    for seeds, cached in (("1", "2 runs (0 cached)"), ("2", "4 runs (2 cached)")):
        study_command.run_named("interest", seeds, 1, True, None)
        printed = capsys.readouterr()
        assert cached in printed.err
    found = json.loads(printed.out)
    assert json.loads((tmp_path / "studies" / "interest.json").read_text()) == found
    names = {path.name for path in (tmp_path / "studies").iterdir()}
    assert names == {"runs", *(f"interest.{form}" for form in ("md", "json", "png", "svg"))}
    done = next((tmp_path / "studies" / "runs" / "done").iterdir())
    done.write_text(done.read_text().replace('"summaries"', '"summariez"'))
    study_command.run_named("interest", "2", 1, False, None)
    printed = capsys.readouterr()
    assert "4 runs (3 cached)" in printed.err and "is re-run" in printed.err
    assert printed.out == (tmp_path / "studies" / "interest.md").read_text()


def test_runs_in_a_pool_are_the_same(tmp_path, monkeypatch):
    study, arms = study_named("interest"), tiny_arms("interest")[:1]
    monkeypatch.setattr(execution, "local_pool", concurrent.futures.ThreadPoolExecutor)
    one, two = (run_study(study, arms, [4], tmp_path / f"{n}", n)[0] for n in (1, 2))
    assert one == two
    for each in all_studies().values():
        assert pickle.loads(pickle.dumps(each.measure)) is each.measure


def test_studies_share_the_runs_of_their_control(tmp_path):
    first = jobs_of_study(study_named("fees"), tiny_arms("fees"), [0])
    second = jobs_of_study(study_named("capital"), tiny_arms("capital"), [0])
    keys = [{job.key for job in jobs.values()} for jobs in (first, second)]
    assert len(keys[0] & keys[1]) == 1


def failing(outcomes):
    """Fail."""
    raise ZeroDivisionError("nothing to divide")


def test_a_run_that_fails_is_named_and_the_others_are_kept(tmp_path):
    arms = [Arm("a", "calm", TINY | FEW)]
    study = Study("failing", "Why?", lambda story: tuple(arms), failing, {"x": Figure("x")})
    with pytest.raises(SweepError, match="1 of 1 runs failed.*nothing to divide"):
        run_study(study, arms, [0], tmp_path, 1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("momets",), "did you mean 'moments'"),
        (("fees", "--seeds", "0"), "a number of seeds"),
        (("fees", "--seeds", "9-3"), "first and the last"),
        (("fees", "--story", "bear"), "a scenario of the study fees: calm"),
        (("fees", "--dt", "-1"), "dt_seconds"),
        (("fees", "--workers", "0"), "--workers"),
        (("fees", "--real", "x.csv"), "given together"),
    ],
)
def test_wrong_options_are_refused(options, said, monkeypatch, capsys, tmp_path):
    code, text = ended(monkeypatch, capsys, "study", *options)
    assert code == 2 and said in text and not list(tmp_path.iterdir())


def test_a_branch_after_the_end_is_refused():
    late = Arm("late", "calm", TINY, (Branch("zero", 48.0, {}),))
    study = Study("late", "Why?", lambda story: (late,), failing, {}, settings=(Setting("calm"),))
    with pytest.raises(ParameterError, match="before the end of the run"):
        jobs_of_study(study, [late], [0])


def test_a_study_is_drawn_and_printed(tmp_path):
    rows = [{key: 1.0 + k for key in RANGES["calm"]} for k in range(2)]
    for name in ("moments", "damper"):
        study = study_named(name)
        arms = [
            Arm(one, "calm", story="calm") for one in ("as it is", "off: premium plus interest")
        ]
        figures = {(arm.name, k): row for arm in arms for k, row in enumerate(rows)}
        result = Result(study, arms, [0, 1], figures, real={"calm": REAL[2022]})
        assert any("calm" in line or "| as it is |" in line for line in study_lines(result))
        assert all(path.stat().st_size > 1000 for path in draw_study(result, tmp_path))
