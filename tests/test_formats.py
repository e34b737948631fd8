"""Runs and sweeps that an earlier version stored are refused with one sentence."""

import json

import pytest

from perplab.analysis.report.run_report import write_report
from perplab.scenarios.runs import store
from perplab.scenarios.runs.checksums import with_checksum
from perplab.scenarios.runs.results import faults_of_folder, open_runs
from perplab.sim.errors import ParameterError
from tests.small_sweeps import run_here, sweep_file


def as_format(folder, number):
    """Change the format number of a stored folder, with a valid checksum."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(with_checksum(manifest | {"format": number})))


@pytest.fixture
def old_run(calm_hours, tmp_path):
    """The folder of a run of an earlier format."""
    store.write_run(tmp_path / "run", calm_hours, {"seed": 3}, 1.0)
    as_format(tmp_path / "run", store.FORMAT - 1)
    return tmp_path / "run"


@pytest.mark.parametrize("reader", [store.read_run, open_runs, faults_of_folder, write_report])
def test_a_run_of_an_earlier_version_is_refused(old_run, reader):
    with pytest.raises(ParameterError) as caught:
        reader(old_run)
    assert str(caught.value).endswith(
        f"was {str(old_run)!r}, must be of format {store.FORMAT}: it has format {store.FORMAT - 1},"
        " stored by an earlier version of perplab, and must be re-run"
    )


def test_a_run_without_the_checksums_of_this_format_is_refused_for_its_format(old_run):
    path = old_run / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {"seal": manifest.pop("checksum")}))
    with pytest.raises(ParameterError, match="must be re-run"):
        faults_of_folder(old_run)


def test_a_run_of_an_earlier_version_may_be_replaced(old_run, calm_hours):
    store.write_run(old_run, calm_hours, {"seed": 3}, 1.0)
    assert faults_of_folder(old_run) == []


def test_a_run_of_a_later_version_is_refused(old_run):
    as_format(old_run, store.FORMAT + 1)
    with pytest.raises(ParameterError, match="stored by another version"):
        open_runs(old_run)


def test_a_sweep_of_an_earlier_version_is_refused_and_untouched(tmp_path):
    path, out = sweep_file(tmp_path), tmp_path / "out"
    run_here(path, out)
    as_format(out, store.FORMAT - 1)
    before = {file: file.read_bytes() for file in out.rglob("*.*")}
    for action in (lambda: open_runs(out), lambda: run_here(path, out, resume=True)):
        with pytest.raises(ParameterError, match="an earlier version of perplab, and must be re-r"):
            action()
    assert {file: file.read_bytes() for file in out.rglob("*.*")} == before
