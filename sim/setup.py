"""What a market is built from: assets, markets, populations.

The values are frozen; they are checked where they are read from a file, and those of assets where
a market is built too.
"""

import dataclasses
import hashlib
import importlib
import importlib.util
import math
import pathlib
import re
import sys
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

OWN_MODULE = re.compile(r"perplab\.agents(\.\w+)*")
"""Modules of perplab that define kinds."""


def resolve_kind(reference):
    """Return the trader class that ``module:Class`` or ``file.py:Class`` names.

    Raises
    ------
    ImportError, AttributeError
        If the module, file or class does not exist.
    """
    place, _, name = reference.rpartition(":")
    if not place.endswith(".py"):
        return getattr(importlib.import_module(place), name)
    return getattr(module_of(pathlib.Path(place).resolve()), name)


def imported_kind(reference, kinds=()):
    """Return the trader class of a reference without executing any file of a user's.

    Parameters
    ----------
    reference : str
        As `kind_reference` returns it.
    kinds : sequence of type
        Classes to look at first. Others are perplab's own, and those imported already.

    Raises
    ------
    ImportError
        If it is none of these.
    """
    given = {kind_reference(kind): kind for kind in kinds}
    if reference in given:
        return given[reference]
    place, _, name = reference.rpartition(":")
    if place.endswith(".py"):
        place = str(pathlib.Path(place).resolve())
    if OWN_MODULE.fullmatch(place):
        return getattr(importlib.import_module(place), name)
    for module in (sys.modules.get(place), sys.modules.get(name_of_file(place)), main_at(place)):
        if isinstance(kind := getattr(module, name, None), type):
            return kind
    raise ImportError(f"{reference} is not imported")


def name_of_file(path):
    """Return the module name of a user's file; it contains a hash of the path."""
    return f"kind_{pathlib.Path(path).stem}_{zlib.crc32(str(path).encode()):08x}"


def main_at(path):
    """Return the main program if it is the file `path`, otherwise None."""
    main = sys.modules["__main__"]
    file = getattr(main, "__file__", None)
    return main if file and str(pathlib.Path(file).resolve()) == path else None


def module_of(path):
    """Return the module of a file, executed once per process.

    Files of the same name are different modules (`name_of_file`).
    """
    module_name = name_of_file(path)
    if module_name not in sys.modules:
        specification = importlib.util.spec_from_file_location(module_name, path)
        if specification is None or not path.exists():
            raise ImportError(f"no file {path}")
        module = sys.modules[module_name] = importlib.util.module_from_spec(specification)
        module.source_hash = hashlib.sha256(path.read_bytes()).hexdigest()
        try:
            specification.loader.exec_module(module)
        except BaseException:
            del sys.modules[module_name]
            raise
    return sys.modules[module_name]


def kinds_hashes(kinds):
    """Return the hashes of users' files among these trader kinds, as they were when executed."""
    return sorted(
        {
            sys.modules[kind.__module__].source_hash
            for kind in kinds
            if kind.__module__.startswith("kind_")
        }
    )


def never_acts(kind):
    """Return in words why traders of a kind would never act, or an empty string."""
    wakes = {"wake_seconds", "latency_seconds"} & set(kind.traits.traits)
    return "" if wakes else "must have a trait wake_seconds or latency_seconds"


def kind_reference(kind):
    """Return a reference that `resolve_kind` turns into the class, in any process."""
    module = sys.modules[kind.__module__]
    if kind.__module__.startswith("kind_") or kind.__module__ == "__main__":
        return f"{pathlib.Path(module.__file__).resolve()}:{kind.__qualname__}"
    return f"{kind.__module__}:{kind.__qualname__}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Population:
    """A kind of trader with its number and traits.

    Parameters
    ----------
    name : str
        Name of its random stream and of its column in the records.
    kind : type
        A subclass of `perplab.agents.trader.Trader`.
    number : int
    traits : mapping of str to float or array[number]
        Values by trait; others have the kind's defaults.
    """

    name: str
    kind: type
    number: int
    traits: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __reduce__(self):
        return _population, (self.name, kind_reference(self.kind), self.number, dict(self.traits))


def _population(name, reference, number, traits):
    return Population(name=name, kind=resolve_kind(reference), number=number, traits=traits)


@dataclasses.dataclass(frozen=True, kw_only=True)
class AssetSetup:
    """An asset and its spot market.

    Parameters
    ----------
    process : object
        A spot process of `perplab.sim.spot.processes`.
    permanent_impact_bps, transient_impact_bps : float
        In bp per 100,000 of quote currency traded in spot; the second is .1 unless it is given, and
        0 beside `displacement`.
    impact_seconds : float
        Decay time of the transient impact.
    half_spread_bps, fee_bps : float, bp of the price or value
    borrow_rate_per_year : float
    borrow_limit_usd : float
        Limit of what all traders together may borrow, at the initial price.
    perp_price_discovery : float
        Share of signed perpetual flow that has the permanent impact of spot flow.
    shocks : sequence
        Shocks of `perplab.sim.spot.shocks`.
    sentiment : object or None
        A `perplab.sim.spot.processes.Sentiment`; None keeps it at zero.
    displacement : object or None
        A `perplab.sim.spot.displacement.Displacement`; None: impact is linear, and there are no
        late buyers.
    small_takers : object or None
        A `perplab.sim.spot.processes.SmallTakers`; None leaves spot at its efficient price.
    """

    name: str
    process: object
    permanent_impact_bps: float = 0.02
    transient_impact_bps: float | None = None
    impact_seconds: float = 600.0
    half_spread_bps: float = 0.3
    fee_bps: float = 0.0
    borrow_rate_per_year: float = 0.05
    borrow_limit_usd: float = math.inf
    perp_price_discovery: float = 0.0
    shocks: Sequence = ()
    sentiment: object = None
    small_takers: object = None
    displacement: object = None

    def __post_init__(self):
        if self.transient_impact_bps is None:
            slope = 0.1 if self.displacement is None else 0.0
            object.__setattr__(self, "transient_impact_bps", slope)


@dataclasses.dataclass(frozen=True, kw_only=True)
class MarketSetup:
    """A perpetual: a venue, its rulebook, an asset. Markets of one venue share its accounts."""

    venue: str
    asset: str
    rulebook: object


@dataclasses.dataclass(frozen=True, kw_only=True)
class Setup:
    """All that a run is built from, except its seed.

    Parameters
    ----------
    dt : float, seconds per step
    premium_samples : int
        Samples of the premium index per step.
    record_seconds : float
        Interval of the recorded series.
    wealth_seconds : float
        Interval of the recorded wealth by kind.
    print_trades : bool
        Whether every trade is recorded.
    no_impact : bool
        The no-impact twin: liquidated positions go to the fund at the mark, untraded.
    steps : int, optional
        Length of the run: there `run_model` ends and `running` becomes False.
    """

    dt: float
    assets: Sequence[AssetSetup]
    markets: Sequence[MarketSetup]
    populations: Sequence[Population]
    premium_samples: int = 1
    record_seconds: float = 60.0
    wealth_seconds: float = 3600.0
    print_trades: bool = False
    no_impact: bool = False
    steps: int | None = None
