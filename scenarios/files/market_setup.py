"""The setup of a scenario's market: assets, markets, and populations with their traits drawn."""

import numpy as np
import pydantic

from perplab.agents.traits import LARGEST
from perplab.scenarios.files.kinds import kind_named
from perplab.scenarios.files.population_checks import largest_leverage
from perplab.scenarios.files.schema import Scenario
from perplab.scenarios.files.validation import rulebook_of
from perplab.sim.setup import AssetSetup, MarketSetup, Population, Setup
from perplab.sim.spot.shocks import SpotShock
from perplab.sim.streams import generator, stated_seed

SHOCK = pydantic.TypeAdapter(SpotShock)


def setup_of(scenario: Scenario, seed: int) -> Setup:
    """Return the setup of a scenario's market.

    Parameters
    ----------
    scenario : Scenario
    seed : int
        Traits are drawn from a stream for each population and trait. It is not optional: the
        market has to be built with the same one.

    Returns
    -------
    perplab.sim.setup.Setup
    """
    seed = stated_seed(seed)
    books = {key: rulebook_of(market) for key, market in scenario.all_markets.items()}
    return Setup(
        dt=scenario.dt_seconds,
        assets=asset_setups(scenario),
        markets=market_setups(scenario, books),
        populations=[
            population_setup(name, population, seed, books)
            for name, population in scenario.populations.items()
            if population.number
        ],
        premium_samples=max(1, round(scenario.dt_seconds / scenario.premium_sample_seconds)),
        record_seconds=scenario.record_seconds,
        wealth_seconds=scenario.record.wealth_seconds,
        print_trades=scenario.record.trades,
        steps=scenario.steps,
    )


def first_asset(scenario):
    """Return the name of the first asset, which markets and shocks without an asset refer to."""
    return next(iter(scenario.all_assets.values())).name


def asset_setups(scenario):
    """Return the setups of a scenario's assets, each with its shocks."""
    first = first_asset(scenario)
    return [
        asset_setup(
            asset, [shock for shock in scenario.shocks if (shock.asset or first) == asset.name]
        )
        for asset in scenario.all_assets.values()
    ]


def asset_setup(asset, shocks):
    """Return the setup of one asset with its shocks."""
    values = {name: getattr(asset, name) for name in type(asset).model_fields if name != "price"}
    return AssetSetup(process=asset.price, shocks=tuple(map(without_asset, shocks)), **values)


def without_asset(shock):
    """Return a shock of a scenario file as the simulator's own type, which names no asset."""
    return SHOCK.validate_python(shock.model_dump(exclude={"asset"}))


def market_setups(scenario, books):
    """Return the setups of a scenario's markets, given their rulebooks by key."""
    first = first_asset(scenario)
    return [
        MarketSetup(
            venue=market.venue or books[key].name,
            asset=market.asset or first,
            rulebook=books[key],
        )
        for key, market in scenario.all_markets.items()
    ]


def population_setup(name, population, seed, books):
    """Return a population with its traits drawn, leverage capped at the venue's largest."""
    kind = kind_named(population.kind)
    traits = {
        trait: kind.traits.traits[trait].number(value)
        if isinstance(value, (float, str))
        else np.clip(
            value.draw(generator(seed, f"traits/{name}/{trait}"), population.number),
            -LARGEST,
            LARGEST,
        )
        for trait, value in population.traits.items()
    }
    if "leverage" in traits:
        most = largest_leverage(kind, population, books)
        traits["leverage"] = np.minimum(traits["leverage"], most)
    return Population(name=name, kind=kind, number=population.number, traits=traits)
