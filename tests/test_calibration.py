"""Calibration: recovery of a process with known parameters, the steps, runs and files."""

import concurrent.futures
import functools
import json
import pathlib
import shutil

import numpy as np
import pytest
from scipy.signal import lfilter

from perplab.analysis.calibration import (
    Budget,
    Parameter,
    Target,
    blocks_of_series,
    calibrate,
    read_calibration,
)
from perplab.analysis.calibration import calibration_checks as checks
from perplab.analysis.calibration.calibration_figure import figure_of
from perplab.analysis.calibration.estimation import overidentification, quasi_posterior, region
from perplab.analysis.calibration.identifiability import UNIFORM, sensitivities
from perplab.analysis.calibration.procedure import Laboratory, check_enough, joined, located
from perplab.analysis.calibration.recovery import AIM, coverage
from perplab.analysis.calibration.result_text import scenario_text
from perplab.analysis.calibration.simulations import key_of
from perplab.analysis.calibration.surrogate import RunRows, fit_surrogate
from perplab.analysis.calibration.targets import correlations, shrunk_covariance
from perplab.analysis.cli import calibrate_command
from perplab.analysis.estimators.closes import HourlySeries
from perplab.analysis.estimators.moments import moments_of
from perplab.scenarios.files.loader import load
from perplab.sim.errors import ParameterError, SweepError
from tests.command import ended

HOURS, WARM = 720, 200
MOMENTS = ("mean", "sd", "acf_1")
TRUTH = (0.5, 0.6)
PARAMETERS = {
    "level": Parameter(key="a", low=-2, high=2),
    "persistence": Parameter(key="b", low=0.3, high=0.9),
}
SMALL = Budget(points=16, seeds=2, refine_points=8, final_seeds=16, pseudo_samples=40)


def autoregression(values, seeds):
    """Return mean, standard deviation and autocorrelation of first-order autoregressions."""
    found = np.empty((len(values), len(seeds), len(MOMENTS)))
    for place, seed in enumerate(seeds):
        shocks = np.random.default_rng(seed).standard_normal(HOURS + WARM)
        for point, (level, persistence, *_) in enumerate(values):
            path = level + lfilter([1.0], [1, -persistence], shocks)[WARM:]
            centred = path - path.mean()
            lagged = centred[1:] @ centred[:-1] / (centred @ centred)
            found[point, place] = path.mean(), path.std(), lagged
    return found


def real_target(values=TRUTH, first=1_000, blocks=12):
    return Target(MOMENTS, autoregression([values], range(first, first + blocks))[0])


@functools.cache
def result():
    """Return the calibration of the autoregression to a sample of known parameters."""
    return calibrate(PARAMETERS, real_target(), SMALL, autoregression)


def estimate_of(parameters, target, budget=SMALL):
    """Return a laboratory after its runs, and its estimate."""
    lab = Laboratory(parameters, target, autoregression)
    return lab, located(lab, budget, np.random.default_rng(0), lambda sentence: None)


def test_the_known_parameters_are_found():
    rows = result()["parameters"]
    for (name, row), truth in zip(rows.items(), TRUTH, strict=True):
        low, high = row["interval"]
        half, span = (high - low) / 2, PARAMETERS[name].high - PARAMETERS[name].low
        assert abs(row["point"] - truth) < 3 * half, name
        assert row["region"][0] <= row["point"] <= row["region"][1], name
        assert half < 0.1 * span, name


def test_intervals_cover_as_often_as_they_say():
    recovery = result()["recovery"]
    assert AIM[0] <= recovery["all"]["share"] <= AIM[1]
    for name, row in recovery["parameters"].items():
        assert row["low"] <= row["nominal"] <= row["high"], name
        assert row["error"] < 0.1, name


def test_a_true_model_is_not_rejected():
    test = result()["j_test"]
    assert test["degrees"] == 1
    assert test["p_value"] > 0.001 and test["pseudo_p_value"] > 0
    assert all(abs(row["t"]) < 4 for row in result()["fit"].values())


def test_a_false_model_is_rejected():
    target = real_target()
    target.blocks[:, 1] += 1  # no autoregression with unit shocks has these together
    lab, (estimate, simulated) = estimate_of(PARAMETERS, target)
    assert overidentification(simulated, lab.target, 2)["p_value"] < 1e-6
    assert region(lab.surrogate(), lab.target, estimate)[1] is None


def test_the_result_is_the_same_again():
    again = estimate_of(PARAMETERS, real_target())[1]
    for one, other in zip(estimate_of(PARAMETERS, real_target())[1][0], again[0], strict=True):
        assert np.array_equal(one, other)


def test_each_moment_moves_with_its_own_parameter():
    found = result()["identifiability"]
    table = found["per_tenth_of_range"]
    strongest = {name: max(row, key=lambda each: abs(row[each])) for name, row in table.items()}
    assert strongest == {"mean": "level", "sd": "persistence", "acf_1": "persistence"}
    assert found["elasticity"]["acf_1"]["persistence"] == pytest.approx(1, abs=0.1)
    # The standard deviation is (1 - b^2)^-1/2, so its elasticity is b^2 / (1 - b^2).
    point = result()["parameters"]["persistence"]["point"]
    expected = point**2 / (1 - point**2)
    assert found["elasticity"]["sd"]["persistence"] == pytest.approx(expected, rel=0.25)


def test_a_parameter_that_nothing_depends_on_is_found_out():
    blind = PARAMETERS | {"blind": Parameter(key="d", low=0, high=1)}
    lab, (estimate, _) = estimate_of(blind, real_target())
    low, high = estimate.interval()
    assert (high - low)[2] > 0.6
    found = sensitivities(lab.surrogate(), lab.target, estimate.point)
    assert abs(found["directions"][-1, 2]) > 0.9
    assert found["singular_values"][-1] < UNIFORM < found["singular_values"][-2]


def test_moments_unknown_in_most_runs_are_refused_by_name():
    values = np.full((20, 3), 1.0)
    values[5:, 2] = np.nan
    rows = RunRows(np.zeros((20, 2)), np.arange(20), np.zeros(20, int), values)
    with pytest.raises(SweepError, match=r"acf_1 \(5\)"):
        check_enough(rows, MOMENTS)


# Parts


def rows_of(function, points, common, noise=0.1):
    """Return runs of a function of the unit square with noise and what each seed adds."""
    rng, seeds = np.random.default_rng(3), len(common)
    shares, own = rng.random((points, 2)), rng.standard_normal((points, seeds))
    values = function(shares)[:, None] + np.asarray(common) + noise * own
    return RunRows(
        np.repeat(shares, seeds, axis=0),
        np.repeat(np.arange(points), seeds),
        np.tile(np.arange(seeds), points),
        np.column_stack([values.ravel(), own.ravel()]),
    )


def quadratic(shares):
    return 1 + 2 * shares[:, 0] - 3 * shares[:, 1] ** 2 + shares[:, 0] * shares[:, 1]


def test_points_left_out_are_predicted_as_by_a_fit_without_them():
    rows = rows_of(quadratic, 20, (0, 0), noise=0.05)
    whole, left_out = fit_surrogate(rows), rows.points == 7
    part = RunRows(*(each[~left_out] for each in rows))
    part = part._replace(points=np.unique(part.points, return_inverse=True)[1])
    apart = fit_surrogate(part).means(rows.shares[left_out][:1])[0, 0]
    error = rows.values[left_out, 0].mean() - apart
    assert whole.left_out["errors"][7, 0] == pytest.approx(error, abs=0.02)


def test_common_seeds_do_not_make_the_level_certain():
    middle = np.array([[0.5, 0.5]])
    common = np.tile([-0.5, 0.5], 6)
    few, many = (
        np.sqrt(fit_surrogate(rows_of(quadratic, 15, common[:seeds])).covariances(middle)[0, 0, 0])
        for seeds in (2, 12)
    )
    assert few == pytest.approx(0.5, rel=0.3)  # from two seeds 1 apart: sd .71, over root 2
    assert many == pytest.approx(0.5 / 11**0.5, rel=0.3)


def test_slopes_are_sharper_than_the_level_with_common_seeds():
    surrogate = fit_surrogate(rows_of(quadratic, 20, (-0.5, 0.5), noise=0.01))
    corners = np.array([[0.2, 0.2], [0.8, 0.2]])
    change = np.diff(surrogate.means(corners)[:, 0])[0]
    assert change == pytest.approx(np.diff(quadratic(corners))[0], abs=0.03)


def test_a_run_that_is_twice_in_the_rows_counts_once():
    rows = rows_of(quadratic, 5, (0, 1))
    assert len(joined(rows, rows).values) == 10


def test_the_quasi_posterior_of_a_normal_is_that_normal():
    precision = np.linalg.inv(np.array([[1, 0.8], [0.8, 1]]) * 0.03**2)

    def energy(shares):
        return 0.5 * np.einsum("pi,ij,pj->p", shares - 0.4, precision, shares - 0.4)

    draws = quasi_posterior(energy, 2, np.random.default_rng(1))
    assert draws.mean(axis=0) == pytest.approx([0.4, 0.4], abs=0.006)
    assert draws.std(axis=0) == pytest.approx([0.03, 0.03], rel=0.15)
    assert np.corrcoef(draws.T)[0, 1] == pytest.approx(0.8, abs=0.08)


def test_shrunk_correlations_are_nearer_to_the_truth_than_plain_ones():
    rng, truth = np.random.default_rng(0), np.full((8, 8), 0.5) + 0.5 * np.eye(8)
    plain, simulated = [], []
    for _ in range(50):
        rows = rng.multivariate_normal(np.zeros(8), truth, 10)
        toward = correlations(rng.multivariate_normal(np.zeros(8), truth, 60))
        spread = np.outer(rows.std(axis=0, ddof=1), rows.std(axis=0, ddof=1))
        plain.append(np.square(np.corrcoef(rows.T) - truth).mean())
        simulated.append(np.square(shrunk_covariance(rows, toward) / spread - truth).mean())
    assert np.mean(simulated) < 0.5 * np.mean(plain)


def test_coverage_has_a_binomial_interval():
    found = coverage(np.arange(40) < 36)
    assert found["share"] == 0.9
    assert (round(found["low"], 3), round(found["high"], 3)) == (0.763, 0.972)


def series_of(hours, seed=0):
    """Return a real market's hourly series, settled every 8 hours."""
    rng = np.random.default_rng(seed)
    spot = 30_000 * np.exp(np.cumsum(0.005 * rng.standard_normal(hours)))
    perp = spot * (1 + 1e-4 * rng.standard_normal(hours))
    settled = np.arange(8, hours + 1, 8)
    rates = np.minimum(rng.standard_normal(len(settled)), 1.0)
    return HourlySeries(perp, spot, rng.random(hours) + 0.5, None, rates, settled)


def test_blocks_are_the_moments_of_parts_of_the_series():
    series, names = series_of(500), ("basis_mean", "funding_sd", "funding_return_7d")
    blocks = blocks_of_series(series, names, 240)
    assert blocks.shape == (2, 3)
    basis = (series.perp / series.spot - 1)[240:480] * 1e4
    assert blocks[1, 0] == pytest.approx(basis.mean())
    rates = series.rates[(series.settled > 240) & (series.settled <= 480)]
    assert blocks[1, 1] == pytest.approx(rates.std())
    assert np.isfinite(blocks[1, 2])
    part = moments_of(series, 240)["basis_mean"]
    assert part == pytest.approx((series.perp / series.spot - 1)[240:].mean() * 1e4)


# Files

FILE = """scenario = "calm"
warmup_days = 0.5
[changes]
days = 1.5
dt_seconds = 300
record_seconds = 3600
"populations.day_traders.number" = 20
"populations.speculators.number" = 20
"populations.carry.number" = 3
[parameters.bias]
key = "populations.speculators.bias"
low = 0
high = 0.4
[parameters.hurdle]
keys = ["populations.carry.hurdle_per_year.low", "populations.carry.hurdle_per_year.high"]
scale = true
low = 0.5
high = 2
[budget]
points = 8
refine_points = 2
final_seeds = 8
pseudo_samples = 40
[target]
block_days = 1
[target.blocks]
basis_mean = [-4, -3, -5, -4.5, -4.2]
basis_sd = [2, 3, 2.5, 2.2, 2.1]
"""


def written(folder, old="", new=""):
    assert old in FILE
    path = pathlib.Path(folder) / "small.toml"
    path.write_text(FILE.replace(old, new), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "key", "bound", "line"),
    [
        ("low = 0\nhigh", "low = 1\nhigh", "parameters.bias", "low below high", 10),
        ('bias"\nlow', 'bias"\nlog = true\nlow', "parameters.bias.low", "above 0", 13),
        ("speculators.bias", "speculators.bais", "parameters.bias.key", "'bias'", 11),
        (
            'speculators.bias"\nlow = 0\nhigh = 0.4',
            'speculators.child_probability"\nlow = 0\nhigh = 4',
            "parameters.bias.high",
            "(it sets populations.speculators.child_probability)",
            13,
        ),
        ("high = 0.4", "hihg = 0.4", "parameters.bias.hihg", "did you mean 'high'", 13),
        ("basis_sd", "basis_ds", "target.blocks.basis_ds", "did you mean 'basis_sd'", 28),
        ("2.2, 2.1]", "2.2]", "target.blocks.basis_sd", "as many values", 28),
        ("[2, 3, 2.5, 2.2, 2.1]", "[2, 2, 2, 2, 2]", "target.blocks", "differs", 26),
        ("hurdle_per_year.low", "hurdle.low", "parameters.hurdle.scale", "a number", 16),
        ("points = 8", "points = 7", "budget.points", "at least 8", 20),
        ("points = 8", "points = 9", "budget.points", "a power of 2", 20),
        ("final_seeds = 8", "final_seed = 8", "budget.final_seed", "'final_seeds'", 22),
        ("samples = 40", "samples = 39", "budget.pseudo_samples", "at least 40", 23),
        ("days = 1.5", "days = 2", "changes.days", "1.5", 4),
        ("record_seconds = 3600", "record_seconds = 2700", "changes.record_seconds", "hour", 6),
        ("warmup_days = 0.5", "warmup_days = -1", "warmup_days", "at least 0", 2),
        ("block_days = 1", 'block_days = 1\nfile = "x.csv"', "target.blocks", "not both", 27),
        ("block_days = 1", "block_days = 1\nstart = 2022-01-01", "target.start", "left out", 26),
        (
            "block_days = 1",
            'block_days = 1\nmoments = ["basis_sd"]',
            "target.moments",
            "left out",
            26,
        ),
        ("[2, 3,", "[1e300, 3,", "target.blocks.basis_sd.0", "at most", 28),
        ("[2, 3,", '["2", 3,', "target.blocks.basis_sd.0", "a number", 28),
        (
            "[target.blocks]",
            "[target.discrepancy]\nfunding_sd = 1.0\n[target.blocks]",
            "target.discrepancy.funding_sd",
            "a moment of the target",
            27,
        ),
        ("basis_sd = [2, 3, 2.5, 2.2, 2.1]", "", "target.moments", "as many moments", 24),
    ],
)
def test_a_faulty_file_is_refused_with_key_and_line(tmp_path, old, new, key, bound, line):
    with pytest.raises(ParameterError) as caught:
        read_calibration(written(tmp_path, old, new))
    faults = {fault.key: fault for fault in caught.value.faults}
    assert key in faults, list(faults)
    assert bound in faults[key].expected
    assert (faults[key].file, faults[key].line) == ("small.toml", line)


def test_a_missing_file_is_refused(monkeypatch, capsys):
    code, said = ended(monkeypatch, capsys, "calibrate", "nothing.toml")
    assert code == 2 and "nothing.toml" in said


def test_the_library_has_calibrations_that_can_be_read():
    names = sorted(path.stem for path in checks.LIBRARY.glob("*.toml"))
    assert "calm" in names
    for name in names:
        calibration, target = read_calibration(name)
        assert len(target.names) > len(calibration.parameters)


def test_a_target_from_files_equals_the_blocks_of_its_series(tmp_path):
    series, hours = series_of(24 * 9), np.arange(24 * 9)
    first = np.datetime64("2022-01-01T00:00")
    stamps = [f"{first + np.timedelta64(int(hour), 'h')}:00Z" for hour in hours]
    lines = [
        f"{stamp},{perp!r},{spot!r},{volume!r}"
        for stamp, perp, spot, volume in zip(
            stamps, *(each.tolist() for each in series[:3]), strict=True
        )
    ]
    (tmp_path / "prices.csv").write_text("\n".join(["timestamp,perp,spot,perp_volume", *lines]))
    settled = zip(series.settled.tolist(), series.rates.tolist(), strict=True)
    rates = [
        f"{first + np.timedelta64(int(hour), 'h')}:00Z,{rate / 1e4!r}" for hour, rate in settled
    ]
    (tmp_path / "funding.csv").write_text("\n".join(["timestamp,rate", *rates]))
    head, _, _ = FILE.partition("[target.blocks]")
    text = head + (
        'moments = ["basis_sd", "funding_mean"]\nfile = "prices.csv"\n'
        'funding_file = "funding.csv"\nstart = 2022-01-02\nend = 2022-01-09\n'
    )
    (tmp_path / "file.toml").write_text(text)
    _, target = read_calibration(tmp_path / "file.toml")
    expected = blocks_of_series(series, target.names, 24, 24)[:7]
    assert target.blocks == pytest.approx(expected, rel=1e-9)
    (tmp_path / "prices.csv").write_text(
        "\n".join(["timestamp,perp,spot,perp_volume", *lines[:50], *lines[51:]])
    )
    with pytest.raises(ParameterError, match="an hour after the row before"):
        read_calibration(tmp_path / "file.toml")


# Runs of a scenario


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory):
    """Return the folder of a small calibration, run in this process."""
    folder = tmp_path_factory.mktemp("calibration")
    command(written(folder), folder / "out")
    return folder


def command(path, out):
    """Run the command with a pool of one thread; return the number of runs that it executed."""
    counted = []

    def new_pool(workers):
        return concurrent.futures.ThreadPoolExecutor(1)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibrate_command, "local_pool", new_pool)
        patch.setattr(calibrate_command, "note", counted.append)
        calibrate_command.run_calibration(path, 1, out, True)
    parts = [note.split() for note in counted if "cached" in note]
    return sum(int(part[0]) - int(part[2][1:]) for part in parts)


def test_a_calibration_writes_all_its_files(calibrated):
    out = calibrated / "out"
    stored = json.loads((out / "calibration.json").read_text())
    assert stored["runs"] == 36 and stored["failed_runs"] == 0
    assert set(stored["parameters"]) == {"bias", "hurdle"}
    assert "Fit by moment" in (out / "calibration.txt").read_text()
    assert (out / "calibration.pdf").read_bytes().startswith(b"%PDF")
    assert (out / "calibration.png").stat().st_size > 10_000


def test_the_figure_names_every_moment_and_parameter(calibrated):
    stored = json.loads((calibrated / "out" / "calibration.json").read_text())
    left, right, _ = figure_of(stored).axes
    assert [text.get_text() for text in left.get_yticklabels()] == ["basis mean", "basis sd"]
    assert [text.get_text() for text in right.get_xticklabels()] == ["bias", "hurdle"]
    assert left.get_ylim() == right.get_ylim() == (2, 0)  # the rows of both stand side by side


def test_the_point_is_a_scenario(calibrated):
    stored = json.loads((calibrated / "out" / "calibration.json").read_text())
    scenario = load(calibrated / "out" / "point.toml")
    hurdle = scenario.populations["carry"].traits["hurdle_per_year"]
    before = load("calm").populations["carry"].traits["hurdle_per_year"]
    assert hurdle.low / hurdle.high == pytest.approx(before.low / before.high, rel=1e-3)
    assert hurdle.low == stored["changes"]["populations.carry.hurdle_per_year.low"]
    assert scenario_text(stored) == (calibrated / "out" / "point.toml").read_text()


def test_an_interrupted_calibration_runs_only_what_is_missing(calibrated, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(calibrated / "out", out)
    before = (out / "calibration.json").read_bytes()
    done = sorted((out / "runs" / "done").iterdir())
    for path in done[:3]:
        path.unlink()
    done[3].write_text(done[3].read_text().replace('"basis_mean": ', '"basis_mean": 1'))
    assert command(written(tmp_path), out) == 4
    assert (out / "calibration.json").read_bytes() == before


def test_another_target_uses_the_runs_of_the_design(calibrated, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(calibrated / "out", out)
    other = written(tmp_path, "basis_mean = [-4, -3, -5", "basis_mean = [-8, -7, -9")
    assert command(other, out) <= 36 - 16


def test_another_warm_up_is_another_run():
    assert key_of("a", 7) != key_of("a", 8) != key_of("b", 8)


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "note.txt").write_text("mine")
    with pytest.raises(ParameterError, match="it holds something else"):
        command(written(tmp_path), tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["note.txt"]
