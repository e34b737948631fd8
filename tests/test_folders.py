"""Nothing that a user put into a folder is replaced, and no link is followed out of it."""

import dataclasses
import pathlib
import shutil

import pytest

from perplab.analysis.report import write_report
from perplab.scenarios.files.loader import load
from perplab.scenarios.runs import store
from perplab.scenarios.runs.manifest import foreign_files
from perplab.scenarios.runs.store import check_target, default_folder, write_run
from perplab.sim.atomic_files import alone, atomic_file
from perplab.sim.errors import ParameterError
from perplab.sim.model import PerpetualMarket
from tests.command import CALM, blank_figure, ended
from tests.small_sweeps import run_here, sweep_file


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module", autouse=True)
def no_drawing():
    """Leave the figures of all reports empty."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("perplab.analysis.report.page.save_figure", blank_figure)
        yield


@pytest.fixture(scope="module")
def stored(no_drawing, calm_hours, tmp_path_factory):
    """Return the folder of a run with a report."""
    from perplab.analysis.metrics.summary import summarize

    folder = tmp_path_factory.mktemp("stored") / "run"
    write_run(folder, calm_hours, summarize(calm_hours.records, None), 1.0)
    write_report(folder)
    return folder


@pytest.fixture
def run_folder(stored, tmp_path):
    """Return a copy of a stored run with a report."""
    return pathlib.Path(shutil.copytree(stored, tmp_path / "run"))


def contents(folder):
    """Return the bytes of all files in a folder and where its links lead."""
    return {
        str(path.relative_to(folder)): path.readlink() if path.is_symlink() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


@pytest.fixture
def precious(tmp_path):
    """Return a folder that nothing may change."""
    folder = tmp_path / "precious"
    folder.mkdir()
    (folder / "thesis.tex").write_text("years of work")
    yield folder
    assert contents(folder) == {"thesis.tex": b"years of work"}


def a_link(place, precious):
    place.unlink(missing_ok=True)
    place.symlink_to(precious / "thesis.tex")


def a_link_to_a_folder(place, precious):
    place.unlink(missing_ok=True)
    place.symlink_to(precious)


def a_note(place, precious):
    place.write_text("mine")


def a_folder_with_a_note(place, precious):
    place.mkdir()
    (place / "notes.md").write_text("mine")


FOREIGN = [a_link, a_link_to_a_folder, a_note, a_folder_with_a_note]
foreign = pytest.mark.parametrize("put", FOREIGN, ids=lambda put: put.__name__)


def test_a_report_that_is_a_link_is_refused(run_folder, precious):
    shutil.rmtree(run_folder / "report")
    (run_folder / "report").symlink_to(precious)
    with pytest.raises(ParameterError, match="no link, which leads to .*precious"):
        write_report(run_folder)


@foreign
@pytest.mark.parametrize("place", ["mine", "tables/mine", "figures/mine"])
def test_a_report_with_files_of_others_is_refused(run_folder, precious, place, put):
    put(run_folder / "report" / place, precious)
    before = contents(run_folder)
    with pytest.raises(ParameterError, match=f"{place}.* is not perplab's"):
        write_report(run_folder)
    assert contents(run_folder) == before


def test_a_file_of_a_report_that_became_a_link_is_refused(run_folder, precious):
    a_link(run_folder / "report" / "index.html", precious)
    with pytest.raises(ParameterError, match="index.html is not perplab's"):
        write_report(run_folder)


def test_a_report_is_replaced_and_an_edited_one_is_moved_aside(run_folder):
    write_report(run_folder)
    assert not list(run_folder.glob("report.*"))
    table = next((run_folder / "report" / "tables").glob("*.tex"))
    table.write_text("edited for the paper")
    write_report(run_folder)
    aside = run_folder / "report.1" / "tables" / table.name
    assert aside.read_text() == "edited for the paper" != table.read_text()


@foreign
@pytest.mark.parametrize("place", ["mine", "report/mine", "report/tables/mine"])
def test_a_run_with_files_of_others_is_refused_before_it_runs(
    run_folder, precious, place, put, monkeypatch, capsys
):
    put(run_folder / place, precious)
    before = contents(run_folder)
    monkeypatch.setattr(PerpetualMarket, "run", lambda *_: pytest.fail("it ran"))
    code, said = ended(monkeypatch, capsys, *CALM, "--out", "run")
    assert code == 2 and "--out" in said and f"{place}" in said, said
    assert contents(run_folder) == before


@pytest.mark.parametrize("name", ["figures", "report"])
def test_a_run_whose_part_is_a_link_is_refused(run_folder, precious, name):
    shutil.rmtree(run_folder / name, ignore_errors=True)
    (run_folder / name).symlink_to(precious)
    with pytest.raises(ParameterError, match=f"{name} is not perplab's"):
        check_target(run_folder)


def test_another_run_inside_the_folder_is_not_lost(run_folder, calm_hours):
    write_run(run_folder / "other", calm_hours, {}, 1.0)
    with pytest.raises(ParameterError, match="other/"):
        write_run(run_folder, calm_hours, {}, 1.0)


def test_the_same_run_is_replaced(calm_hours, tmp_path):
    for _ in range(3):
        write_run(tmp_path / "run", calm_hours, {}, 1.0)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_run_with_other_tables_or_a_report_is_moved_aside(run_folder, calm_hours, capsys):
    before, other = contents(run_folder), dataclasses.replace(calm_hours)
    other.records.series[0]["mark"][0] += 1.0
    write_run(run_folder, other, {}, 1.0)
    other.records.series[0]["mark"][0] -= 1.0
    assert contents(run_folder.with_name("run.1")) == before
    assert "what was in" in capsys.readouterr().err
    after = contents(run_folder)
    write_run(run_folder, calm_hours, {}, 1.0)
    assert contents(run_folder.with_name("run.2")) == after
    assert contents(run_folder.with_name("run.1")) == before


@pytest.mark.parametrize("name", ["summary.json", "manifest.json", "series.parquet"])
def test_a_run_that_was_edited_is_moved_aside(name, calm_hours, tmp_path):
    write_run(tmp_path / "run", calm_hours, {"seed": 1}, 1.0)
    path = tmp_path / "run" / name
    path.write_bytes(path.read_bytes().replace(b"1", b"2", 1))
    before = contents(tmp_path / "run")
    write_run(tmp_path / "run", calm_hours, {"seed": 1}, 1.0)
    assert contents(tmp_path / "run.1") == before and store.is_run(tmp_path / "run")


def test_links_in_the_folder_of_a_sweep_are_refused(tmp_path, precious):
    path = sweep_file(tmp_path)
    run_here(path, tmp_path / "out")
    for name in ("done", "failed", "series", "manifest.json", "runs.parquet"):
        moved = tmp_path / "out" / name
        if moved.exists():
            moved.rename(tmp_path / f"was-{name}")
            moved.symlink_to(tmp_path / f"was-{name}")
        else:
            moved.symlink_to(precious)
        with pytest.raises(ParameterError, match=f"{name}.*must be no link"):
            run_here(path, tmp_path / "out", resume=True)
        moved.unlink()
        if (tmp_path / f"was-{name}").exists():
            (tmp_path / f"was-{name}").rename(moved)
    assert run_here(path, tmp_path / "out", resume=True)[1] == 0


@pytest.mark.parametrize("name", ["branches.json", "base", "cap"])
def test_links_in_the_folder_of_branches_are_refused(name, tmp_path, precious, monkeypatch, capsys):
    (tmp_path / "both").mkdir()
    (tmp_path / "both" / name).symlink_to(precious)
    code, said = ended(
        monkeypatch,
        capsys,
        *("branch", "small", "--days", "0.02", "--at-hours", "0.1", "--out", "both"),
        *("--arm", "cap:market.changes.funding.cap=0.001"),
    )
    assert code == 2 and "no link" in said


def test_a_planted_link_is_not_written_through(tmp_path, precious):
    import os

    (tmp_path / ".x.lock").symlink_to(precious / "thesis.tex")
    with pytest.raises(OSError), alone(tmp_path / ".x.lock"):
        pytest.fail("it was taken")
    (tmp_path / f".y.{os.getpid()}.part").symlink_to(precious / "thesis.tex")
    with atomic_file(tmp_path / "y") as part:
        part.write_text("new")
    assert (tmp_path / "y").read_text() == "new" and not (tmp_path / "y").is_symlink()


def test_a_list_of_files_that_cannot_be_read_names_none(run_folder):
    for text in ("", "[]", "{}", '{"files": 3}', '{"files": {"../../x": 1}}'):
        (run_folder / "report" / ".files.json").write_text(text)
        assert "report/index.html" in foreign_files(run_folder)


def test_runs_that_differ_in_options_have_folders_of_their_own():
    changes = [{}, {"days": 1}, {"days": 2}, {"populations.noise.number": 5}, {"dt_seconds": 30.0}]
    folders = [default_folder(load("small", change), 0, bool(change)) for change in changes]
    assert len(set(folders)) == len(changes) and folders[0] == pathlib.Path("runs/small-seed0")
    assert default_folder(load("small", {"days": 2.0}), 0, True) == folders[2]
    branches = {
        default_folder(load("small"), 0, True, arms, ending="-branches") for arms in ("a", "b")
    }
    assert len(branches) == 2


def test_the_command_keeps_two_runs_apart(monkeypatch, capsys, tmp_path):
    for options in (("--days", "0.02"), ("--days", "0.03"), ("--set", "days=0.02")):
        assert ended(monkeypatch, capsys, "run", "small", "--no-figures", *options)[0] == 0
    names = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert len(names) == 2 and all(name.startswith("small-seed0-") for name in names)


@pytest.mark.parametrize("part", ["figures", "report"])
def test_what_a_killed_writer_of_figures_left_is_no_file_of_others(run_folder, part):
    stage = run_folder / f".{part}.999999999.abc.part"
    stage.mkdir()
    (stage / "half.svg").write_text("<svg")
    check_target(run_folder)
    assert not stage.exists()
