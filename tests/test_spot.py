"""Spot processes: their distributions, exact transitions, restarts, shocks and sentiment."""

import functools
import json
import math
import pathlib

import numpy as np
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplab.sim.errors import ParameterError
from perplab.sim.spot import (
    GeometricBrownian,
    JumpDiffusion,
    MeanReverting,
    PathShock,
    Regime,
    RegimeSwitching,
    SellProgramme,
    Sentiment,
    SpotProcess,
    SpotShock,
    StochasticVolatility,
    shock_block,
)
from perplab.sim.spot.process import DAY_SECONDS, HOUR_SECONDS, STATE_SIZE, YEAR_SECONDS
from perplab.sim.streams import generator

MOMENTS = pathlib.Path(__file__).parents[2] / "shared" / "data" / "moments_btc_2020_2023.json"
SPOT = pydantic.TypeAdapter(SpotProcess)
SHOCK = pydantic.TypeAdapter(SpotShock)
DRAWN_FOR_EVER = [
    GeometricBrownian(initial_price=100),
    JumpDiffusion(initial_price=100),
    StochasticVolatility(initial_price=100),
    RegimeSwitching(initial_price=100),
    MeanReverting(initial_price=100, level=100),
]
every_process = pytest.mark.parametrize(
    "process", DRAWN_FOR_EVER, ids=lambda process: process.process
)


def path(process, seed, steps, dt):
    state = process.start()
    return np.concatenate(
        [state[:1].copy(), process.block(generator(seed, "spot/test", 0), steps, dt, state)]
    )


def kurtosis(values):
    deviations = values - values.mean()
    return np.mean(deviations**4) / np.mean(deviations**2) ** 2 - 3


def autocorrelation(values, lag):
    deviations = values - values.mean()
    return np.mean(deviations[lag:] * deviations[:-lag]) / np.mean(deviations**2)


@functools.cache
def hourly_volatility_samples(samples=16, years=4, dt=300.0):
    hour = int(HOUR_SECONDS / dt)
    steps = years * 365 * 24 * hour
    return [
        np.diff(path(StochasticVolatility(initial_price=100), seed, steps, dt)[::hour])
        for seed in range(samples)
    ]


@every_process
class TestEveryProcess:
    def test_starts_at_its_price(self, process):
        state = process.start()
        assert state.shape == (STATE_SIZE,) and state.dtype == np.float64
        assert state[0] == math.log(100)

    def test_same_draws_same_block(self, process):
        assert np.array_equal(path(process, 3, 500, 60.0), path(process, 3, 500, 60.0))
        assert not np.array_equal(path(process, 3, 500, 60.0), path(process, 4, 500, 60.0))

    def test_resumes_from_its_state(self, process):
        state = process.start()
        process.block(generator(1, "spot/test", 0), 100, 60.0, state)
        saved = state.copy()
        assert np.array_equal(
            process.block(generator(1, "spot/test", 1), 100, 60.0, state),
            process.block(generator(1, "spot/test", 1), 100, 60.0, saved),
        )
        assert np.array_equal(state, saved)

    def test_state_keeps_the_last_price(self, process):
        state = process.start()
        for block, steps in enumerate((1, 7, 0, 30)):
            log_prices = process.block(generator(1, "spot/test", block), steps, 5.0, state)
            assert log_prices.shape == (steps,) and np.isfinite(log_prices).all()
            assert steps == 0 or log_prices[-1] == state[0]

    def test_never_ends(self, process):
        assert process.limit_steps(60.0) is None

    def test_survives_a_file(self, process):
        assert SPOT.validate_json(process.model_dump_json()) == process

    def test_is_frozen_and_refuses_unknown_keys(self, process):
        with pytest.raises(pydantic.ValidationError, match="frozen"):
            process.initial_price = 5
        with pytest.raises(pydantic.ValidationError, match="Extra inputs"):
            SPOT.validate_python(process.model_dump() | {"sigma": 1})

    @pytest.mark.parametrize("price", [0, -1, math.nan, math.inf, "dear"])
    def test_refuses_a_price(self, process, price):
        with pytest.raises(pydantic.ValidationError, match="initial_price"):
            SPOT.validate_python(process.model_dump() | {"initial_price": price})


class TestGeometricBrownian:
    @pytest.mark.parametrize("dt", [1.0, 60.0, 3600.0])
    def test_variance_and_growth_at_any_dt(self, dt):
        steps = 40_000
        returns = np.diff(
            path(GeometricBrownian(initial_price=100, volatility=0.8, drift=5.0), 7, steps, dt)
        )
        assert returns.std() == pytest.approx(0.8 * math.sqrt(dt / YEAR_SECONDS), rel=0.015)
        error = returns.std() / math.sqrt(steps)
        assert returns.mean() == pytest.approx((5.0 - 0.32) * dt / YEAR_SECONDS, abs=4 * error)

    def test_no_volatility_is_a_straight_line(self):
        log_prices = path(
            GeometricBrownian(initial_price=100, volatility=0, drift=1.0), 1, 365, DAY_SECONDS
        )
        assert log_prices == pytest.approx(math.log(100) + np.arange(366) / 365, abs=1e-12)

    @given(st.floats(0, 20), st.floats(-20, 20), st.floats(1e-3, 1e5), st.integers(0, 50))
    @settings(max_examples=50, deadline=None)
    def test_finite_within_its_bounds(self, volatility, drift, dt, steps):
        process = GeometricBrownian(initial_price=100, volatility=volatility, drift=drift)
        assert np.isfinite(path(process, 1, steps, dt)).all()


class TestJumpDiffusion:
    @pytest.mark.parametrize("dt", [60.0, 1800.0])
    def test_counts_and_sizes_of_jumps(self, dt):
        days = 2000
        process = JumpDiffusion(
            initial_price=100, volatility=0, jumps_per_day=3, jump_mean=0.05, jump_sd=0.001
        )
        log_prices = path(process, 5, int(days * DAY_SECONDS / dt), dt)
        moves = np.diff(log_prices) + np.median(-np.diff(log_prices))
        assert np.rint(moves / 0.05).sum() == pytest.approx(3 * days, abs=4 * math.sqrt(3 * days))
        assert moves[np.rint(moves / 0.05) == 1].mean() == pytest.approx(0.05, abs=1e-4)

    def test_variance_of_a_day(self):
        process = JumpDiffusion(
            initial_price=100, volatility=0.5, jumps_per_day=2, jump_mean=-0.01, jump_sd=0.02
        )
        daily = np.diff(path(process, 2, 20_000, DAY_SECONDS))
        assert daily.var() == pytest.approx(0.25 / 365 + 2 * (0.01**2 + 0.02**2), rel=0.05)

    def test_drift_is_compensated(self):
        process = JumpDiffusion(
            initial_price=1, volatility=0.3, jumps_per_day=5, jump_mean=-0.05, jump_sd=0.05
        )
        growth = np.exp(np.diff(path(process, 3, 200_000, HOUR_SECONDS)))
        assert growth.mean() == pytest.approx(1, abs=4 * growth.std() / math.sqrt(len(growth)))


class TestStochasticVolatility:
    def test_hourly_returns_look_like_bitcoin(self):
        rows = [
            (
                returns.var(),
                kurtosis(returns),
                *(autocorrelation(np.abs(returns), lag) for lag in (24, 168)),
            )
            for returns in hourly_volatility_samples()
        ]
        variance, excess, day, week = np.mean(rows, axis=0)
        assert math.sqrt(variance * 365 * 24) == pytest.approx(0.65, rel=0.08)
        assert excess > 6
        assert 0.08 < week < day

    @pytest.mark.skipif(
        not MOMENTS.exists(), reason="the moments of BTC 2020-2023 are not beside the repository"
    )
    def test_clustering_is_that_of_the_data(self):
        real = json.loads(MOMENTS.read_text())["basis_bps_1h"]["perp_return"]["acf_abs"]
        for lag in (24, 168):
            ours = np.mean(
                [autocorrelation(np.abs(returns), lag) for returns in hourly_volatility_samples()]
            )
            assert ours == pytest.approx(real[str(lag)], abs=0.03)

    @pytest.mark.parametrize("dt", [60.0, 3600.0])
    def test_log_volatility_reverts_at_its_half_life(self, dt):
        process = StochasticVolatility(
            initial_price=100, slow_sd=0, fast_sd=0.6, fast_half_life_hours=5
        )
        states, state, rng = [], process.start(), generator(1, "spot/test", 0)
        for _ in range(20_000):
            process.block(rng, int(HOUR_SECONDS / dt), dt, state)
            states.append(state[2])
        slope = autocorrelation(np.array(states), 1)
        assert -math.log(2) / math.log(slope) == pytest.approx(5, rel=0.1)
        assert np.std(states) == pytest.approx(0.6, rel=0.05)

    def test_starts_at_a_volatility(self):
        process = StochasticVolatility(initial_price=100, initial_volatility=0.2)
        hour = np.array([np.diff(path(process, seed, 60, 60.0)) for seed in range(400)])
        assert math.sqrt(hour[:, 0].var() * YEAR_SECONDS / 60) == pytest.approx(0.2, rel=0.15)

    def test_starts_in_its_stationary_law(self):
        first = [
            path(StochasticVolatility(initial_price=100), seed, 1, 60.0)[1]
            for seed in range(20_000)
        ]
        assert np.std(first) * math.sqrt(YEAR_SECONDS / 60) == pytest.approx(0.65, rel=0.06)


class TestRegimeSwitching:
    PROCESS = RegimeSwitching(
        initial_price=100,
        regimes=(
            Regime(volatility=0.2, mean_days=2),
            Regime(volatility=1.0, mean_days=0.5, weight=3),
            Regime(volatility=2.0, mean_days=1),
        ),
    )

    def spells(self, dt, days=6000):
        """Return (regime, days) of each spell, as seen at the ends of blocks of one step."""
        state, rng, seen = self.PROCESS.start(), generator(4, "spot/test", 0), []
        for _ in range(int(days * DAY_SECONDS / dt)):
            self.PROCESS.block(rng, 1, dt, state)
            seen.append((int(state[1]), state[2]))
        return np.array(seen)

    def test_shares_of_time(self):
        regimes = self.spells(7200.0)[:, 0]
        shares = np.bincount(regimes.astype(int)) / len(regimes)
        assert shares == pytest.approx(self.PROCESS.shares, abs=0.04)
        assert self.PROCESS.shares.sum() == pytest.approx(1)

    def test_durations_are_exponential(self):
        seen = self.spells(7200.0)
        for regime, mean_days in enumerate((2, 0.5, 1)):
            left = seen[seen[:, 0] == regime, 1] / DAY_SECONDS
            assert left.mean() == pytest.approx(mean_days, rel=0.12)
            assert left.std() == pytest.approx(mean_days, rel=0.15)

    @pytest.mark.parametrize("dt", [600.0, DAY_SECONDS, 30 * DAY_SECONDS])
    def test_variance_at_any_dt(self, dt):
        expected = self.PROCESS.shares @ [0.04, 1.0, 4.0]
        returns = np.diff(path(self.PROCESS, 8, int(12_000 * DAY_SECONDS / dt), dt))
        assert returns.var() * YEAR_SECONDS / dt == pytest.approx(expected, rel=0.15)

    def test_drift_of_a_regime(self):
        quiet = RegimeSwitching(
            initial_price=1,
            initial_regime=1,
            regimes=(
                Regime(volatility=0, mean_days=1),
                Regime(volatility=0, drift=2.0, mean_days=1e5),
            ),
        )
        assert path(quiet, 1, 10, DAY_SECONDS)[-1] == pytest.approx(20 / 365, rel=1e-9)

    def test_refuses_one_regime_or_a_start_outside(self):
        with pytest.raises(ParameterError, match="at least 2"):
            RegimeSwitching(initial_price=1, regimes=[Regime(volatility=1, mean_days=1)])
        with pytest.raises(ParameterError, match="initial_regime was 2, must be below 2"):
            RegimeSwitching(initial_price=1, initial_regime=2)


class TestReversion:
    @pytest.mark.parametrize("dt", [60.0, 900.0])
    def test_price_half_life_by_regression(self, dt):
        process = MeanReverting(initial_price=100, level=100, half_life_hours=6, volatility=0.5)
        deviations = path(process, 11, int(3000 * DAY_SECONDS / dt), dt) - math.log(100)
        hourly = deviations[:: int(HOUR_SECONDS / dt)]
        slope = hourly[1:] @ hourly[:-1] / (hourly[:-1] @ hourly[:-1])
        assert -math.log(2) / math.log(slope) == pytest.approx(6, rel=0.05)
        assert hourly.std() == pytest.approx(process.log_sd, rel=0.03)

    def test_short_moves_have_the_volatility(self):
        process = MeanReverting(initial_price=100, level=100, half_life_hours=1000, volatility=0.5)
        assert np.diff(path(process, 1, 50_000, 60.0)).std() == pytest.approx(
            0.5 * math.sqrt(60 / YEAR_SECONDS), rel=0.01
        )

    def test_goes_to_its_level(self):
        process = MeanReverting(initial_price=50, level=100, half_life_hours=1, volatility=0)
        assert np.exp(path(process, 1, 1, 3600.0)[1]) == pytest.approx(math.sqrt(50 * 100))

    @pytest.mark.parametrize("dt", [60.0, HOUR_SECONDS])
    def test_sentiment(self, dt):
        sentiment, hour = Sentiment(half_life_hours=10, sd=2), int(HOUR_SECONDS / dt)
        state = sentiment.start()
        values = sentiment.block(generator(1, "sentiment"), 40_000 * hour, dt, state)[
            hour - 1 :: hour
        ]
        assert state[0] == values[-1] and sentiment.limit_steps(dt) is None
        assert values.std() == pytest.approx(2, rel=0.05)
        assert -math.log(2) / math.log(autocorrelation(values, 1)) == pytest.approx(10, rel=0.08)

    def test_sentiment_starts_in_its_law_or_where_told(self):
        drawn = [
            Sentiment().block(generator(seed, "sentiment"), 1, 60.0, Sentiment().start())[0]
            for seed in range(4000)
        ]
        assert np.std(drawn) == pytest.approx(1, rel=0.05)
        told = Sentiment(initial=3.0)
        assert told.start()[0] == 3.0
        assert told.block(generator(1, "sentiment"), 1, 1e-6, told.start())[0] == pytest.approx(
            3, abs=1e-3
        )


class TestShocks:
    SHOCKS = (
        PathShock(at_hours=1, minutes=30, move=-0.1),
        PathShock(at_hours=1.25, minutes=10, move=0.05),
        SellProgramme(at_hours=0.5, minutes=45, notional_usd=-3e6),
    )

    def test_all_of_it_arrives_and_stays(self):
        log_additions, flow_per_step = shock_block(self.SHOCKS, 0, 180, 60.0)
        assert log_additions[58] == 0 and log_additions[59] == 0 and log_additions[60] < 0
        assert np.exp(log_additions[-60:]) == pytest.approx(0.9 * 1.05)
        assert flow_per_step.sum() == pytest.approx(-3e6)
        assert flow_per_step[30:75] == pytest.approx(-3e6 / 45)

    @given(st.integers(1, 179), st.sampled_from([7.0, 60.0, 61.3]))
    @settings(max_examples=30, deadline=None)
    def test_blocks_join(self, cut, dt):
        whole = shock_block(self.SHOCKS, 0, 180, dt)
        parts = shock_block(self.SHOCKS, 0, cut, dt), shock_block(self.SHOCKS, cut, 180 - cut, dt)
        for column in (0, 1):
            assert np.array_equal(whole[column], np.concatenate([part[column] for part in parts]))

    def test_none(self):
        assert not np.any(shock_block([], 5, 3, 60.0))

    def test_kinds_from_a_file(self):
        shock = SHOCK.validate_python(
            {"kind": "programme", "at_hours": 1, "minutes": 5, "notional_usd": -1e6}
        )
        assert isinstance(shock, SellProgramme)

    @pytest.mark.parametrize(
        "wrong", [{"move": -1}, {"minutes": 0}, {"at_hours": -1}, {"move": math.nan}, {"size": 1}]
    )
    def test_refuses(self, wrong):
        with pytest.raises(pydantic.ValidationError, match=next(iter(wrong))):
            SHOCK.validate_python(
                {"kind": "path", "at_hours": 1, "minutes": 5, "move": -0.1} | wrong
            )


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"process": "geometric_brownian", "volatility": -0.1}, "volatility"),
        ({"process": "geometric_brownian", "drift": math.inf}, "drift"),
        ({"process": "jump_diffusion", "jumps_per_day": -1}, "jumps_per_day"),
        ({"process": "stochastic_volatility", "fast_half_life_hours": 0}, "fast_half_life_hours"),
        (
            {"process": "regime_switching", "regimes": [{"volatility": 1}, {"volatility": 2}]},
            "mean_days",
        ),
        ({"process": "mean_reverting"}, "level"),
        ({"process": "brownian"}, "geometric_brownian"),
    ],
)
def test_refuses_by_name(wrong, name):
    with pytest.raises(pydantic.ValidationError, match=name):
        SPOT.validate_python({"initial_price": 100} | wrong)
