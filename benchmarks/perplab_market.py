"""(b) perplab's own step on the zero-intelligence market: ledger, margin, mark and funding on, through ``model.step()``."""

import functools

from benchmarks.clock import measure_steps, warm_up
from benchmarks.zero_intelligence import REFERENCE_TICK, TICK
from benchmarks.zero_intelligence_trader import STEP_SECONDS, ZeroIntelligence
from sim.model import PerpetualMarket
from sim.rulebook import load_rulebook
from sim.setup import AssetSetup, MarketSetup, Population, Setup
from sim.spot import GeometricBrownian

SLEEPERS_A_TRADER = 9


def zero_intelligence_market(traders, sleepers=0, seed=1):
    """Return the market of README.md on Binance's rules, with a spot that hardly moves.

    Nobody ties the book to the index here, so a lively spot would in time leave it outside the venue's band.
    """
    price = GeometricBrownian(initial_price=REFERENCE_TICK * TICK, volatility=0.02)
    populations = [Population(name="traders", kind=ZeroIntelligence, number=traders)]
    if sleepers:
        populations.append(Population(name="sleepers", kind=ZeroIntelligence, number=sleepers, traits={"wake_seconds": 0.0}))
    return PerpetualMarket(Setup(
        dt=STEP_SECONDS, assets=[AssetSetup(name="btc", process=price)], populations=populations,
        markets=[MarketSetup(venue="binance", asset="btc", rulebook=load_rulebook("binance"))]), seed)


def counter(market):
    """Return a function that returns the number of order messages so far."""
    return lambda: int(market.tables["run"]["order_messages"][0])


@functools.cache
def settled(traders, sleepers):
    """Return this process's market of so many traders and sleepers, its book settled."""
    market = zero_intelligence_market(traders, sleepers)
    warm_up(market.step, counter(market), traders)
    return market


def measure(traders, seconds):
    """Return ``(messages, cpu_seconds)`` of the zero-intelligence market."""
    market = settled(traders, 0)
    return measure_steps(market.step, counter(market), seconds)


def measure_with_sleepers(traders, seconds):
    """Return ``(messages, cpu_seconds)`` with nine more traders for each, whose wake rate is zero."""
    market = settled(traders, SLEEPERS_A_TRADER * traders)
    return measure_steps(market.step, counter(market), seconds)
