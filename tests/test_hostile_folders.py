"""Stored folders from anyone: refused with file and key, and nothing outside them is opened."""

import builtins
import io
import json
import os
import pathlib
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplab.analysis.cli.check_command import print_check
from perplab.analysis.metrics.summary import summarize
from perplab.analysis.report import report_of, write_report
from perplab.scenarios.runs import store
from perplab.scenarios.runs.checksums import checksum_of, with_checksum
from perplab.scenarios.runs.results import faults_of_folder, open_runs
from perplab.sim.errors import ParameterError
from tests.small_sweeps import SWEEP, run_here, sweep_file

DELETED = object()


@pytest.fixture(scope="module")
def stored(calm_hours, tmp_path_factory):
    """Return the folders of a run, a sweep and branches."""
    folder = tmp_path_factory.mktemp("stored")
    summary = summarize(calm_hours.records, None)
    store.write_run(folder / "run", calm_hours, summary, 1.0)
    for name in ("base", "off"):
        store.write_run(folder / "branches" / name, calm_hours, summary, 1.0)
    branches = {"at_hours": 1.0, "arms": ["off:x=1"], "seed": 3}
    (folder / "branches" / "branches.json").write_text(json.dumps(branches))
    small = SWEEP.replace("seeds = 2", "seeds = 1").replace("[0.001, 0.003]", "[0.001]")
    run_here(sweep_file(folder, small), folder / "sweep", summarize=summarize)
    return folder


@pytest.fixture
def folder(stored, tmp_path):
    """Return a copy of the three folders, beside a secret file that nobody may open."""
    (tmp_path / "secret.json").write_text('{"secret": 1}')
    return pathlib.Path(shutil.copytree(stored, tmp_path / "stored"))


def edit(path, key, value):
    """Set or delete a value of a JSON file, and make the checksums around it fit again.

    Parts of the key are separated by slashes; ``~`` stands for a slash inside a part.
    """
    tables = json.loads(path.read_text())
    *around, last = [part.replace("~", "/") for part in key.split("/")]
    place = tables
    for part in around:
        place = place[int(part) if isinstance(place, list) else part]
    if value is DELETED:
        del place[last]
    else:
        place[int(last) if isinstance(place, list) else last] = value
    path.write_text(json.dumps(with_checksum(tables) if "checksum" in tables else tables))
    adopt(path)


def adopt(path):
    """Put the checksum of a file into the manifest beside it, if that lists it."""
    manifest = path.with_name("manifest.json")
    tables = json.loads(manifest.read_text()) if manifest.exists() and path != manifest else {}
    if path.name in tables.get("files", {}):
        tables["files"][path.name] = checksum_of(path)
        manifest.write_text(json.dumps(with_checksum(tables)))


def rewrite(path, change):
    """Change a Parquet file, and make the checksums fit again."""
    pq.write_table(change(pq.read_table(path)), path)
    adopt(path)


def opened_by(action, monkeypatch):
    """Run an action and return what was opened meanwhile, as real paths."""
    opened = []

    def note(name):
        original = getattr(*name)

        def wrapper(file, *arguments, **options):
            opened.append(file)
            return original(file, *arguments, **options)

        monkeypatch.setattr(*name, wrapper)

    for name in ((builtins, "open"), (io, "open"), (os, "open"), (pq, "ParquetFile")):
        note(name)
    action()
    monkeypatch.undo()
    return {os.path.realpath(file) for file in opened if isinstance(file, (str, os.PathLike))}


def outcome(action):
    """Return the message of a refusal, or an empty text; any other exception is a failure."""
    try:
        action()
    except ParameterError as error:
        return str(error)
    return ""


def refusals(folder, monkeypatch, capsys):
    """Check and report a folder; return what was said, and see that nothing outside was opened."""
    said, before = [], sorted(folder.parent.parent.rglob("*"))

    def act():
        said.append(outcome(lambda: print_check(folder)) or capsys.readouterr().err)
        said.append(outcome(lambda: write_report(folder)))

    opened = opened_by(act, monkeypatch)
    assert not {one for one in opened if "secret" in one or one.startswith(("/etc", "/dev"))}
    assert sorted(folder.parent.parent.rglob("*")) == before
    return said


HUGE = 10**400
IN_A_RUN = [
    ("seed", "one"),
    ("seed", -1),
    ("seed", HUGE),
    ("seed", DELETED),
    ("kind_names", []),
    ("kind_names", ["noise", "noise"]),
    ("kind_names", 7),
    ("versions", "1.0"),
    ("versions", {"perplab": 1}),
    ("scenario", 3),
    ("scenario", {}),
    ("scenario/days", "long"),
    ("scenario/days", -1),
    ("scenario/days", HUGE),
    ("scenario/twin", None),
    ("scenario/populations", DELETED),
    ("scenario/populations/noise", 3),
    ("scenario/spot", DELETED),
    ("scenario/dayz", 1),
    ("meta", []),
    ("meta/unit", 0),
    ("meta/unit", "1"),
    ("meta/dt", DELETED),
    ("meta/markets", []),
    ("meta/markets/0/lot", -1.0),
    ("meta/markets/0/venue", 5),
    ("meta/markets/0/venue", 10**9),
    ("meta/markets/0/funding_law", {"cap": "large"}),
    ("meta/venues", [{}]),
    ("meta/trader_kinds", []),
    ("meta/trader_kinds", [[0, 10**12]]),
    ("meta/trader_kinds/0/0", 99),
    ("files", ["series.parquet"]),
    ("files/series.parquet", "abc"),
    ("files/series.parquet/sha256", "../../secret.json"),
    ("files/..~..~secret.json", {"sha256": "0" * 64}),
    ("files/~etc~passwd", {"sha256": "0" * 64}),
    ("files/a~..~..~..~secret.json", {"sha256": "0" * 64}),
    ("format", 3),
    ("format", 1),
    ("format", "2"),
    ("format", None),
]
IN_A_SWEEP = [
    ("seeds", []),
    ("seeds", [0, 0]),
    ("seeds", [HUGE]),
    ("seeds", 1),
    ("runs", []),
    ("runs", ["../../../secret"]),
    ("runs", ["/etc/passwd"]),
    ("runs", [1]),
    ("factors", []),
    ("factors/cap", {}),
    ("factors/cap/key", 3),
    ("factors/cap/values", []),
    ("factors/ ", {"key": "days", "values": [1]}),
    ("factors/new", {"key": "days", "values": [1]}),
    ("design", "grid"),
    ("design/kind", "spiral"),
    ("arms", "base"),
    ("keep", ["../series"]),
    ("unit", 0),
    ("title", 3),
    ("file", None),
    ("code_hash", DELETED),
    ("scenario/market", {"rulebook": 5}),
    ("kind", "run"),
]
IN_A_SUMMARY = [
    ("pnl_by_kind", DELETED),
    ("pnl_by_kind", {"noise": "rich"}),
    ("funding_by_kind", {}),
    ("basis_mean_bps", "large"),
    ("basis_mean_bps", {}),
    ("trades", [1]),
    ("trades", HUGE),
    ("real", {"simulated": {}}),
    ("real", 5),
]


def ids(value):
    return "deleted" if value is DELETED else str(value)[:40]


def named(key):
    """Return the part of a key that a refusal must name."""
    return next(part for part in key.split("~")[0].split("/")[::-1] if not part.isdecimal())


@pytest.mark.parametrize(("key", "value"), IN_A_RUN, ids=ids)
def test_a_hostile_manifest_of_a_run_is_refused(folder, key, value, monkeypatch, capsys):
    edit(folder / "run" / "manifest.json", key, value)
    check, report = refusals(folder / "run", monkeypatch, capsys)
    for said in (check, report):
        assert named(key) in said and "run" in said, said


@pytest.mark.parametrize(("key", "value"), IN_A_SWEEP, ids=ids)
def test_a_hostile_manifest_of_a_sweep_is_refused(folder, key, value, monkeypatch, capsys):
    edit(folder / "sweep" / "manifest.json", key, value)
    check, report = refusals(folder / "sweep", monkeypatch, capsys)
    assert "sweep" in check and "sweep" in report


@pytest.mark.parametrize(("key", "value"), IN_A_SUMMARY, ids=ids)
def test_a_hostile_summary_is_refused(folder, key, value, monkeypatch, capsys):
    edit(folder / "run" / "summary.json", key, value)
    _, report = refusals(folder / "run", monkeypatch, capsys)
    assert "summary.json" in report and key in report, report


@pytest.mark.parametrize(
    ("key", "value"), [("at_hours", "noon"), ("at_hours", 1e400), ("arms", 3), ("arms", DELETED)]
)
def test_hostile_branches_are_refused(folder, key, value, monkeypatch, capsys):
    edit(folder / "branches" / "branches.json", key, value)
    _, report = refusals(folder / "branches", monkeypatch, capsys)
    assert "branches.json" in report


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("summaries", 3),
        ("tables", {"../../secret": {"sha256": "0" * 64}}),
        ("tables/series", {"sha256": "x"}),
        ("key", "../../secret"),
    ],
)
def test_a_hostile_record_of_a_finished_run_is_found(folder, key, value, monkeypatch, capsys):
    done = next((folder / "sweep" / "done").iterdir())
    edit(done, key, value)
    faults = []
    opened = opened_by(lambda: faults.extend(faults_of_folder(folder / "sweep")), monkeypatch)
    assert any(f"done/{done.name}: " in fault for fault in faults)
    assert not any("secret" in one for one in opened)


def cut_short(path):
    path.write_bytes(path.read_bytes()[: len(path.read_bytes()) // 2])


def with_nan(path):
    path.write_text(path.read_text().replace('"seed": ', '"more": NaN, "seed": ', 1))


def with_infinity(path):
    path.write_text(path.read_text().replace('"seed": ', '"more": 1e999, "seed": ', 1))


def with_a_key_twice(path):
    path.write_text(path.read_text().replace('"seed": ', '"seed": 1, "seed": ', 1))


def with_many_digits(path):
    path.write_text(path.read_text().replace('"seed": ', f'"more": {"9" * 5_000}, "seed": ', 1))


def nested_deeply(path):
    path.write_text('{"a": ' * 50_000 + "1" + "}" * 50_000)


def a_list(path):
    path.write_text("[]")


def empty(path):
    path.write_text("")


def not_utf_8(path):
    path.write_bytes(b"\xff\xfe{}")


def a_folder(path):
    path.unlink()
    path.mkdir()


def a_pipe(path):
    path.unlink()
    os.mkfifo(path)


def a_link_out(path):
    path.unlink()
    path.symlink_to("../../../secret.json")


def a_link_to_a_device(path):
    path.unlink()
    path.symlink_to("/dev/zero")


SPOILT = [
    cut_short,
    with_nan,
    with_infinity,
    with_a_key_twice,
    with_many_digits,
    nested_deeply,
    a_list,
    empty,
    not_utf_8,
    a_folder,
    a_pipe,
    a_link_out,
    a_link_to_a_device,
]


@pytest.mark.parametrize("spoil", SPOILT, ids=lambda spoil: spoil.__name__)
@pytest.mark.parametrize(
    "name",
    ["run/manifest.json", "run/summary.json", "sweep/manifest.json", "branches/branches.json"],
)
def test_a_file_that_holds_no_object_is_refused(folder, name, spoil, monkeypatch, capsys):
    path = folder / name
    spoil(path)
    if path.is_file() and not path.is_symlink():
        adopt(path)
    said = refusals(path.parent, monkeypatch, capsys)
    assert path.name in said[1] or str(path.parent) in said[1]


def without(column):
    return lambda table: table.drop_columns([column])


def twice(column):
    return lambda table: table.append_column(column, table[column])


def as_texts(column):
    def change(table):
        texts = pa.array(["x"] * table.num_rows)
        return table.set_column(table.column_names.index(column), column, texts)

    return change


def as_nulls(column):
    def change(table):
        nulls = pa.array([None] * table.num_rows, table[column].type)
        return table.set_column(table.column_names.index(column), column, nulls)

    return change


def as_numbers(column, number, kind):
    def change(table):
        numbers = pa.array([number] * table.num_rows, kind)
        return table.set_column(table.column_names.index(column), column, numbers)

    return change


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("run/series.parquet", without("mark")),
        ("run/series.parquet", twice("mark")),
        ("run/series.parquet", as_texts("mark")),
        ("run/series.parquet", as_nulls("mark")),
        ("run/series.parquet", without("market")),
        ("run/series.parquet", as_numbers("market", 2**40, pa.int64())),
        ("run/series.parquet", as_numbers("market", -1, pa.int64())),
        ("run/kinds.parquet", lambda table: table.slice(1)),
        ("run/kinds.parquet", as_texts("equity")),
        ("run/positions.parquet", as_texts("kind")),
        ("sweep/runs.parquet", without("seed")),
        ("sweep/runs.parquet", without("key")),
        ("sweep/runs.parquet", without("arm")),
        ("sweep/runs.parquet", without("error")),
        ("sweep/runs.parquet", without("factor.cap")),
        ("sweep/runs.parquet", twice("seed")),
        ("sweep/runs.parquet", as_texts("seed")),
        ("sweep/runs.parquet", as_texts("basis_mean_bps")),
        ("sweep/runs.parquet", as_numbers("factor.cap", 1, pa.timestamp("s"))),
    ],
)
def test_a_hostile_table_is_refused(folder, name, change, monkeypatch, capsys):
    rewrite(folder / name, change)
    said = refusals((folder / name).parent, monkeypatch, capsys)
    assert pathlib.Path(name).name in said[1], said


@pytest.mark.parametrize("place", ["off", "base"])
def test_a_branch_that_is_a_link_is_refused(folder, place, monkeypatch, capsys):
    shutil.move(folder / "branches" / place, folder.parent / "elsewhere")
    (folder / "branches" / place).symlink_to(folder.parent / "elsewhere")
    for said in refusals(folder / "branches", monkeypatch, capsys):
        assert "no link" in said


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "inf", "../x", "/etc/passwd", "\0", "a" * 5_000, "base", "small"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)


def places(value, key=""):
    """Yield the key of every value in nested tables and lists."""
    if key:
        yield key
    if isinstance(value, (dict, list)):
        for name, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(part, f"{key}/{name}".strip("/"))


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_any_edit_of_an_object_is_refused_or_harmless(stored, data):
    names = ["run/manifest.json", "run/summary.json", "sweep/manifest.json"]
    path = stored / data.draw(st.sampled_from(names))
    before = {file: file.read_bytes() for file in path.parent.glob("*.json")}
    tables = json.loads(path.read_text())
    key = data.draw(st.sampled_from(sorted(set(places(tables)) - {"checksum"})))
    in_a_list = key.rpartition("/")[2].isdecimal()
    try:
        edit(path, key, data.draw(JSON if in_a_list else JSON | st.just(DELETED)))
        for read in (faults_of_folder, open_runs, report_of):
            outcome(lambda read=read: read(path.parent))
    finally:
        for file, content in before.items():
            file.write_bytes(content)
