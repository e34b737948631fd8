"""The rows of traders at time 0."""

import math

import numpy as np

from perplab.sim.errors import Fault, ParameterError
from perplab.sim.laws.margin import leverage_limit
from perplab.sim.state.codes import LARGEST_UNITS, NO_ROW
from perplab.sim.streams import key_at, stream_key

BP = 1e-4


def column(population, trait, default):
    """Return a trait of a population as an array.

    What the setup gives, the kind's default, or `default`.
    """
    declared = population.kind.traits.traits.get(trait)
    if declared is not None:
        default = declared.default_of(population.number)
    value = population.traits.get(trait, default)
    return np.broadcast_to(np.asarray(value, float), (population.number,))


def fill_traders(tables, setup, layout, seed):
    """Write the rows of all traders, population by population; return the traits of each kind."""
    parts, first, slot = {kind: [] for kind in layout.kinds}, 0, 0
    for population in setup.populations:
        rows = slice(first, first + population.number)
        traits = checked_traits(population, len(setup.markets))
        numbers = sum(len(part) for part in parts[population.kind]) + np.arange(population.number)
        parts[population.kind].append(traits)
        fill_population(tables, rows, population, layout, seed)
        tables["trader"]["kind"][rows], tables["trader"]["number"][rows] = (
            layout.kinds.index(population.kind),
            numbers,
        )
        tables["trader"]["first_slot"][rows] = (
            slot + np.arange(population.number) * population.kind.slots
        )
        first, slot = first + population.number, slot + population.number * population.kind.slots
    tables["fast"] = np.flatnonzero(tables["trader"]["fast"][: layout.traders]).astype("i8")
    tables["position"]["open_index"], tables["position"]["node"] = NO_ROW, NO_ROW
    tables["account"]["pause_until"] = -math.inf
    return [np.concatenate(parts[kind]) for kind in layout.kinds]


def checked_traits(population, markets):
    """Return the records of a population's traders; ParameterError for what cannot be."""
    traits = population.kind.traits.table(population.number, dict(population.traits))
    numbers = traits["market"] if "market" in traits.dtype.names else np.zeros(1)
    wrong = numbers[~np.isin(numbers, np.arange(markets))]
    if wrong.size:
        bound = f"from 0 to {markets - 1}, the number of a market"
        raise ParameterError(Fault(f"populations.{population.name}.market", float(wrong[0]), bound))
    return traits


def fill_population(tables, rows, population, layout, seed):
    """Write wake rates, keys, money and leverage of one population."""
    trader, account, position = (
        tables["trader"][rows],
        tables["account"][rows],
        tables["position"][rows],
    )
    capital = np.round(column(population, "capital_usd", 0.0) / layout.unit)
    if np.any(capital >= LARGEST_UNITS):
        raise ParameterError(
            Fault(
                f"populations.{population.name}.capital_usd",
                float(capital.max() * layout.unit),
                f"below {LARGEST_UNITS * layout.unit:g} (64-bit units)",
            )
        )
    at_venue = np.floor(capital * np.clip(column(population, "margin_share", 1.0), 0.0, 1.0))
    for v in range(len(layout.venues)):
        account["collateral"][:, v] = (at_venue // len(layout.venues)).astype("i8")
    account["cash"][:, 0] = (capital - account["collateral"].sum(axis=1)).astype("i8")
    trader["deposit"] = capital.astype("i8")
    borrow_limit = capital * column(population, "borrow_share", 0.0)
    trader["borrow_limit"] = np.round(np.minimum(borrow_limit, LARGEST_UNITS)).astype("i8")
    account["borrow_limit"][:, 0] = trader["borrow_limit"]
    account["taker_discount"] = column(population, "taker_discount_bps", 0.0)[:, None] * BP
    account["maker_discount"] = column(population, "maker_discount_bps", 0.0)[:, None] * BP
    trader["slots"] = population.kind.slots
    trader["wake_seconds"] = column(population, "wake_seconds", 0.0)
    latency = column(population, "latency_seconds", -1.0)
    trader["fast"] = np.where(
        latency >= 0, np.clip(np.ceil(latency / tables["run"]["dt"][0]), 1, 2**31 - 1), 0
    )
    trader["key"] = trader_keys(seed, population)
    for m in range(position.shape[1]):
        most = float(leverage_limit(tables["market"][m]["margin_law"]))
        position["leverage"][:, m] = np.clip(column(population, "leverage", most), 1e-6, most)
        position["isolated"][:, m] = column(population, "isolated", 0.0)


def trader_keys(seed, population):
    """Return the keys of the draws of a population's traders, by its name and their order."""
    key = stream_key(seed, population.name)
    with np.errstate(over="ignore"):
        return np.array([key_at(key, number) for number in range(population.number)], np.uint64)
