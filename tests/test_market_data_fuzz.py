"""Generated tables: a series is read with the numbers that were written, or refused by line."""

import csv
import decimal
import gzip
import io
import zipfile

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perplab.sim.errors import ParameterError
from perplab.sim.market_data import Column, read_funding, read_series
from perplab.sim.market_data.series import PRICE

BOUNDED = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
FIRST = 1_700_006_400
FORMS = {
    "s": lambda unix: str(unix),
    "ms": lambda unix: str(unix * 1000),
    "us": lambda unix: str(unix * 10**6),
    "ns": lambda unix: str(unix * 10**9),
    "iso": lambda unix: f"{np.datetime64(unix, 's')}Z",
    "space": lambda unix: str(np.datetime64(unix, "s")).replace("T", " "),
    "offset": lambda unix: f"{np.datetime64(unix + 19_800, 's')}+05:30",
    "compact": lambda unix: str(np.datetime64(unix, "s")).translate({45: "", 84: "", 58: ""}),
    "date": lambda unix: str(np.datetime64(unix, "s").astype("M8[D]")).replace("-", ""),
}
WRONG_NUMBERS = [
    *("", " ", "nan", "inf", "-inf", "1e300", "1e400", "-1", "0", "-0.0", "0.03%", "1,000.5"),
    *("1 000", "1_000", "1.000,5", "0x10", "True", "--1", "1e", ".", "+", "$5", "5 USD", "٣", "½"),
]
WRONG_TIMES = [
    *("", "noon", "now", "today", "45292", "45292.5", "0", "1", "nan", "inf", "1e300", "-5"),
    *("2023-02-30", "20230230", "2023", "13/11/2023", "9999-01-01", "17000064", "1.7e9 s"),
]
FILES = ["csv", "gz", "zip", "parquet"]
positive = st.floats(1e-9, 1e12).map(repr) | st.decimals(
    "0.01", "99999.99", places=2, allow_nan=False
).map(str)
written = st.sampled_from(["{}", " {}", "{} ", "+{}"])


def price_of(text):
    """Return the price that a text states, None if it is none: a second opinion."""
    text = text.strip()
    if not text or set(text) - set("0123456789+-.eE"):
        return None
    try:
        value = float(decimal.Decimal(text))
    except (decimal.InvalidOperation, OverflowError):
        return None
    return value if 1e-12 <= value <= 1e15 else None


@st.composite
def tables(draw):
    """Draw ``(rows of texts, Unix times, rows at fault)`` of times and prices."""
    number, form = draw(st.integers(2, 9)), draw(st.sampled_from(sorted(FORMS)))
    step = 86_400 if form == "date" else draw(st.sampled_from([60, 3600, 14_400, 86_400]))
    unix = [FIRST - FIRST % 86_400 + step * row for row in range(number)]
    times = [FORMS[form](time) for time in unix]
    prices = [draw(written).format(draw(positive)) for _ in unix]
    at_fault = set()
    if draw(st.booleans()):
        row = draw(st.integers(0, number - 1))
        prices[row] = draw(st.sampled_from(WRONG_NUMBERS) | st.text(max_size=8))
        at_fault |= {row} if price_of(prices[row]) is None else set()
    if number > 4 and draw(st.booleans()):
        row = draw(st.integers(1, number - 1))
        other = FORMS[draw(st.sampled_from(sorted(set(FORMS) - {"iso", "space", "offset"})))]
        texts = [*WRONG_TIMES, times[row - 1], times[0], other(unix[0])]
        times[row] = draw(st.sampled_from(texts))
        at_fault |= {row}
    return list(zip(times, prices, strict=True)), unix, at_fault


def write(folder, rows, kind, header):
    """Write rows of texts to a file; return its name, those of its columns, and its first line."""
    names = ["timestamp", "spot"] if header or kind == "parquet" else ["1", "2"]
    file = folder / f"bars.{kind}"
    if kind == "parquet":
        columns = zip(names, zip(*rows, strict=True), strict=True)
        table = pyarrow.table({name: pyarrow.array(values) for name, values in columns})
        pyarrow.parquet.write_table(table, file)
        return str(file), names, 1
    text = io.StringIO()
    csv.writer(text).writerows([names, *rows] if header else rows)
    content = text.getvalue().encode("utf-8", "surrogatepass")
    if kind == "zip":
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("bars.csv", content)
    else:
        file.write_bytes(gzip.compress(content) if kind == "gz" else content)
    return str(file), names, 1 + header


def encodable(rows):
    return all(
        "\ud800" > letter or letter > "\udfff" for row in rows for text in row for letter in text
    )


@given(tables(), st.sampled_from(FILES), st.booleans())
@BOUNDED
def test_a_series_is_read_exactly_or_refused_by_line(tmp_path, table, kind, header):
    rows, unix, at_fault = table
    if not encodable(rows):
        return
    file, (time, price), first = write(tmp_path, rows, kind, header)
    try:
        series = read_series(file, [Column(price, PRICE)], time)
    except ParameterError as error:
        assert at_fault, str(error)
        assert all(fault.file == file or fault.key == "file" for fault in error.faults)
        lines = {fault.line for fault in error.faults}
        assert lines & {row + first for row in at_fault} or "file" in {
            fault.key for fault in error.faults
        }
        return
    assert not at_fault
    assert series.values[price].tolist() == [price_of(text) for _, text in rows]
    assert series.unix == pytest.approx(unix, abs=1e-6)


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"t,p\r", b"PAR1", b"PK\x03\x04", b"\x1f\x8b", b"t,p\n"]),
)
@BOUNDED
def test_any_bytes_are_refused_or_read(tmp_path, content, start):
    file = tmp_path / "bars.csv"
    file.write_bytes(start + content)
    with pytest.raises(ParameterError, match=r"bars\.csv"):
        read_series(str(file), [Column("p", PRICE)], "t")


@given(st.text("0123456789.,-:TZ \r\n\t\"'%e+naif;", max_size=200), st.booleans())
@BOUNDED
def test_any_text_is_refused_or_read(tmp_path, text, header):
    file = tmp_path / "bars.csv"
    file.write_text("t,p\n" * header + text)
    time, price = ("t", "p") if header else ("1", "2")
    try:
        series = read_series(str(file), [Column(price, PRICE)], time)
    except ParameterError as error:
        assert all(fault.line or fault.key == "file" for fault in error.faults)
        return
    assert len(series.unix) >= 2 and (np.diff(series.unix) > 0).all()
    assert ((series.values[price] > 0) & np.isfinite(series.values[price])).all()


@st.composite
def settlements(draw):
    """Draw hours since the start, intervals, rates, number of holes: regimes of 5 or more."""
    runs = draw(st.lists(st.tuples(st.sampled_from([1, 2, 4, 8]), st.integers(5, 9)), max_size=4))
    hours = np.repeat(*np.array([*runs, (8, 6)]).T)
    ends = np.cumsum(hours)
    edges = np.flatnonzero(np.diff(hours))
    holes = {
        row
        for row in draw(st.sets(st.integers(2, len(hours) - 3), max_size=2))
        if not len(edges) or np.abs(edges - row).min() > 2
    }
    if len(holes) == 2 and max(holes) - min(holes) < 4:
        holes = set()
    left = [row for row in range(len(hours)) if row not in holes]
    rates = draw(st.lists(st.floats(-0.001, 0.001), min_size=len(left), max_size=len(left)))
    return ends[left], hours[left], rates, len(holes)


@given(settlements(), st.booleans(), st.integers(-3, 3))
@BOUNDED
def test_rates_are_per_8_hours_or_refused(tmp_path, drawn, stated, jitter):
    ends, hours, rates, holes = drawn
    unix, file = FIRST + 3600 * ends, tmp_path / "funding.csv"
    names = "timestamp,rate" + ",funding_interval_hours" * stated
    lines = [
        f"{1000 * time + jitter * (k % 3)},{rate!r}{f',{length}' * stated}"
        for k, (time, rate, length) in enumerate(zip(unix.tolist(), rates, hours, strict=True))
    ]
    file.write_text("\n".join([names, *lines]) + "\n")
    try:
        read = read_funding(str(file), "rate", "timestamp", FIRST, FIRST + 10**8)
    except ParameterError as error:
        assert holes and not stated and all(fault.line for fault in error.faults)
        return
    expected = [rate * (8.0 / length) for rate, length in zip(rates, hours, strict=True)]
    assert read.rates.tolist() == expected
