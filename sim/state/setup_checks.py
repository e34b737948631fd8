"""Checks of a setup that is made in Python: its clock, its names, its populations."""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
from pydantic import ConfigDict, Field

from perplab.sim.errors import Fault, ParameterError
from perplab.sim.faults import Refusing, checked
from perplab.sim.setup import AssetSetup, MarketSetup, Population, Setup

Seconds = Annotated[float, Field(strict=True, gt=0, le=1e9)]
Switch = Annotated[bool, Field(strict=True)]
PARTS = {"assets": AssetSetup, "markets": MarketSetup, "populations": Population}


class Clock(Refusing):
    """The clock of a setup, and what is recorded."""

    model_config = ConfigDict(allow_inf_nan=False)

    dt: Seconds
    premium_samples: Annotated[int, Field(strict=True, ge=1)]
    record_seconds: Seconds
    wealth_seconds: Seconds
    print_trades: Switch
    no_impact: Switch
    steps: Annotated[int, Field(strict=True, ge=0)] | None


def refuse_setup(setup):
    """Refuse a setup whose clock, names or populations cannot be.

    Raises
    ------
    ParameterError
    """
    if not isinstance(setup, Setup):
        raise ParameterError(Fault("setup", setup, "a Setup, or what build makes of a scenario"))
    if faults := [*part_faults(setup)]:
        raise ParameterError(*faults)
    checked(Clock, {key: getattr(setup, key) for key in Clock.model_fields})
    if faults := [*name_faults(setup), *population_faults(setup.populations)]:
        raise ParameterError(*faults)


def part_faults(setup):
    """Yield a fault for each part of a setup that is of another type."""
    for key, kind in PARTS.items():
        parts = getattr(setup, key)
        if not isinstance(parts, (list, tuple)) or not all(isinstance(one, kind) for one in parts):
            yield Fault(key, parts, f"a list of {kind.__name__}")


def name_faults(setup):
    """Yield a fault for each list of parts that is empty or has a name twice, and wrong assets."""
    assets = [asset.name for asset in setup.assets]
    for key, names in (("assets", assets), ("populations", [p.name for p in setup.populations])):
        if len(set(names)) < len(names):
            yield Fault(key, names, "named differently")
    for key in PARTS:
        if not getattr(setup, key):
            yield Fault(key, [], "at least one")
    for market in setup.markets:
        if market.asset not in assets:
            yield Fault(f"markets.{market.venue}.asset", market.asset, f"one of {assets}")


def population_faults(populations):
    """Yield a fault for each kind, number and trait of a population that cannot be."""
    for population in populations:
        key, number, kind = f"populations.{population.name}", population.number, population.kind
        whole = isinstance(number, (int, np.integer)) and not isinstance(number, bool)
        if not whole or number < 0:
            yield Fault(f"{key}.number", number, "a whole number of at least 0")
        if not (isinstance(kind, type) and hasattr(kind, "traits") and hasattr(kind, "slots")):
            yield Fault(f"{key}.kind", kind, "a Trader class, such as Noise")
        if not isinstance(population.traits, Mapping):
            yield Fault(f"{key}.traits", population.traits, "a mapping of traits to values")
        elif whole:
            yield from shape_faults(key, population.traits, number)


def shape_faults(key, traits, number):
    """Yield a fault for each trait that has neither one value nor one for each trader."""
    for name, value in traits.items():
        if isinstance(value, (list, tuple, np.ndarray)) and np.shape(value) not in ((), (number,)):
            bound = f"one number, or {number}: one for each trader"
            yield Fault(f"{key}.{name}", f"of shape {np.shape(value)}", bound)
