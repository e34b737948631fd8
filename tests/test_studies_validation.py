"""The study of `calm` against a real market: features of known series, tables of short runs."""

import numpy as np
import pandas as pd
import pytest

from perplab.analysis.studies import validation as study


def test_features_of_a_known_basis_and_known_returns():
    draws = np.random.default_rng(3)
    basis = np.zeros(20_000)
    for k, shock in enumerate(draws.standard_normal(len(basis) - 1)):
        basis[k + 1] = 0.9 * basis[k] + shock
    spot = 100 * np.exp(np.cumsum(0.01 * draws.standard_normal(len(basis))))
    found = study.features(spot * (1 + (basis - 4) / 1e4), spot)
    assert found["basis_mean"] == pytest.approx(-4, abs=0.3) and found["basis_sd"] == pytest.approx(
        1 / np.sqrt(1 - 0.81), rel=0.05
    )
    assert [found[f"basis_acf_{lag}"] for lag in (1, 8)] == pytest.approx([0.9, 0.9**8], abs=0.05)
    assert found["return_kurtosis"] == pytest.approx(0, abs=0.15) and found[
        "return_acf_abs"
    ] == pytest.approx(0, abs=0.03)


def test_a_real_year_is_cut_into_blocks_as_long_as_the_runs(tmp_path):
    times = pd.date_range("2021-12-01", "2023-02-01", freq="h", tz="UTC")
    in_year = times.year == 2022
    table = pd.DataFrame(
        {
            "timestamp": times.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "spot": 100.0 + np.arange(len(times)) % 7,
        }
    )
    table["perp"] = table["spot"] * np.where(in_year, 1.001, 2.0)
    table.to_csv(tmp_path / "prices.csv", index=False)
    blocks = study.real_features(str(tmp_path / "prices.csv"), 2022)
    assert len(blocks) == 12 and all(block["basis_mean"] == pytest.approx(10) for block in blocks)


def test_both_tables_are_printed_on_short_runs(monkeypatch, capsys):
    monkeypatch.setattr(study, "DAYS", 3)
    monkeypatch.setattr(
        study,
        "MODELS",
        {
            name: {**changes, "populations.noise.number": 50}
            for name, changes in study.MODELS.items()
        },
    )
    monkeypatch.setattr(
        study, "VARIANTS", {"as it is": {}, "half": {"populations.arbitrage.number": 20}}
    )
    for name, lines in (("moments", len(study.FEATURES)), ("rules", 2)):
        study.main([name, "--seeds", "2", "--workers", "1"])
        printed = capsys.readouterr().out.splitlines()
        assert len(printed) == lines + 2 and all(
            line.startswith("| ") and "[" in line for line in printed[2:]
        )
