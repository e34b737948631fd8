"""Predatory trading: closed forms against numerical solutions, schedules, the market's figures."""

import math

import numpy as np
import pytest
from scipy.integrate import solve_bvp, trapezoid

from perplab.agents.attacks import predation as game
from perplab.agents.random_rows import plausible_rows
from perplab.agents.trader_check import call
from perplab.analysis.estimators import predatory_trading as theory
from perplab.analysis.studies.execution import branches_of
from perplab.analysis.studies.experiments.attacks import predation as study
from perplab.analysis.studies.measures.predation import predation_run, temporary_seconds
from perplab.analysis.studies.results import Contrast, Result, contrasts_of
from perplab.scenarios.files.loader import load
from perplab.scenarios.sweeps.jobs import Job, outcomes_of
from perplab.sim.state.codes import SPOT
from perplab.sim.streams import generator

G, T = 1.3, 2.0
TIMES = np.linspace(0.0, T, 4_001)
GAMES = [((-1.0, 0.0), 0.2), ((-1.0, 0.0), 2.0), ((-2.0, 0.5, 0.0), 0.4)]


def cumulative(rates):
    """Return the integral of rates over `TIMES` from 0 on."""
    steps = 0.5 * (rates[..., 1:] + rates[..., :-1]) * np.diff(TIMES)
    return np.concatenate([np.zeros((*rates.shape[:-1], 1)), steps.cumsum(axis=-1)], axis=-1)


def cost_of(rates, trader, temporary):
    """Return what a trader pays for its rates beyond the price at the start."""
    total = rates.sum(axis=0)
    price = G * cumulative(total) + temporary * total
    return trapezoid(price * rates[trader], TIMES)


@pytest.mark.parametrize(("amounts", "temporary"), GAMES)
def test_rates_solve_the_conditions_of_all_traders(amounts, temporary):
    """Euler and Lagrange for each trader: l (Y' + Y_i') = g (Y_i - Y), as a boundary problem."""
    n, amounts = len(amounts), np.array(amounts)
    inverse = np.linalg.inv(np.ones((n, n)) + np.eye(n)) * (G / temporary)

    def slopes(times, state):
        rates = state[n:]
        return np.vstack([rates, inverse @ (rates - rates.sum(axis=0))])

    def ends(first, last):
        return np.concatenate([first[:n], last[:n] - amounts])

    start = np.vstack([np.outer(amounts, TIMES[::80] / T), np.zeros((n, len(TIMES[::80])))])
    solved = solve_bvp(slopes, ends, TIMES[::80], start, tol=1e-8, max_nodes=20_000)
    rates = theory.equilibrium_rates(TIMES, amounts, G, temporary, T)
    assert solved.success
    assert solved.sol(TIMES)[n:] == pytest.approx(rates, abs=1e-5)


@pytest.mark.parametrize(("amounts", "temporary"), GAMES)
def test_no_deviation_lowers_a_trader_s_cost(amounts, temporary):
    rates = theory.equilibrium_rates(TIMES, amounts, G, temporary, T)
    rng, paid = np.random.default_rng(1), theory.equilibrium_costs(amounts, G, temporary, T)
    for trader, own in enumerate(paid):
        assert cost_of(rates, trader, temporary) == pytest.approx(own, abs=1e-5)
        for _ in range(100):
            waves = np.cos(np.outer(np.arange(1, 9), np.pi * TIMES / T))
            other = rates.copy()
            other[trader] += rng.normal(0, 0.3, 8) @ waves
            assert cost_of(other, trader, temporary) > own + 1e-6


def test_a_wrong_rate_is_no_equilibrium():
    """The test above can fail: against traders who race too slowly a deviation pays."""
    temporary = 0.2
    rates = theory.equilibrium_rates(TIMES, (-1.0, 0.0), G, 2 * temporary, T)
    better = theory.equilibrium_rates(TIMES, (-1.0, 0.0), G, temporary, T)
    mixed = np.stack([rates[0], 0.5 * (rates[1] + better[1])])
    assert cost_of(mixed, 1, temporary) < cost_of(rates, 1, temporary)


def test_costs_of_one_predator_are_those_of_the_literature():
    printed = {1: (0.0456, 0.0364), 0.2: (0.1755, 0.1312), 0.05: (0.2835, 0.1665)}
    printed |= {0.01: (0.3233, 0.1667), 0.002: (0.3313, 0.1667)}
    for ratio, expected in printed.items():
        assert theory.predation_costs(ratio) == pytest.approx(expected, abs=5.1e-5)
    assert theory.predation_costs(1e-5) == pytest.approx((1 / 3, 1 / 6), abs=2e-5)
    for n in (3, 5, 9):
        limits = 1 / 2 - 1 / (n * (n + 1)), (n - 1) / (n * (n + 1))
        assert theory.predation_costs(1e-6, n - 1) == pytest.approx(limits, abs=1e-5)


@pytest.mark.parametrize("predators", [0, 1, 3])
@pytest.mark.parametrize("ratio", [0.0, 0.5, 20.0, 200.0])
def test_schedules_are_the_integrals_of_the_rates(predators, ratio):
    shares = np.linspace(0.0, 1.0, 4_001)
    amounts = [1.0] + [0.0] * predators
    rates = theory.equilibrium_rates(shares, amounts, 1.0, 1 / max(ratio, 1e-7), 1.0)
    middle = 0.5 * (rates[:, 1:] + rates[:, :-1]) / (len(shares) - 1)
    for own in {1.0, 0.0} if predators else {1.0}:
        sold = [game.raced_share(own, predators, ratio, share) for share in shares]
        assert np.diff(sold) == pytest.approx(middle[0 if own else 1], rel=2e-3, abs=1e-9)
        assert (sold[0], sold[-1]) == pytest.approx((0.0, own), abs=1e-12)


@pytest.mark.parametrize("predators", [1, 2, 4, 8])
def test_limited_rates_overshoot_as_in_theory(predators):
    shares = np.linspace(0.0, 1.5, 4_801)
    seller, predator = (
        np.array([game.limited_share(own, predators, share) for share in shares])
        for own in (1.0, 0.0)
    )
    price = -(seller + predators * predator)
    middle = 0.5 * (price[1:] + price[:-1])
    got, kept = ((np.diff(sold) * middle).sum() for sold in (seller, predator))
    assert price[-1] - price.min() == pytest.approx(theory.predation_overshoot(predators))
    assert (-got - 0.5, predators * kept) == pytest.approx(theory.predation_costs(0, predators))
    limit = 1 if predators > 1 else 2
    assert np.abs(np.diff(predator)).max() <= limit * np.diff(shares)[0] * (1 + 1e-9)


def middle_of(kind, **traits):
    """Return the spot orders that a trader writes half-way through its horizon, holding nothing."""
    draw = generator(1, "rows")
    me, accounts, positions, views, mine, rng, orders = plausible_rows(kind, draw)
    me[:] = kind.traits.table(1, dict(start_hours=1, size_usd=2_000_000, **traits))
    views["dt"], views["spot"], positions["spot_lots"] = 0.0, 20_000.0, 0
    written = []
    for seconds in (3_599.0, 7_200.0):
        views["seconds"] = seconds
        rows = (me, accounts, positions, views, mine, rng, orders)
        written.append(orders[: call(kind.decide.function, rows)].copy())
    assert len(written[0]) == 0
    return [(int(row["side"]), int(row["lots"])) for row in written[1] if row["kind"] == SPOT]


def test_sellers_and_predators_trade_what_is_missing():
    limited = {"temporary_seconds": 0, "predators": 4}
    assert middle_of(game.DistressedSeller, **limited) == [(-1, 50_000)]
    assert middle_of(game.Predator, **limited) == [(-1, round(100_000 * 0.25 * 2 / 3))]
    assert middle_of(game.DistressedSeller, side=1, predators=0) == [(1, 50_000)]
    assert middle_of(game.Predator, horizon_seconds=1_800) == []


def figures_of(arm, seeds):
    """Return the means over seeds of the figures of an arm, run now."""
    rows = []
    for seed in seeds:
        job = Job("", 0, arm.scenario, dict(arm.changes), {}, seed, branches_of(arm), ())
        rows.append(predation_run(dict(outcomes_of(job))))
    return {key: np.mean([row[key] or np.nan for row in rows]) for key in rows[0]}


@pytest.mark.parametrize("predators", [1, 4])
def test_limited_rates_in_the_market(predators):
    found = figures_of(study.game("", "predation", 0, 5.0, predators), [3])
    for key in study.COMPARED:
        assert found[key] == pytest.approx(found[f"{key}_theory"], abs=study.WITHIN)
    assert found["overshoot_theory"] == 1 / predators


def test_the_equilibrium_in_the_market():
    found = figures_of(study.game("", "predation", 0.05, 2.0), range(4))
    assert found["impact_ratio"] == pytest.approx(0.05)
    assert found["extra_cost"] == pytest.approx(theory.predation_costs(0.05)[0], abs=study.WITHIN)
    assert found["gain"] == pytest.approx(theory.predation_costs(0.05)[1], abs=study.WITHIN)


def test_a_predator_that_misjudges_impact_gains_less():
    arm, gains = study.game("", "predation", 0.2, 5.0), {}
    for belief in (360.0, 1_440.0, 5_760.0):
        changes = {"populations.predators.temporary_seconds": belief}
        gains[belief] = figures_of(arm._replace(changes=arm.changes | changes), range(2))["gain"]
    assert gains[1_440.0] > max(gains[360.0], gains[5_760.0]) + 0.01


def test_impact_that_decays_within_seconds_is_temporary_impact_too():
    arm, tau = study.game("", "predation", 0.05, 1.0), 5.0
    per_step = 1 / (1 - math.exp(-1.0 / tau)) + 0.5
    changes = {
        "spot.impact_seconds": tau,
        "spot.transient_impact_bps": study.PERMANENT_BPS * 360.0 / per_step,
    }
    found = figures_of(arm._replace(changes=arm.changes | changes), range(3))
    assert found["impact_ratio"] == pytest.approx(0.05)
    assert found["extra_cost"] == pytest.approx(found["extra_cost_theory"], abs=study.WITHIN)
    scenario = load("predation")
    believed = scenario.populations["seller"].traits["temporary_seconds"]
    assert temporary_seconds(scenario.spot, scenario.dt_seconds) == pytest.approx(believed)


def hand_made(gap, overshoots=(1.0, 0.5)):
    """Return the result of two arms whose figures are off theory by `gap` in two seeds."""
    arms = [study.Arm(f"{study.LIMITED} {n}", "predation", story="predation") for n in (1, 2)]
    rows = {}
    for arm, overshoot in zip(arms, overshoots, strict=True):
        for seed in (0, 1):
            rows[arm.name, seed] = {
                "extra_cost": 0.5 + gap + 1e-5 * seed,
                "extra_cost_theory": 0.5,
                "gain": 0.5,
                "gain_theory": 0.5,
                "overshoot": overshoot + 1e-5 * seed * overshoot,
                "overshoot_theory": overshoot,
            }
    return Result(study.PREDATION, arms, [0, 1], rows)


def test_the_verdict_can_fail():
    assert "are within 0.005 of theory" in study.verdict_of(hand_made(0.001))
    assert "are NOT shown to be within" in study.verdict_of(hand_made(0.02))
    assert "falls with" in study.verdict_of(hand_made(0.0))
    assert "is NOT shown to fall" in study.verdict_of(hand_made(0.0, (0.5, 0.5)))
    name = f"extra cost less theory: {study.LIMITED} 1"
    assert contrasts_of(hand_made(0.02))[name].verdict == "NOT within 0.005 of 0.5000"
    noise = Contrast(0.1, 0.05, 0.15, "", "", 2)
    assert "does NOT contain" in study.judged(study.NOISY, noise, 0.2835)
    assert study.PREDATION.json(hand_made(0.0))["tolerance"] == study.WITHIN
