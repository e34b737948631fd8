"""The public names of perplab: ``from perplab import ...``.

Build and run a market: `PerpetualMarket` from a `Setup`, or `build` and `run` from a scenario.
Write a trader: `Trader`, `Traits`, `rule`, `check_trader` and the functions that write orders.
Read results: `summarize`, `facts`, `open_runs`. Everything else is imported from `perplab.sim`,
`perplab.agents`, `perplab.scenarios` or `perplab.analysis` and may change between versions.

A name is imported when it is first used, so that ``import perplab`` loads neither numba nor mesa.
"""

import importlib
import importlib.metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    __version__: str

    from perplab.agents.carry.arbitrage import Arbitrage
    from perplab.agents.carry.carry_trader import CarryTrader
    from perplab.agents.day_trader import DayTrader
    from perplab.agents.directional import DirectionalLong, DirectionalShort
    from perplab.agents.liquidity import LiquidityProvider
    from perplab.agents.momentum import Momentum
    from perplab.agents.noise import Noise
    from perplab.agents.orders import (
        write_cancel,
        write_close,
        write_hedge,
        write_limit,
        write_market,
        write_spot,
        write_stop,
        write_transfer,
    )
    from perplab.agents.providers.provider import Provider
    from perplab.agents.providers.value_bidder import ValueBidder
    from perplab.agents.rules import rule
    from perplab.agents.speculator import Speculator
    from perplab.agents.trader import Trader
    from perplab.agents.trader_check import check_trader
    from perplab.agents.traits import Trait, Traits
    from perplab.analysis.metrics.stylised_facts import facts
    from perplab.analysis.metrics.summary import summarize
    from perplab.analysis.report.run_report import write_report
    from perplab.scenarios.files.loader import build, load
    from perplab.scenarios.files.market_setup import setup_of
    from perplab.scenarios.runs.outcome import run
    from perplab.scenarios.runs.results import open_runs
    from perplab.scenarios.sweeps.simulation import simulator
    from perplab.sim.model import PerpetualMarket
    from perplab.sim.rulebook.rulebook import load_rulebook, rulebook_names
    from perplab.sim.setup import AssetSetup, MarketSetup, Population, Setup
    from perplab.sim.spot.brownian import GeometricBrownian, JumpDiffusion
    from perplab.sim.spot.displacement import Displacement
    from perplab.sim.spot.mean_reversion import MeanReverting, Sentiment
    from perplab.sim.spot.regime_switching import Regime, RegimeSwitching
    from perplab.sim.spot.replay import Replay
    from perplab.sim.spot.small_takers import SmallTakers
    from perplab.sim.spot.stochastic_volatility import StochasticVolatility
    from perplab.sweeps import sweep

__all__ = [
    "Arbitrage",
    "AssetSetup",
    "CarryTrader",
    "DayTrader",
    "DirectionalLong",
    "DirectionalShort",
    "Displacement",
    "GeometricBrownian",
    "JumpDiffusion",
    "LiquidityProvider",
    "MarketSetup",
    "MeanReverting",
    "Momentum",
    "Noise",
    "PerpetualMarket",
    "Population",
    "Provider",
    "Regime",
    "RegimeSwitching",
    "Replay",
    "Sentiment",
    "Setup",
    "SmallTakers",
    "Speculator",
    "StochasticVolatility",
    "Trader",
    "Trait",
    "Traits",
    "ValueBidder",
    "build",
    "check_trader",
    "facts",
    "load",
    "load_rulebook",
    "open_runs",
    "rule",
    "rulebook_names",
    "run",
    "setup_of",
    "simulator",
    "summarize",
    "sweep",
    "write_cancel",
    "write_close",
    "write_hedge",
    "write_limit",
    "write_market",
    "write_report",
    "write_spot",
    "write_stop",
    "write_transfer",
]

_MODULE = {
    "Arbitrage": "perplab.agents.carry.arbitrage",
    "AssetSetup": "perplab.sim.setup",
    "CarryTrader": "perplab.agents.carry.carry_trader",
    "DayTrader": "perplab.agents.day_trader",
    "DirectionalLong": "perplab.agents.directional",
    "DirectionalShort": "perplab.agents.directional",
    "Displacement": "perplab.sim.spot.displacement",
    "GeometricBrownian": "perplab.sim.spot.brownian",
    "JumpDiffusion": "perplab.sim.spot.brownian",
    "LiquidityProvider": "perplab.agents.liquidity",
    "MarketSetup": "perplab.sim.setup",
    "MeanReverting": "perplab.sim.spot.mean_reversion",
    "Momentum": "perplab.agents.momentum",
    "Noise": "perplab.agents.noise",
    "PerpetualMarket": "perplab.sim.model",
    "Population": "perplab.sim.setup",
    "Provider": "perplab.agents.providers.provider",
    "Regime": "perplab.sim.spot.regime_switching",
    "RegimeSwitching": "perplab.sim.spot.regime_switching",
    "Replay": "perplab.sim.spot.replay",
    "Sentiment": "perplab.sim.spot.mean_reversion",
    "Setup": "perplab.sim.setup",
    "SmallTakers": "perplab.sim.spot.small_takers",
    "Speculator": "perplab.agents.speculator",
    "StochasticVolatility": "perplab.sim.spot.stochastic_volatility",
    "Trader": "perplab.agents.trader",
    "Trait": "perplab.agents.traits",
    "Traits": "perplab.agents.traits",
    "ValueBidder": "perplab.agents.providers.value_bidder",
    "build": "perplab.scenarios.files.loader",
    "check_trader": "perplab.agents.trader_check",
    "facts": "perplab.analysis.metrics.stylised_facts",
    "load": "perplab.scenarios.files.loader",
    "load_rulebook": "perplab.sim.rulebook.rulebook",
    "open_runs": "perplab.scenarios.runs.results",
    "rule": "perplab.agents.rules",
    "rulebook_names": "perplab.sim.rulebook.rulebook",
    "run": "perplab.scenarios.runs.outcome",
    "setup_of": "perplab.scenarios.files.market_setup",
    "simulator": "perplab.scenarios.sweeps.simulation",
    "summarize": "perplab.analysis.metrics.summary",
    "sweep": "perplab.sweeps",
    "write_cancel": "perplab.agents.orders",
    "write_close": "perplab.agents.orders",
    "write_hedge": "perplab.agents.orders",
    "write_limit": "perplab.agents.orders",
    "write_market": "perplab.agents.orders",
    "write_report": "perplab.analysis.report.run_report",
    "write_spot": "perplab.agents.orders",
    "write_stop": "perplab.agents.orders",
    "write_transfer": "perplab.agents.orders",
}

if not TYPE_CHECKING:  # a type checker reads the imports above

    def __getattr__(name):
        if name == "__version__":
            return importlib.metadata.version("perplab")
        if name not in _MODULE:
            raise AttributeError(f"module 'perplab' has no attribute {name!r}")
        globals()[name] = getattr(importlib.import_module(_MODULE[name]), name)
        return globals()[name]

    def __dir__():
        return __all__
