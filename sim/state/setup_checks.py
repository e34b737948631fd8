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
LARGEST_POPULATION = 10_000_000
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
    if faults := [*text_faults(setup)]:
        raise ParameterError(*faults)
    if faults := [*name_faults(setup), *population_faults(setup.populations)]:
        raise ParameterError(*faults)


def part_faults(setup):
    """Yield a fault for each part of a setup that is of another type."""
    for key, kind in PARTS.items():
        parts = getattr(setup, key)
        if not isinstance(parts, (list, tuple)) or not all(isinstance(one, kind) for one in parts):
            yield Fault(key, parts, f"a list of {kind.__name__}")


def text_faults(setup):
    """Yield a fault for each name of a part that is not a text or is empty."""
    for key in PARTS:
        field = "venue" if key == "markets" else "name"
        for index, part in enumerate(getattr(setup, key)):
            name = getattr(part, field)
            if not isinstance(name, str) or not name:
                yield Fault(f"{key}.{index}.{field}", name, "a text of at least one character")


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
        if not whole or not 0 <= number <= LARGEST_POPULATION:
            bound = f"a whole number of at least 0 and at most {LARGEST_POPULATION:,}"
            yield Fault(f"{key}.number", number, bound)
        if not is_kind(kind):
            yield Fault(f"{key}.kind", kind, "a Trader class, such as Noise")
        if not isinstance(population.traits, Mapping):
            yield Fault(f"{key}.traits", population.traits, "a mapping of traits to values")
        elif whole:
            yield from shape_faults(key, population.traits, number)


def is_kind(kind):
    """Return whether a value is a class of traders with traits, which `Trader` itself has not."""
    made = isinstance(kind, type) and hasattr(kind, "slots")
    return made and getattr(kind, "traits", None) is not None


def shape_faults(key, traits, number):
    """Yield a fault for each trait that has neither one value nor one for each trader."""
    for name, value in traits.items():
        if not isinstance(name, str):
            yield Fault(f"{key}.traits", name, "a mapping of the names of traits to values")
        if isinstance(value, (list, tuple, np.ndarray)) and np.shape(value) not in ((), (number,)):
            bound = f"one number, or {number}: one for each trader"
            yield Fault(f"{key}.{name}", f"of shape {np.shape(value)}", bound)
