"""Stored sweeps in data frames, xarray, polars and duckdb."""

import numpy as np
import pytest

from perplab.scenarios.runs.results import open_runs
from perplab.sim.errors import ParameterError
from tests.small_sweeps import SWEEP, run_here, sweep_file


def test_other_libraries_read_the_folder_without_us(tmp_path):
    polars, duckdb = pytest.importorskip("polars"), pytest.importorskip("duckdb")
    run_here(sweep_file(tmp_path), tmp_path / "out")
    opened = open_runs(tmp_path / "out")
    read = polars.read_parquet(tmp_path / "out" / "runs.parquet")
    assert (
        read["factor.cap"].to_list() == opened.runs["factor.cap"].tolist()
        and read["seed"].to_list() == opened.runs["seed"].tolist()
    )
    settled = (
        polars.scan_parquet(tmp_path / "out" / "series" / "*.parquet")
        .select(polars.len())
        .collect()
        .item()
    )
    ((count, mark),) = duckdb.sql(
        f"select count(*), max(mark) from '{tmp_path}/out/series/*.parquet'"
    ).fetchall()
    joined = duckdb.sql(f"""
        select "factor.cap", count(*) from '{tmp_path}/out/series/*.parquet'
        join '{tmp_path}/out/runs.parquet' using (key, arm) group by 1 order by 1
    """).fetchall()
    assert joined == [(0.001, 28), (0.003, 28)]
    series = opened.to_frame("series")
    assert settled == count == len(series) and mark == series["mark"].max()


@pytest.mark.parametrize("kept", ["series", "runs"])
def test_frames_become_xarray(tmp_path, kept):
    pytest.importorskip("xarray")
    run_here(sweep_file(tmp_path), tmp_path / "out")
    opened = open_runs(tmp_path / "out")
    if kept == "series":
        data = opened.to_xarray("series")
        assert (
            dict(data.sizes) == {"key": 4, "arm": 1, "market": 1, "seconds": 14}
            and float(data["mark"].min()) > 0
        )
    else:
        with pytest.raises(ParameterError, match="one of series"):
            opened.to_frame("runs")


@pytest.fixture(scope="module")
def every_table(tmp_path_factory):
    """A sweep that keeps all tables."""
    folder = tmp_path_factory.mktemp("tables")
    tables = '["series", "kinds", "settlements", "liquidations", "positions", "trades"]'
    text = (
        SWEEP.replace('["series", "settlements"]', tables)
        .replace("days = 0.01", "days = 0.06")
        .replace("seeds = 2", "seeds = 1")
    )
    run_here(sweep_file(folder, text), folder / "out")
    return open_runs(folder / "out")


@pytest.mark.parametrize(
    "table", ["series", "kinds", "settlements", "liquidations", "positions", "trades"]
)
def test_every_table_becomes_xarray(every_table, table):
    pytest.importorskip("xarray")
    if not (every_table.folder / table).exists():
        pytest.skip("nothing of it happened")
    data, frame = every_table.to_xarray(table), every_table.to_frame(table)
    assert data.sizes["key"] == frame["key"].nunique() and set(data.dims) >= {"key", "arm"}
    assert len(frame) or table in ("settlements", "liquidations")


def test_money_is_given_in_quote_currency_if_asked(every_table):
    units, usd = every_table.to_frame("kinds"), every_table.to_frame("kinds", usd=True)
    assert (
        every_table.unit == 1e-6
        and np.allclose(units["equity"] * 1e-6, usd["equity"])
        and usd["equity"].max() > 1_000
    )
    assert usd["lots"].equals(units["lots"]) and usd["seconds"].equals(units["seconds"])
