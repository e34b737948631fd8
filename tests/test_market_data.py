"""Real prices and funding from files: every kind of input is read exactly or refused by line."""

import decimal
import gzip
import io
import json
import math
import pathlib
import zipfile

import numpy as np
import pandas as pd
import pytest

from perplab.analysis.metrics.replay_reference import real_market
from perplab.scenarios.files.loader import load
from perplab.scenarios.files.validation import rulebook_of
from perplab.sim.errors import ParameterError
from perplab.sim.market_data import Column, read_funding, read_series
from perplab.sim.market_data.series import PRICE
from perplab.sim.spot.replay import Replay

PANIC = (
    pathlib.Path(__file__).parents[2]
    / "shared"
    / "data"
    / "incidents"
    / "ftx_funding_binance_SOLUSDT_8h.csv"
)
START = pd.Timestamp("2024-12-29", tz="UTC")
HOURS = pd.date_range(START, periods=121, freq="h")
SPOT = np.round(93_000 + 300 * np.sin(np.arange(121)), 2)
SETTLED = pd.date_range(START, periods=16, freq="8h")
RATES = np.tile([0.0003, 0.0001, -0.00025, 0.0], 4)


def stamps(times, unit="ms"):
    return times.as_unit(unit).asi8


def bars(folder, name="bars.csv", **columns):
    table = pd.DataFrame({"timestamp": stamps(HOURS), "spot": SPOT, "perp": SPOT} | columns)
    file = folder / name
    table.to_parquet(file) if name.endswith("parquet") else table.to_csv(file, index=False)
    return str(file)


def funding(folder, times=None, rates=None, **columns):
    times = stamps(SETTLED) if times is None else times
    rates = RATES if rates is None else rates
    file = folder / "funding.csv"
    pd.DataFrame({"timestamp": times, "rate": rates} | columns).to_csv(file, index=False)
    return str(file)


def real_beside(spot, changes=(), days=5):
    """Return the real market as a run of `replay` reads it."""
    scenario = load("replay", {"spot.price.file": spot, "days": days} | dict(changes))
    return real_market(scenario, rulebook_of(scenario.market))


def with_funding(folder, *args, **columns):
    file = funding(folder, *args, **columns)
    return real_beside(bars(folder), {"comparison.funding_file": file})


def faults(read, *args, **options):
    with pytest.raises(ParameterError) as caught:
        read(*args, **options)
    return caught.value.faults


class TestFundingIntervals:
    @pytest.mark.parametrize("hours", [1, 2, 4, 8])
    @pytest.mark.parametrize("stated", [True, False])
    def test_rates_are_converted_to_8_hours(self, tmp_path, hours, stated):
        times = pd.date_range(START, periods=120 // hours, freq=f"{hours}h")
        columns = {"funding_interval_hours": hours} if stated else {}
        real = with_funding(tmp_path, stamps(times) + 3, 0.00015, **columns)
        assert real["funding"] == pytest.approx(0.00015 * 8 / hours, rel=1e-12)
        assert len(real["funding"]) == 120 // hours
        assert f"per {hours} h (" in real["funding_source"]
        assert ("converted" in real["funding_source"]) == (hours != 8)

    @pytest.mark.parametrize("stated", [True, False])
    def test_the_interval_may_change_within_a_file(self, tmp_path, stated):
        hours = np.array([8] * 5 + [4] * 10 + [1] * 40)
        times = START + pd.to_timedelta(np.cumsum(hours), unit="h")
        columns = {"interval": [f"{value}h" for value in hours]} if stated else {}
        real = with_funding(tmp_path, stamps(times), 1e-4 * hours / 8, **columns)
        assert real["funding"] == pytest.approx(1e-4, rel=1e-12) and len(real["funding"]) == 55
        assert "per 1 or 4 or 8 h" in real["funding_source"]

    def test_a_missing_settlement_does_not_change_the_interval(self, tmp_path):
        keep = np.delete(np.arange(16), [5, 9, 10])
        real = with_funding(tmp_path, stamps(SETTLED)[keep], RATES[keep])
        assert np.array_equal(real["funding"], RATES[keep])

    def test_rows_without_a_rate_are_no_settlements_and_counted(self, tmp_path):
        rates = [f"{RATES[k // 8]}" if k % 8 == 0 else "" for k in range(121)]
        real = with_funding(tmp_path, stamps(HOURS), rates)
        assert np.array_equal(real["funding"], RATES)
        assert real["funding_source"].endswith("; 105 rows without a rate")

    def test_a_column_may_name_the_interval(self, tmp_path):
        file = funding(tmp_path, stamps(HOURS), 0.0, interest_8h=0.0002)
        changes = {"comparison.funding_file": file, "comparison.funding_column": "interest_8h"}
        assert real_beside(bars(tmp_path), changes)["funding"] == pytest.approx(0.0002)

    @pytest.mark.parametrize(
        ("hours", "line"),
        [
            ([0, 8, 16, 21, 29, 37], 5),
            ([0, 24, 48, 72], 2),
            ([0, 8, 16, 28, 32, 36], 5),
            ([0, 4, 8, 16], 5),
            ([0, 1 / 60, 2 / 60], 2),
        ],
    )
    def test_what_cannot_be_inferred_is_refused_by_line(self, tmp_path, hours, line):
        times = stamps(START + pd.to_timedelta(hours, unit="h"))
        first, *_ = faults(with_funding, tmp_path, times, 0.0001)
        assert first.line == line and "funding_interval_hours" in first.expected

    def test_one_settlement_has_no_interval(self, tmp_path):
        (fault,) = faults(with_funding, tmp_path, stamps(SETTLED)[:1], 0.0001)
        assert (fault.key, fault.expected) == ("comparison.funding_file", "at least 2 rows")

    @pytest.mark.parametrize(
        ("interval", "words"), [("often", "a funding interval"), ("16", "since the row before")]
    )
    def test_intervals_that_cannot_be(self, tmp_path, interval, words):
        found = faults(with_funding, tmp_path, funding_interval_hours=interval)
        assert words in found[0].expected and found[0].line in (2, 3)

    def test_other_ways_to_state_it(self, tmp_path):
        for name, value in (
            ("fundingInterval", "2000-01-01T08:00:00.000Z"),
            ("fundingIntervalMinutes", 480),
            ("interval", 28_800),
            ("fundingInterval", 28_800_000),
        ):
            real = with_funding(tmp_path, **{name: value})
            assert np.array_equal(real["funding"], RATES), name


@pytest.mark.skipif(not PANIC.exists(), reason="the SOL funding file is not beside the repository")
def test_funding_of_november_2022():
    """SOL at Binance: -2 % per interval, and intervals of 8, 4 and 2 hours."""
    funding_rates = read_funding(str(PANIC), "rate", "time_utc", 0.0, 4e9)
    assert len(funding_rates.rates) == 373 and funding_rates.rates.min() == pytest.approx(-0.08)
    assert "per 2 or 4 or 8 h (the spacing of the rows)" in funding_rates.source


class TestRows:
    @pytest.mark.parametrize(
        "wrong",
        ["0.0300%", "0,0003", "3e-4 bp", "much", "inf", "-Infinity", "1e300", "0x1", "1_0", "٣"],
    )
    def test_a_rate_that_is_none_is_refused_by_line(self, tmp_path, wrong):
        rates = [*RATES[:3], wrong, *RATES[4:7], wrong, *RATES[8:]]
        found = faults(with_funding, tmp_path, None, rates)
        assert [(fault.key, fault.value, fault.line) for fault in found] == [
            ("rate", wrong, 5),
            ("rate", wrong, 9),
        ]
        assert all(fault.file.endswith("funding.csv") for fault in found)

    @pytest.mark.parametrize("wrong", ["93,035.09", "93035.09 USDT", "1e300", "inf", "0.0", "-5"])
    @pytest.mark.parametrize("column", ["spot", "perp"])
    def test_a_price_that_is_none_is_refused_by_line(self, tmp_path, wrong, column):
        values = SPOT.astype(object)
        values[50] = wrong
        (fault,) = faults(real_beside, bars(tmp_path, **{column: values}))
        assert (fault.key, fault.value, fault.line) == (column, wrong, 52)

    def test_a_long_value_is_cut(self, tmp_path):
        (fault,) = faults(with_funding, tmp_path, None, ["9" * 100_000, *RATES[1:]])
        assert len(str(fault)) < 500

    def test_all_wrong_rows_are_counted(self, tmp_path):
        found = faults(with_funding, tmp_path, None, "1 %", **{"funding_interval_hours": 8})
        assert len(found) == 16
        found = faults(real_beside, bars(tmp_path, perp="?"))
        assert len(found) == 21 and found[-1].value == "wrong in 101 more rows"
        assert found[-1].line == 22

    def test_a_column_without_rates(self, tmp_path):
        (fault,) = faults(with_funding, tmp_path, None, "")
        assert fault.expected == "at least one rate"


class TestTimes:
    def test_mixed_units_are_refused_by_line(self, tmp_path):
        times = np.where(np.arange(16) < 12, stamps(SETTLED), stamps(SETTLED, "us"))
        found = faults(with_funding, tmp_path, times)
        assert [fault.line for fault in found] == [14, 15, 16, 17]
        assert "milliseconds, as in most rows, not in microseconds" in found[0].expected

    def test_duplicates_and_disorder_are_refused_by_line(self, tmp_path):
        times = stamps(SETTLED).copy()
        times[3], times[9] = times[2], times[1]
        assert [fault.line for fault in faults(with_funding, tmp_path, times)] == [5, 11]

    def test_newest_first_is_one_fault(self, tmp_path):
        (fault,) = faults(with_funding, tmp_path, stamps(SETTLED)[::-1])
        assert "ascending" in fault.expected and fault.line == 3

    @pytest.mark.parametrize("interleaved", [True, False])
    def test_two_instruments_in_one_table(self, tmp_path, interleaved):
        rows = np.arange(32) // 2 if interleaved else np.arange(32) % 16
        symbols = np.where(np.arange(32) % 2 if interleaved else np.arange(32) > 15, "ETH", "BTC")
        found = faults(with_funding, tmp_path, stamps(SETTLED)[rows], 0.0001, symbol=symbols)
        assert (found[0].key, found[0].value) == ("symbol", "ETH")
        assert found[0].line == (3 if interleaved else 18)

    def test_two_instruments_one_after_the_other(self, tmp_path):
        symbols = np.where(np.arange(121) < 60, "BTCUSDT", "BTCUSDC")
        (fault,) = faults(real_beside, bars(tmp_path, instId=symbols))
        assert (fault.key, fault.line) == ("instId", 62)

    def test_no_overlap_with_the_run(self, tmp_path):
        (fault,) = faults(with_funding, tmp_path, stamps(SETTLED - pd.Timedelta(days=365)))
        assert "2023-12-30T00:00:00Z to 2024-01-04T00:00:00Z" in fault.value
        assert "times of the run, 2024-12-29T00:00:00Z to 2025-01-03T00:00:00Z" in fault.expected

    @pytest.mark.parametrize(
        "form", ["%Y%m%d%H", "%Y%m%d%H%M", "%Y%m%d%H%M%S", "%Y-%m-%d %H:%M:%S UTC", "%Y%m%dT%H%M%S"]
    )
    def test_compact_times(self, tmp_path, form):
        replay = Replay(file=bars(tmp_path, timestamp=HOURS.strftime(form)), column="spot")
        assert replay.span_unix == (START.timestamp(), START.timestamp() + 120 * 3600)

    @pytest.mark.parametrize("text", [True, False])
    @pytest.mark.parametrize("name", ["bars.csv", "bars.parquet"])
    def test_dates_without_dashes(self, tmp_path, text, name):
        days = pd.date_range("2024-02-20", periods=121).strftime("%Y%m%d")
        file = bars(tmp_path, name, timestamp=days if text else days.astype(int))
        assert Replay(file=file, column="spot").limit_steps(86_400.0) == 120

    def test_day_numbers_of_a_spreadsheet_are_refused(self, tmp_path):
        for days in (45_292 + np.arange(121), 45_292 + np.arange(121) / 24):
            found = faults(Replay(file=bars(tmp_path, timestamp=days), column="spot").start)
            assert len(found) == 21 and "spreadsheet" in found[0].expected and found[0].line == 2

    @pytest.mark.parametrize("times", [np.arange(121), 60 * np.arange(121), 7.5 * np.arange(121)])
    def test_counters_are_no_times(self, tmp_path, times):
        found = faults(Replay(file=bars(tmp_path, timestamp=times), column="spot").start)
        assert len(found) == 21

    def test_an_impossible_hour_does_not_make_seconds_of_dates(self, tmp_path):
        hours = HOURS.strftime("%Y%m%d%H").tolist()
        hours[30] = "2024123025"
        found = faults(Replay(file=bars(tmp_path, timestamp=hours), column="spot").start)
        assert [fault.line for fault in found] == [32]

    def test_impossible_dates_are_refused_by_line(self, tmp_path):
        days = pd.date_range("2023-01-01", periods=121).strftime("%Y%m%d").tolist()
        days[58] = "20230230"
        found = faults(Replay(file=bars(tmp_path, timestamp=days), column="spot").start)
        assert [fault.line for fault in found] == [60]

    @pytest.mark.parametrize("word", ["now", "today", "2024", "01/02/2024", "NaT", ""])
    def test_words_are_no_times(self, tmp_path, word):
        times = HOURS.strftime("%Y-%m-%d %H:%M").tolist()
        times[9] = word
        found = faults(Replay(file=bars(tmp_path, timestamp=times), column="spot").start)
        assert [fault.line for fault in found] == [11]


class TestBounds:
    @pytest.mark.parametrize("scale", [1e4, 93_000, 1e2, 3e3])
    def test_rates_in_other_units_are_refused(self, tmp_path, scale):
        found = faults(with_funding, tmp_path, None, np.full(16, 0.0003) * scale)
        assert all(fault.file.endswith("funding.csv") for fault in found)
        assert "not percent, basis points or money" in found[0].expected

    def test_rates_of_a_panic_are_read(self, tmp_path):
        rates = np.where(np.arange(16) < 7, -0.02, 0.0001)
        assert np.array_equal(with_funding(tmp_path, None, rates)["funding"], rates)

    @pytest.mark.parametrize("factor", [1000.0, 0.001, 10.0, 2.1])
    def test_a_perpetual_of_other_units_is_refused(self, tmp_path, factor):
        found = faults(real_beside, bars(tmp_path, perp=SPOT * factor))
        assert len(found) == 21 and "1,000 units" in found[0].expected and found[0].line == 2

    def test_only_the_window_must_be_sound(self, tmp_path):
        perp = SPOT.copy()
        perp[100] = 0.0
        assert len(real_beside(bars(tmp_path, perp=perp), days=2)["seconds"]) == 49


class TestMissingBasis:
    def test_without_a_basis_there_is_no_rate(self, tmp_path):
        perp = np.where(np.arange(121) < 72, math.nan, SPOT * 0.998)
        real = real_beside(bars(tmp_path, perp=perp))
        assert np.isnan(real["funding"][:8]).all() and len(real["funding"]) == 15
        assert real["funding"][9:] == pytest.approx(-0.0015)
        assert np.isnan(real["basis_bps"]).sum() == 72

    def test_a_hole_within_leaves_its_interval_unknown(self, tmp_path):
        perp = np.where((np.arange(121) > 40) & (np.arange(121) < 49), math.nan, SPOT * 0.998)
        real = real_beside(bars(tmp_path, perp=perp))
        assert np.flatnonzero(np.isnan(real["funding"])).tolist() == [5]

    def test_no_price_at_all_is_all_unknown(self, tmp_path):
        real = real_beside(bars(tmp_path, perp=math.nan))
        assert np.isnan(real["funding"]).all() and np.isnan(real["basis_bps"]).all()


class TestFiles:
    @pytest.mark.parametrize("named", [True, False])
    def test_the_index_of_a_parquet_file_is_read(self, tmp_path, named):
        table = pd.DataFrame({"spot": SPOT}, index=HOURS.rename("timestamp" if named else None))
        table.to_parquet(tmp_path / "bars.parquet")
        assert Replay(file=tmp_path / "bars.parquet", column="spot").limit_steps(3600.0) == 120
        table.to_csv(tmp_path / "bars.csv")
        assert Replay(file=tmp_path / "bars.csv", column="spot").limit_steps(3600.0) == 120

    def test_an_index_of_several_levels(self, tmp_path):
        table = pd.DataFrame({"timestamp": HOURS, "symbol": "BTC", "spot": SPOT})
        table.set_index(["symbol", "timestamp"]).to_parquet(tmp_path / "bars.parquet")
        assert Replay(file=tmp_path / "bars.parquet", column="spot").limit_steps(3600.0) == 120

    @pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
    def test_stored_times_of_any_unit(self, tmp_path, unit):
        file = bars(tmp_path, "bars.parquet", timestamp=HOURS.as_unit(unit))
        assert Replay(file=file, column="spot").span_unix[0] == START.timestamp()

    @pytest.mark.parametrize("kind", ["float32", "decimal", "text"])
    def test_stored_numbers_are_read_exactly(self, tmp_path, kind):
        texts = [f"{value:.2f}" for value in SPOT]
        if kind == "decimal":
            values = [decimal.Decimal(text) for text in texts]
        else:
            values = texts if kind == "text" else SPOT.astype("float32")
        file = bars(tmp_path, "bars.parquet", spot=values)
        read = read_series(file, [Column("spot", PRICE)], "timestamp").values["spot"]
        assert np.array_equal(read, SPOT.astype("float32") if kind == "float32" else SPOT)

    def test_no_digit_is_lost(self, tmp_path):
        values = np.random.default_rng(5).lognormal(0, 9, 121)
        file = bars(tmp_path, spot=values, perp="")
        read = read_series(file, [Column("spot", PRICE)], "timestamp").values["spot"]
        assert np.array_equal(read, values)

    def test_without_a_header_columns_have_numbers(self, tmp_path):
        file = tmp_path / "bars.csv"
        pd.DataFrame([stamps(HOURS), SPOT]).T.to_csv(file, index=False, header=False)
        by_name = faults(Replay(file=file, column="spot").start)
        assert [fault.key for fault in by_name] == ["column", "time_column"]
        assert "no header" in by_name[0].expected and "--column 2" in by_name[0].expected
        for number in (2, "2"):
            replay = Replay(file=file, column=number, time_column="1")
            assert replay.start()[0] == math.log(SPOT[0]) and replay.limit_steps(3600.0) == 120
        scenario = {"spot.price.column": 2, "spot.price.time_column": 1}
        assert real_beside(str(file), scenario) is None
        frame = pd.read_csv(file, header=None)
        frame.loc[3, 1] = -1
        frame.to_csv(file, index=False, header=False)
        (fault,) = faults(Replay(file=file, column="2", time_column="1").start)
        assert fault.line == 4

    def test_a_name_that_the_header_has_twice(self, tmp_path):
        file = tmp_path / "bars.csv"
        file.write_text("timestamp,spot,spot\n2024-01-01,5,6\n2024-01-02,5,6\n")
        (fault,) = faults(Replay(file=file, column="spot").start)
        assert "once" in fault.expected

    def test_spaces_and_a_byte_order_mark(self, tmp_path):
        file = tmp_path / "bars.csv"
        file.write_bytes(b"\xef\xbb\xbftimestamp, spot\r\n2024-01-01, 5\r\n2024-01-02, 6 \r\n")
        assert Replay(file=file, column="spot").start()[0] == math.log(5)

    @pytest.mark.parametrize("mark", [",", ";", "\t"])
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_marks_between_fields_and_lines(self, tmp_path, mark, end):
        file = tmp_path / "bars.csv"
        text = "timestamp,spot\n2024-01-01,5.5\n2024-01-02,6\n"
        file.write_bytes(text.replace(",", mark).replace("\n", end).encode())
        assert Replay(file=file, column="spot").start()[0] == math.log(5.5)

    def test_zips(self, tmp_path):
        file = tmp_path / "bars.zip"
        text = pd.DataFrame({"timestamp": HOURS, "spot": SPOT}).to_csv(index=False)
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("bars.csv", text)
        assert Replay(file=file, column="spot").limit_steps(3600.0) == 120
        with zipfile.ZipFile(file, "a") as archive:
            archive.writestr("more.csv", text)
        (fault,) = faults(Replay(file=file, column="spot").start)
        assert "2 files: bars.csv, more.csv" in fault.expected

    def test_the_content_tells_what_a_file_is(self, tmp_path):
        file = tmp_path / "bars.csv"
        file.write_bytes(gzip.compress(pd.read_csv(bars(tmp_path)).to_csv(index=False).encode()))
        assert Replay(file=file, column="spot").limit_steps(3600.0) == 120


KLINE_HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,"
    "taker_buy_volume,taker_buy_quote_volume,ignore\n"
)


def klines(unit, header):
    """Return the bytes of a zip as Binance publishes it: hourly klines in ms or us."""
    opened = stamps(HOURS, unit)
    hour = 3_600_000 * (1000 if unit == "us" else 1)
    rows = [
        f"{time},{spot},{spot + 9},{spot - 9},{spot},1.5,{time + hour - 1},1,2,3,4,0\n"
        for time, spot in zip(opened, SPOT, strict=True)
    ]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("BTCUSDT-1h-2024-12.csv", KLINE_HEADER * header + "".join(rows))
    return packed.getvalue()


class TestBinance:
    @pytest.mark.parametrize("unit", ["ms", "us"])
    @pytest.mark.parametrize("header", [True, False])
    def test_klines(self, tmp_path, unit, header):
        file = tmp_path / "BTCUSDT-1h-2024-12.zip"
        file.write_bytes(klines(unit, header))
        opened = Replay(file=file, column="close", time_column="open_time")
        assert opened.span_unix[0] == START.timestamp() and opened.limit_steps(3600.0) == 120
        closed = Replay(file=file, column="spot")
        assert closed.start()[0] == math.log(SPOT[0])
        assert closed.span_unix[0] == pytest.approx(START.timestamp() + 3600, abs=0.0011)
        assert real_beside(str(file)) is None

    @pytest.mark.parametrize("header", [True, False])
    def test_funding(self, tmp_path, header):
        file = tmp_path / "funding.csv"
        rows = [f"{time + 3},4,0.00015000\n" for time in stamps(HOURS[::4])]
        names = "calc_time,funding_interval_hours,last_funding_rate\n"
        file.write_text(names * header + "".join(rows))
        by_default = real_beside(bars(tmp_path), {"comparison.funding_file": str(file)})
        named = {
            "comparison.funding_file": str(file),
            "comparison.funding_column": "last_funding_rate",
            "comparison.funding_time_column": "calc_time",
        }
        for real in (by_default, real_beside(bars(tmp_path), named)):
            assert real["funding"] == pytest.approx(0.0003) and len(real["funding"]) == 30

    def test_klines_and_funding_together(self, tmp_path):
        spot, rates = tmp_path / "spot.zip", tmp_path / "rates.zip"
        spot.write_bytes(klines("us", False))
        rows = [f"{time + 3},8,{rate}\n" for time, rate in zip(stamps(SETTLED), RATES, strict=True)]
        with zipfile.ZipFile(rates, "w") as archive:
            archive.writestr("rates.csv", "".join(rows))
        real = real_beside(str(spot), {"comparison.funding_file": str(rates)}, days=4)
        assert np.array_equal(real["funding"], RATES[1:13])
        assert real["funding_seconds"] == pytest.approx(np.arange(7, 100, 8) * 3600.0, abs=0.01)

    def test_a_fault_is_named_by_the_column_of_the_file(self, tmp_path):
        file = tmp_path / "funding.csv"
        file.write_text("calc_time,funding_interval_hours,last_funding_rate\n")
        rows = [f"{time},8,{5 if k == 2 else 0.0001}\n" for k, time in enumerate(stamps(SETTLED))]
        file.write_text(file.read_text() + "".join(rows))
        found = faults(real_beside, bars(tmp_path), {"comparison.funding_file": str(file)})
        assert [(fault.key, fault.line) for fault in found] == [("last_funding_rate", 4)]


class TestScenarios:
    def test_funding_needs_no_perpetual(self, tmp_path):
        spot = tmp_path / "spot.csv"
        pd.DataFrame({"timestamp": HOURS, "spot": SPOT}).to_csv(spot, index=False)
        real = real_beside(str(spot), {"comparison.funding_file": funding(tmp_path)})
        assert np.array_equal(real["funding"], RATES) and len(real["basis_bps"]) == 0
        assert real["funding_seconds"].tolist() == [28_800.0 * k for k in range(16)]

    def test_funding_columns_need_a_file(self, tmp_path):
        changes = {"comparison.funding_column": "last_funding_rate"}
        (fault,) = faults(real_beside, bars(tmp_path), changes)
        assert fault.key == "comparison.funding_column" and "--funding FILE" in fault.expected

    def test_faults_of_prices_and_funding_come_at_once(self, tmp_path):
        file = funding(tmp_path, None, "1 %")
        changes = {"comparison.funding_file": file}
        found = faults(real_beside, bars(tmp_path, perp="?"), changes)
        assert {fault.key for fault in found} == {"perp", "rate"}

    def test_funding_from_python(self, tmp_path):
        first = START.timestamp()
        rates = read_funding(funding(tmp_path), "rate", "timestamp", first, first + 86_400)
        assert json.loads(json.dumps(rates.rates.tolist())) == RATES[:4].tolist()
