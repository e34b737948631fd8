"""Files of prices to replay, and of the real perpetual to compare with: how they are refused."""

import pytest

from perplab.scenarios.files.loader import load
from perplab.sim.errors import ParameterError
from tests.scenario_files import faults_of, prices, write


@pytest.mark.parametrize(
    ("funding", "changes", "key", "bound"),
    [
        (
            "timestamp,rat\n2022-01-01T00:00:00Z,0.1\n",
            {},
            "comparison.funding_column",
            "did you mean 'rat'",
        ),
        (
            "when,rate\n2022-01-01T00:00:00Z,0.1\n",
            {},
            "comparison.funding_time_column",
            "when, rate",
        ),
        (
            "timestamp,rate\n2022-01-01T00:00:00Z,much\n2022-01-01T08:00:00Z,0.1\n",
            {},
            "rate",
            "a funding rate",
        ),
        (
            "timestamp,rate\n2022-01-01T00:00:00Z,0.1\nnoon,0.1\n",
            {},
            "timestamp",
            "an ISO 8601 or Unix time",
        ),
        (None, {}, "comparison.funding_file", "existing file"),
        (
            "timestamp,rate\n2022-01-01T00:00:00Z,0.1\n",
            {"comparison.perp_column": "perpetual"},
            "comparison.perp_column",
            "timestamp, spot, perp",
        ),
    ],
)
def test_what_is_drawn_beside_a_replay_is_checked_before_it_runs(
    tmp_path, funding, changes, key, bound
):
    if funding:
        write(tmp_path / "funding.csv", funding)
    scenario = {
        "spot.price.file": prices(tmp_path),
        "days": 1,
        "comparison.funding_file": str(tmp_path / "funding.csv"),
    }
    fault = faults_of("replay", scenario | changes)[key]
    assert bound in fault.expected


@pytest.mark.parametrize(
    ("rows", "line", "bound"),
    [
        (
            [
                "2022-01-01T00:00:00Z,100,1",
                "2022-01-01T01:00:00Z,nan,1",
                "2022-01-01T02:00:00Z,100,1",
            ],
            3,
            "finite price",
        ),
        (
            [
                "2022-01-01T00:00:00Z,100,1",
                "2022-01-01T01:00:00Z,-4,1",
                "2022-01-01T02:00:00Z,100,1",
            ],
            3,
            "finite price",
        ),
        (
            [
                "2022-01-01T02:00:00Z,100,1",
                "2022-01-01T01:00:00Z,100,1",
                "2022-01-01T03:00:00Z,100,1",
            ],
            3,
            "later than",
        ),
        (
            [
                "2022-01-01T00:00:00Z,100,1",
                "2022-01-01T01:00:00Z,100,1",
                "2022-01-09T00:00:00Z,100,1",
            ],
            4,
            "missing bars",
        ),
    ],
)
def test_a_series_with_holes_is_refused(tmp_path, rows, line, bound):
    file = prices(tmp_path, rows)
    found = faults_of("replay", {"spot.price.file": file, "days": 0.05})
    assert any(
        fault.file == file and fault.line == line and bound in fault.expected
        for fault in found.values()
    )


def test_a_replay_needs_a_file_that_is_there_and_long_enough(tmp_path):
    assert "--spot" in faults_of("replay")["spot.price.file"].expected
    assert (
        "existing file"
        in faults_of("replay", {"spot.price.file": "no.csv"})["spot.price.file"].expected
    )
    file = prices(tmp_path)
    assert any(
        "at most" in fault.expected
        for fault in faults_of("replay", {"spot.price.file": file, "days": 30}).values()
    )
    wrong = faults_of("replay", {"spot.price.file": file, "days": 1, "spot.price.column": "spt"})
    assert any("'spot'" in fault.expected for fault in wrong.values())


def test_paths_start_from_the_folder_of_their_file(tmp_path):
    prices(tmp_path)
    scenario = write(
        tmp_path / "mine.toml", 'extends = "replay"\ndays = 1\n[spot.price]\nfile = "prices.csv"\n'
    )
    assert load(scenario).spot.price.file == tmp_path / "prices.csv"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("9999-01-01T00:00:00Z,100", "between the years 1700 and 2240"),
        ("0001-01-01T00:00:00Z,100", "between the years 1700 and 2240"),
        ("2022-01-01T00:00:00+05:30,100", "later than the row before"),
        ("2022-01-01T00:00:00Z,", "a finite price above 0"),
    ],
)
def test_prices_that_are_none_are_refused_with_their_line(tmp_path, row, words):
    (tmp_path / "p.csv").write_text(
        f"timestamp,spot\n2022-01-01T00:00:00Z,100\n2022-01-01T01:00:00Z,100\n{row}\n2022-01-01T03:00:00Z,100\n"
    )
    with pytest.raises(ParameterError) as caught:
        load(
            "replay",
            {"spot.price.file": str(tmp_path / "p.csv"), "spot.price.column": "spot", "days": 0.05},
        )
    assert any(
        words in fault.expected and fault.file.endswith("p.csv") and fault.line == 4
        for fault in caught.value.faults
    ), str(caught.value)


@pytest.mark.parametrize(
    "rows",
    [
        [f"{1640995200 + 3600 * hour},True" for hour in range(9)],
        [f"9999-01-0{1 + day},100" for day in range(9)],
    ],
)
def test_a_column_that_is_none_of_prices_or_times_is_refused(tmp_path, rows):
    (tmp_path / "p.csv").write_text("\n".join(["timestamp,spot", *rows]) + "\n")
    with pytest.raises(ParameterError, match="p.csv:2: "):
        load(
            "replay",
            {"spot.price.file": str(tmp_path / "p.csv"), "spot.price.column": "spot", "days": 0.05},
        )
