"""(b) perplab on the zero-intelligence market; (c) perplab's scenario `calm`.

Both call ``model.step()``, with ledger, margin, mark and funding.
"""

import functools

from benchmarks.clock import measure_steps, warm_up
from benchmarks.zero_intelligence import REFERENCE_TICK, TICK
from benchmarks.zero_intelligence_trader import STEP_SECONDS, ZeroIntelligence
from perplab.scenarios.files.loader import build, load
from perplab.sim.model import PerpetualMarket
from perplab.sim.rulebook.rulebook import load_rulebook
from perplab.sim.setup import AssetSetup, MarketSetup, Population, Setup
from perplab.sim.spot.processes import GeometricBrownian

SLEEPERS_A_TRADER = 9


def zero_intelligence_market(traders, sleepers=0, seed=1):
    """Return the market of README.md under Binance's rules, with almost constant spot.

    No trader ties the book to the index here, so a moving spot would eventually leave it outside
    the venue's price band.
    """
    price = GeometricBrownian(initial_price=REFERENCE_TICK * TICK, volatility=0.02)
    populations = [Population(name="traders", kind=ZeroIntelligence, number=traders)]
    if sleepers:
        populations.append(
            Population(
                name="sleepers",
                kind=ZeroIntelligence,
                number=sleepers,
                traits={"wake_seconds": 0.0},
            )
        )
    return PerpetualMarket(
        Setup(
            dt=STEP_SECONDS,
            assets=[AssetSetup(name="btc", process=price)],
            populations=populations,
            markets=[MarketSetup(venue="binance", asset="btc", rulebook=load_rulebook("binance"))],
        ),
        seed,
    )


def counter(market):
    """Return a function that returns the number of order messages so far."""
    return lambda: int(market.tables["run"]["order_messages"][0])


@functools.cache
def settled(traders, sleepers):
    """Return this process's market with that many traders and sleepers and a settled book."""
    market = zero_intelligence_market(traders, sleepers)
    warm_up(market.step, counter(market), traders)
    return market


def measure(traders, seconds):
    """Return ``(messages, cpu_seconds)`` of the zero-intelligence market."""
    market = settled(traders, 0)
    return measure_steps(market.step, counter(market), seconds)


def measure_with_sleepers(traders, seconds):
    """Return ``(messages, cpu_seconds)`` with nine more traders per trader that never wake."""
    market = settled(traders, SLEEPERS_A_TRADER * traders)
    return measure_steps(market.step, counter(market), seconds)


def calm_market(traders, seed=1):
    """Return the market of `calm` with all populations scaled to `traders` in total."""
    scenario = load("calm")
    numbers = {name: population.number for name, population in scenario.populations.items()}
    share = traders / sum(numbers.values())
    changes = {
        f"populations.{name}.number": max(round(number * share), 1)
        for name, number in numbers.items()
    }
    return build(load("calm", changes), seed)


@functools.cache
def settled_calm(traders):
    """Return this process's calm market with that many traders after its first hours."""
    market = calm_market(traders)
    market.run(500)
    return market


def measure_calm(traders, seconds):
    """Return ``(messages, cpu_seconds)`` of the scenario `calm`."""
    market = settled_calm(traders)
    return measure_steps(market.step, counter(market), seconds)


def run_calm(traders, days):
    """Run `calm` with its records for a number of days, to measure peak memory."""
    market = calm_market(traders)
    market.run(round(days * 86_400 / market.setup.dt))
    market.records()
