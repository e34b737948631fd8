"""A setup as plain values (dictionaries, lists, numbers, texts, arrays), and back.

No class is named in the values but a trader's, which is only looked up: see
`perplab.sim.setup.imported_kind`.
"""

import dataclasses

import pydantic

from perplab.sim.errors import Fault, ParameterError
from perplab.sim.rulebook.rulebook import Rulebook
from perplab.sim.setup import (
    AssetSetup,
    MarketSetup,
    Population,
    Setup,
    imported_kind,
    kind_reference,
)
from perplab.sim.spot.displacement import Displacement
from perplab.sim.spot.processes import Sentiment, SmallTakers, SpotProcess
from perplab.sim.spot.shocks import SpotShock

MODELS = {
    name: pydantic.TypeAdapter(kind)
    for name, kind in {
        "process": SpotProcess,
        "sentiment": Sentiment | None,
        "small_takers": SmallTakers | None,
        "displacement": Displacement | None,
        "shocks": tuple[SpotShock, ...],
        "rulebook": Rulebook,
    }.items()
}
"""Types of the values that are models, by the name of their field."""


def setup_values(setup):
    """Return a setup as plain values.

    Raises
    ------
    ParameterError
        If a spot process, a sentiment, a shock or a rulebook is of a class of the user's own.
    """
    return shallow(setup) | {
        "assets": [model_values(asset) for asset in setup.assets],
        "markets": [model_values(market) for market in setup.markets],
        "populations": [population_values(population) for population in setup.populations],
    }


def shallow(part):
    """Return the fields of a dataclass by name."""
    return {field.name: getattr(part, field.name) for field in dataclasses.fields(part)}


def model_values(part):
    """Return a part of a setup with its models as plain values."""
    return {
        name: plain(name, value) if name in MODELS else value
        for name, value in shallow(part).items()
    }


def plain(name, value):
    """Return the value of a field of `MODELS` as plain values that give an equal one."""
    value = tuple(value) if name == "shocks" else value
    values = MODELS[name].dump_python(value, mode="json", warnings=False)
    try:
        same = MODELS[name].validate_python(values) == value
    except pydantic.ValidationError:
        same = False
    if not same:
        raise ParameterError(Fault(name, repr(value)[:80], "of a class of perplab, to be saved"))
    return values


def population_values(population):
    """Return a population with its kind as a reference."""
    return shallow(population) | {
        "kind": kind_reference(population.kind),
        "traits": dict(population.traits),
    }


def setup_of_values(values, kinds=()):
    """Return the setup of what `setup_values` returned.

    Parameters
    ----------
    values : dict
    kinds : sequence of type
        Trader classes of the user's own, for `perplab.sim.setup.imported_kind`.
    """
    populations = [
        Population(**row | {"kind": imported_kind(row["kind"], kinds)})
        for row in values["populations"]
    ]
    return Setup(
        **values
        | {
            "assets": [AssetSetup(**models(row)) for row in values["assets"]],
            "markets": [MarketSetup(**models(row)) for row in values["markets"]],
            "populations": populations,
        }
    )


def models(row):
    """Return the values of a part with its models."""
    return {
        name: MODELS[name].validate_python(value) if name in MODELS else value
        for name, value in row.items()
    }
