"""What `perplab check` finds, and what `--resume` re-runs: every byte of a table is verified."""

import json
import pathlib
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from perplab.analysis.cli import commands as cli
from perplab.analysis.metrics.summary import summarize
from perplab.analysis.report.run_report import write_report
from perplab.scenarios.files.loader import load
from perplab.scenarios.runs import store
from perplab.scenarios.runs.checksums import checksum_of, verify_file
from perplab.scenarios.runs.outcome import run
from perplab.scenarios.runs.results import faults_of_folder, open_runs
from perplab.scenarios.runs.store import write_run
from perplab.scenarios.sweeps.sweep_runner import run_job
from perplab.sim.errors import ParameterError
from tests.small_sweeps import SWEEP, run_here, sweep_file
from tests.troubles import figures


@pytest.fixture
def stored(calm_hours, tmp_path):
    """The folder of a run."""
    store.write_run(tmp_path / "run", calm_hours, {"seed": 3, "conservation_error_units": 0}, 1.0)
    return tmp_path / "run"


def another(column):
    """Return a column of a table with its first value changed."""
    first = column[0].as_py()
    if isinstance(first, str):
        return pa.array([None, *column.to_pylist()[1:]], pa.string())
    return pa.array([(first or 0) + 1, *column.to_pylist()[1:]], column.type)


def columns_of(folder):
    """Return the file and name of every column of every table that has rows."""
    return [
        (file, name)
        for file in sorted(folder.glob("*.parquet"))
        for name in pq.read_schema(file).names
        if pq.read_metadata(file).num_rows
    ]


def test_a_change_of_any_number_of_any_table_is_found(stored):
    assert faults_of_folder(stored) == []
    assert len(columns_of(stored)) > 40
    for file, name in columns_of(stored):
        whole, table = file.read_bytes(), pq.read_table(file)
        store.write_parquet(
            file,
            table.set_column(
                table.column_names.index(name), name, another(table[name].combine_chunks())
            ),
        )
        assert faults_of_folder(stored) == [f"{file.name} has changed since it was written"], (
            file,
            name,
        )
        file.write_bytes(whole)
    assert faults_of_folder(stored) == []


def test_a_lost_table_and_lost_rows_are_found(stored):
    for file in sorted(stored.glob("*.parquet")):
        whole = file.read_bytes()
        file.unlink()
        assert faults_of_folder(stored) == [f"{file.name} is missing"]
        with pytest.raises(ParameterError, match=f"{file.name} is missing"):
            store.read_run(stored)
        file.write_bytes(whole)
    table = pq.read_table(stored / "series.parquet")
    store.write_parquet(stored / "series.parquet", table.slice(1))
    assert faults_of_folder(stored) == [
        f"series.parquet has changed since it was written: {table.num_rows - 1} rows,"
        f" {table.num_rows} written"
    ]


@pytest.mark.parametrize("name", ["manifest.json", "summary.json"])
def test_an_edited_number_beside_the_tables_is_found(stored, name):
    path = stored / name
    path.write_text(path.read_text().replace('"seed": 3', '"seed": 4', 1))
    assert faults_of_folder(stored) == [f"{name} has changed since it was written"]


def test_a_folder_without_checksums_cannot_be_verified(stored):
    manifest = json.loads((stored / "manifest.json").read_text())
    (stored / "manifest.json").write_text(
        json.dumps(
            {key: part for key, part in manifest.items() if key not in ("checksum", "files")}
        )
    )
    (fault,) = faults_of_folder(stored)
    assert "cannot be verified" in fault


def test_a_checksum_detects_a_changed_file(tmp_path):
    pq.write_table(pa.table({"x": [1, 2]}), tmp_path / "a.parquet")
    checksum = checksum_of(tmp_path / "a.parquet")
    assert checksum["rows"] == 2 and verify_file(tmp_path, "a.parquet", checksum) == ""
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    assert "cannot be read" in verify_file(tmp_path, "a.parquet", checksum)


def spoil(path):
    """Cut a file in the middle."""
    path.write_bytes(path.read_bytes()[: len(path.read_bytes()) // 2])


@pytest.mark.parametrize(
    "trouble", [spoil, pathlib.Path.unlink, lambda path: path.write_text("[]")]
)
@pytest.mark.parametrize("part", ["done", "series"])
def test_a_damaged_run_of_a_sweep_is_found_and_re_run(tmp_path, trouble, part):
    path, out = sweep_file(tmp_path), tmp_path / "out"
    before, _ = run_here(path, out)
    assert faults_of_folder(out) == []
    file = sorted((out / part).iterdir())[1]
    whole = file.read_bytes()
    trouble(file)
    assert [fault for fault in faults_of_folder(out) if f"{part}/{file.name}" in fault]
    after, ran = run_here(path, out, resume=True)
    assert (
        ran == 1 and after == before and file.read_bytes() == whole and faults_of_folder(out) == []
    )


def test_a_number_changed_in_a_summary_or_in_the_gathered_table_is_found(tmp_path):
    out = tmp_path / "out"
    run_here(sweep_file(tmp_path), out)
    done = sorted((out / "done").iterdir())[0]
    done.write_text(done.read_text().replace('"mark": ', '"mark": 1', 1))
    assert faults_of_folder(out) == [f"done/{done.name} has changed since it was written"]
    table = pq.read_table(out / "runs.parquet")
    pq.write_table(
        table.set_column(
            table.column_names.index("mark"), "mark", another(table["mark"].combine_chunks())
        ),
        out / "runs.parquet",
    )
    assert "runs.parquet has changed since it was written" in faults_of_folder(out)


def test_what_a_killed_writer_left_in_a_sweep_goes(tmp_path):
    path, out = sweep_file(tmp_path), tmp_path / "out"
    run_here(path, out)
    (out / "series" / ".x.parquet.999999999.part").write_text("half")
    run_here(path, out, resume=True)
    assert not list(out.rglob("*.part"))


def test_resuming_reports_what_it_re_runs(no_workers, tmp_path, monkeypatch, capsys):
    path, out = (
        sweep_file(
            tmp_path, SWEEP.replace("seeds = 2", "seeds = 1").replace("[0.001, 0.003]", "[0.001]")
        ),
        tmp_path / "out",
    )
    for arguments in ((), ("--resume",)):
        monkeypatch.setattr(
            sys,
            "argv",
            ["perplab", "sweep", str(path), "--out", str(out), "--workers", "1", *arguments],
        )
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert not ended.value.code
        for file in (out / "done").iterdir():
            file.write_text("{")
    said = capsys.readouterr().err
    assert "is re-run: done/" in said and "cannot be read" in said


@pytest.mark.parametrize("command", [("check",), ("report",), ("sweep", "--resume", "--out")])
@pytest.mark.parametrize(
    "text", ["[]", "{}", "nonsense", '{"kind": "sweep"}', '{"versions": {"perplab": "1"}}']
)
def test_a_manifest_that_is_none_is_refused(tmp_path, monkeypatch, capsys, command, text):
    out = tmp_path / "out"
    out.mkdir()
    (out / "manifest.json").write_text(text)
    arguments = [
        *command,
        str(out),
        *([str(sweep_file(tmp_path))] if command[0] == "sweep" else []),
    ]
    monkeypatch.setattr(sys, "argv", ["perplab", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr().err
    assert (
        ended.value.code == 2
        and "Traceback" not in said
        and str(out) in said
        and (out / "manifest.json").read_text() == text
    )


def test_a_worker_with_other_code_does_not_take_part(tmp_path):
    import dataclasses

    from perplab.scenarios.sweeps.sweep_file import read_sweep
    from perplab.scenarios.sweeps.sweep_folder import prepare

    sweep, text = read_sweep(sweep_file(tmp_path))
    jobs, _ = prepare(sweep, text, tmp_path / "out", False)
    assert run_job(str(tmp_path / "out"), figures, dataclasses.replace(jobs[0], code="other")) == (
        jobs[0].key,
        False,
    )
    assert (
        "code of this worker"
        in json.loads((tmp_path / "out" / "failed" / f"{jobs[0].key}.json").read_text())["error"]
    )


def test_a_rulebook_that_is_edited_makes_another_sweep(tmp_path):
    from perplab.sim.rulebook.rulebook import LIBRARY

    (tmp_path / "mine.toml").write_text((LIBRARY / "binance.toml").read_text())
    path = sweep_file(
        tmp_path,
        SWEEP + f'[factors.rules]\nkey = "market.rulebook"\nvalues = ["{tmp_path}/mine.toml"]\n',
    )
    run_here(path, tmp_path / "out")
    (tmp_path / "mine.toml").write_text((LIBRARY / "binance.toml").read_text() + "\n# edited\n")
    with pytest.raises(ParameterError, match="another sweep"):
        run_here(path, tmp_path / "out", resume=True)


def test_branches_are_checked_together(tmp_path, monkeypatch, capsys, calm_hours):
    for name in ("base", "off"):
        store.write_run(tmp_path / "both" / name, calm_hours, {"seed": 3}, 1.0)
    monkeypatch.setattr(sys, "argv", ["perplab", "check", str(tmp_path / "both")])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code and "2 runs" in capsys.readouterr().out
    (tmp_path / "both" / "off" / "series.parquet").unlink()
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1 and "series.parquet is missing" in capsys.readouterr().err
    assert len(open_runs(tmp_path / "both" / "base").runs) == 1


def test_a_report_of_altered_files_is_refused(tmp_path):
    outcome = run(load("small", {"days": 0.1}), 1)
    write_run(tmp_path / "r", outcome, summarize(outcome.records), 1.0)
    manifest = tmp_path / "r" / "manifest.json"
    whole = manifest.read_text()
    for text in (whole.replace('"seed": 1', '"seed": 2'), "[]", '{"files": 3}'):
        manifest.write_text(text)
        with pytest.raises(ParameterError, match="manifest.json"):
            write_report(tmp_path / "r")
    manifest.write_text(whole)
    series = bytearray((tmp_path / "r" / "series.parquet").read_bytes())
    series[len(series) // 2] ^= 1
    (tmp_path / "r" / "series.parquet").write_bytes(bytes(series))
    with pytest.raises(ParameterError, match="series.parquet has changed since it was written"):
        write_report(tmp_path / "r")
