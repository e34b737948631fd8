"""A replay passes through every close, has the data's volatility, reports all faults of a file."""

import gzip
import math
import pathlib
import pickle
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplab.sim.errors import ParameterError
from perplab.sim.spot.price_files import bridge_sds
from perplab.sim.spot.processes import SpotProcess
from perplab.sim.spot.replay import Replay
from perplab.sim.streams import generator

REAL = (
    pathlib.Path(__file__).parents[2]
    / "shared"
    / "data"
    / "perp_spot_binance_BTCUSDT_1h_2020_2023.csv.gz"
)
real_file = pytest.mark.skipif(
    not REAL.exists(), reason="the hourly BTC file is not beside the repository"
)
HOURS = pd.date_range("2021-03-01", periods=50, freq="h", tz="UTC")
CLOSES = np.exp(math.log(50_000) + 0.01 * np.cumsum(np.random.default_rng(1).standard_normal(50)))


def table(**columns):
    return pd.DataFrame(
        {"timestamp": HOURS.strftime("%Y-%m-%dT%H:%M:%SZ"), "spot": CLOSES} | columns
    )


def written(directory, frame, name="bars.csv"):
    file = directory / name
    frame.to_parquet(file) if name.endswith("parquet") else frame.to_csv(file, index=False)
    return file


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    return written(tmp_path_factory.mktemp("bars"), table(perp=CLOSES + 5))


@pytest.fixture
def refusal(tmp_path):
    """Return the faults of a replay of a table, or of the text of a file."""

    def faults(content, column="spot", **fields):
        file = tmp_path / "bars.csv"
        file.write_text(content) if isinstance(content, str) else written(tmp_path, content)
        with pytest.raises(ParameterError) as caught:
            Replay(file=file, column=column, **fields).start()
        assert all(fault.key == "file" or fault.file == str(file) for fault in caught.value.faults)
        return caught.value.faults

    return faults


def drawn(replay, cuts, dt, seed=1):
    state, rng = replay.start(), generator(seed, "spot/test", 0)
    return np.concatenate([replay.block(rng, steps, dt, state) for steps in cuts])


class TestBridge:
    @pytest.mark.parametrize("dt", [1.0, 60.0, 0.1, 3600.0])
    def test_reaches_each_close(self, bars, dt):
        replay = Replay(file=bars, column="spot")
        hour = round(3600 / dt)
        steps = min(replay.limit_steps(dt), 4 * hour + 5 if dt < 1 else replay.limit_steps(dt))
        log_prices = drawn(replay, [steps], dt)
        closes = log_prices[hour - 1 :: hour]
        assert np.array_equal(closes, np.log(CLOSES[1 : len(closes) + 1]))

    @given(
        st.lists(st.integers(0, 400), min_size=1, max_size=6),
        st.sampled_from([60.0, 47.0, 5000.0, 1 / 3]),
    )
    @settings(max_examples=40, deadline=None)
    def test_blocks_join(self, bars, cuts, dt):
        replay = Replay(file=bars, column="spot")
        cuts = [min(cut, replay.limit_steps(dt) // 8) for cut in cuts]
        assert drawn(replay, cuts, dt) == pytest.approx(drawn(replay, [sum(cuts)], dt), abs=1e-9)

    def test_same_draws_same_block(self, bars):
        replay = Replay(file=bars, column="spot")
        assert np.array_equal(drawn(replay, [900], 60.0), drawn(replay, [900], 60.0))
        assert not np.array_equal(drawn(replay, [900], 60.0), drawn(replay, [900], 60.0, seed=2))

    @pytest.mark.parametrize("dt", [60.0, 700.0])
    def test_law_within_a_bar(self, bars, dt):
        """At s seconds into a bar of T: mean on the chord, variance ``sd**2 * s * (T - s) / T``."""
        replay, opened, closed = Replay(file=bars, column="spot"), *np.log(CLOSES[:2])
        steps = 3600 // int(dt)
        paths = np.array(
            [drawn(replay, [steps // 2, steps - steps // 2], dt, seed) for seed in range(2000)]
        )
        seconds = dt * np.arange(1, steps + 1)
        sd = bridge_sds(np.arange(50) * 3600.0, np.log(CLOSES), 6.0)[0]
        expected = sd * np.sqrt(seconds * (3600 - seconds) / 3600)
        assert paths.mean(axis=0) == pytest.approx(
            opened + (closed - opened) * seconds / 3600, abs=4.5 * sd * 30 / 44
        )
        assert paths.std(axis=0) == pytest.approx(expected, rel=0.07)

    def test_variance_is_that_of_a_gaussian_path(self):
        log_closes = np.cumsum(0.002 * np.random.default_rng(3).standard_normal(20_000))
        sds = bridge_sds(np.arange(20_000) * 60.0, log_closes, 20.0)
        assert math.sqrt(np.mean(sds**2)) == pytest.approx(0.002 / math.sqrt(60), rel=0.02)

    def test_a_jump_hardly_moves_the_bridges_around_it(self):
        log_closes = np.cumsum(0.002 * np.random.default_rng(3).standard_normal(200))
        jumped = log_closes - 0.15 * (np.arange(200) > 100)
        before, after = (
            bridge_sds(np.arange(200) * 60.0, path, 6.0)[95] for path in (log_closes, jumped)
        )
        squares = math.sqrt(0.15**2 * 0.5 ** (5 / 6) / 17.3 / 60)
        assert before < after < squares / 2

    def test_flat_bars_stay_flat(self, tmp_path):
        replay = Replay(file=written(tmp_path, table(spot=100.0)), column="spot")
        assert np.array_equal(drawn(replay, [500], 60.0), np.full(500, math.log(100.0)))

    def test_refuses_to_pass_the_end(self, bars):
        replay = Replay(file=bars, column="spot", days=1)
        assert replay.limit_steps(60.0) == 1440
        with pytest.raises(ParameterError, match="at most 1, where the data end"):
            drawn(replay, [1441], 60.0)
        assert len(drawn(replay, [1440], 60.0)) == 1440


class TestFiles:
    @pytest.mark.parametrize("name", ["bars.csv", "bars.csv.gz", "bars.parquet"])
    @pytest.mark.parametrize(
        "times",
        [
            HOURS.strftime("%Y-%m-%d %H:%M"),
            HOURS.strftime("%Y-%m-%dT%H:%M:%S+00:00"),
            HOURS.as_unit("s").asi8,
            HOURS.as_unit("ms").asi8,
            HOURS.as_unit("ns").asi8,
            HOURS,
        ],
        ids="plain zone s ms ns stamps".split(),
    )
    def test_reads(self, tmp_path, name, times):
        replay = Replay(file=written(tmp_path, table(timestamp=times), name), column="spot")
        assert replay.start()[0] == math.log(CLOSES[0]) and replay.start()[1] == 0
        assert replay.limit_steps(60.0) == 49 * 60
        assert replay.gaps == []

    @pytest.mark.parametrize(
        ("start", "hours"),
        [
            (datetime(2021, 3, 1, 5), 5),
            ("2021-03-01T05:00:00Z", 5),
            ("2021-03-01T04:30:00", 5),
            (datetime(2021, 3, 1, 5, tzinfo=UTC), 5),
            ("2021-03-02", 24),
        ],
    )
    def test_starts_at_the_first_row_from(self, bars, start, hours):
        replay = Replay(file=bars, column="spot", start=start, days=0.5)
        assert replay.start()[0] == math.log(CLOSES[hours])
        assert replay.limit_steps(60.0) == 720

    def test_real_columns(self, bars):
        real = Replay(file=bars, column="spot", start="2021-03-01T05:00:00", days=1).real(
            ["spot", "perp"]
        )
        assert np.array_equal(real["seconds"], 3600.0 * np.arange(25))
        assert np.array_equal(real["perp"], CLOSES[5:30] + 5)
        with pytest.raises(ParameterError, match="columns was 'prep', .*did you mean 'perp'"):
            Replay(file=bars, column="spot").real(["prep"])

    def test_bars_of_any_length_and_an_end_between_closes(self, tmp_path):
        times = pd.date_range("2021-03-01", periods=50, freq="5min")
        replay = Replay(file=written(tmp_path, table(timestamp=times)), column="spot", days=0.001)
        assert replay.limit_steps(1.0) == 86
        assert len(drawn(replay, [86], 1.0)) == 86

    def test_a_file_written_again_is_read_again(self, tmp_path):
        replay = Replay(file=written(tmp_path, table()), column="spot")
        replay.start()
        written(tmp_path, table(spot=2.0))
        assert replay.start()[0] == math.log(2.0)

    def test_from_a_scenario_and_to_a_worker(self, bars):
        adapter = pydantic.TypeAdapter(SpotProcess)
        given_fields = {
            "process": "replay",
            "file": str(bars),
            "column": "spot",
            "start": "2021-03-01T05:00:00Z",
        }
        replay = adapter.validate_python(given_fields)
        assert (
            adapter.validate_json(replay.model_dump_json())
            == replay
            == pickle.loads(pickle.dumps(replay))
        )
        assert "2021-03-01T05:00:00Z" in replay.model_dump_json()
        with pytest.raises(pydantic.ValidationError, match="colum"):
            adapter.validate_python(given_fields | {"colum": "spot"})

    def test_trailing_blank_lines_are_no_rows(self, tmp_path):
        file = tmp_path / "bars.csv"
        file.write_text(table().to_csv(index=False) + "\n\n")
        assert Replay(file=file, column="spot").limit_steps(3600.0) == 49


class TestRefusals:
    @pytest.mark.parametrize("content", ["", "timestamp,spot\n", "timestamp,spot\n2021-01-01,5\n"])
    def test_too_little(self, refusal, content):
        (fault,) = refusal(content)
        assert fault.key == "file"

    def test_no_file(self, tmp_path):
        for file in (tmp_path / "none.csv", tmp_path):
            with pytest.raises(ParameterError, match="must be an existing file"):
                Replay(file=file, column="spot").start()

    @pytest.mark.parametrize("name", ["bars.csv.gz", "bars.parquet", "bars.csv"])
    def test_no_table(self, tmp_path, name):
        file = tmp_path / name
        file.write_bytes(b"\xff\xfe\x00not a table")
        with pytest.raises(ParameterError, match=name):
            Replay(file=file, column="spot").start()

    def test_cut_short(self, tmp_path):
        file = tmp_path / "bars.csv.gz"
        file.write_bytes(gzip.compress(table().to_csv(index=False).encode())[:-200])
        with pytest.raises(ParameterError, match="readable CSV"):
            Replay(file=file, column="spot").start()

    def test_ragged_rows(self, refusal):
        (fault,) = refusal("timestamp,spot\n2021-01-01,5\n2021-01-02,5,7\n")
        assert fault.line == 3 and fault.value == "3 fields in line 3"
        faults = refusal("timestamp,spot\n2021-01-01,5,7\n2021-01-02,5,7\n")
        assert [fault.line for fault in faults] == [2, 3]
        assert all("as many fields" in fault.expected for fault in faults)

    def test_both_columns_at_once_with_near_names(self, refusal):
        price, time = refusal(table(), column="sopt", time_column="time")
        assert (price.key, price.value) == (
            "column",
            "sopt",
        ) and "did you mean 'spot'" in price.expected
        assert (time.key, time.value) == ("time_column", "time") and "'timestamp'" in time.expected

    def test_times_and_prices_at_once_with_their_lines(self, refusal):
        frame = table().astype(object)
        frame.loc[3, "timestamp"], frame.loc[7, "timestamp"] = "noon", frame.loc[6, "timestamp"]
        frame.loc[9, "timestamp"] = "2020-01-01T00:00:00Z"
        for row, value in ((11, -1), (12, 0), (13, "inf"), (14, None), (15, "much")):
            frame.loc[row, "spot"] = value
        faults = refusal(frame)
        assert [(fault.key, fault.line) for fault in faults] == [
            ("timestamp", 5),
            ("timestamp", 9),
            ("timestamp", 11),
            *(("spot", line) for line in range(13, 18)),
        ]

    def test_a_blank_line_within_keeps_the_lines(self, refusal):
        lines = table().to_csv(index=False).split("\n")
        faults = refusal("\n".join([*lines[:5], "", *lines[5:10], "2021-03-01T20:00:00Z,-3", ""]))
        assert [(fault.key, fault.line) for fault in faults] == [
            ("timestamp", 6),
            ("spot", 6),
            ("spot", 12),
        ]

    def test_many_faults_are_counted(self, refusal):
        faults = refusal(table(spot=-1.0))
        assert len(faults) == 21 and faults[-1].value == "wrong in 30 more rows"

    @pytest.mark.parametrize(
        ("fields", "key"),
        [
            ({"start": "2021-02-28"}, "start"),
            ({"start": "2021-03-03T01:00:00"}, "start"),
            ({"start": "2030-01-01"}, "start"),
            ({"days": 2.1}, "days"),
            ({"start": "2021-03-02", "days": 2}, "days"),
        ],
    )
    def test_window_outside(self, refusal, fields, key):
        (fault,) = refusal(table(), **fields)
        assert fault.key == key

    def test_only_the_window_must_be_sound(self, tmp_path):
        frame = table()
        frame.loc[2, "spot"] = math.nan
        assert (
            Replay(
                file=written(tmp_path, frame), column="spot", start="2021-03-01T03:00:00"
            ).limit_steps(3600.0)
            == 46
        )

    def test_gaps_are_listed_and_wide_ones_refused(self, tmp_path, refusal):
        frame = table().drop(index=[5, 6, 7, 20])
        replay = Replay(file=written(tmp_path, frame), column="spot")
        assert replay.gaps == [("2021-03-01T05:00:00Z", 3), ("2021-03-01T20:00:00Z", 1)]
        closes = drawn(replay, [49 * 60], 60.0)[59::60]
        assert np.array_equal(
            np.delete(closes, [4, 5, 6, 19]), np.log(np.delete(CLOSES, [0, 5, 6, 7, 20]))
        )
        (fault,) = refusal(frame, largest_gap_bars=2)
        assert fault.line == 7 and "3 missing bars" in fault.value and "at most 2" in fault.expected

    @pytest.mark.parametrize(
        "wrong",
        [
            {"days": 0},
            {"start": "soon"},
            {"largest_gap_bars": -1},
            {"column": None},
            {"bridge_half_life_bars": 0},
            {"initial_price": 5},
        ],
    )
    def test_fields(self, bars, wrong):
        with pytest.raises(ParameterError, match=next(iter(wrong))):
            Replay(**{"file": bars, "column": "spot"} | wrong)


@real_file
class TestRealFile:
    def test_four_years_by_the_minute(self):
        replay = Replay(file=REAL, column="spot")
        assert replay.limit_steps(60.0) == 1460 * 1440 + 23 * 60
        assert len(replay.gaps) == 15 and sum(missing for _, missing in replay.gaps) == 32
        log_prices, real = drawn(replay, [1_000_000, 1_103_780], 60.0), replay.real(["spot"])
        at = np.rint(real["seconds"][1:] / 60).astype(int) - 1
        assert np.array_equal(log_prices[at], np.log(real["spot"][1:]))
        hourly, minutes = (
            np.diff(log_prices[59::60]).std() * math.sqrt(60),
            np.diff(log_prices).std() * math.sqrt(3600),
        )
        assert 0.8 < minutes / hourly < 1.05

    def test_a_gap_is_refused_where_told(self):
        with pytest.raises(ParameterError) as caught:
            Replay(file=REAL, column="spot", largest_gap_bars=4).start()
        assert len(caught.value.faults) == 1
