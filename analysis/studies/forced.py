"""Forced trading over seeds: a cascade of longs at three depths, an attack at three sizes.

``python -m perplab.analysis.studies.forced cascade|weapon [--seeds 30] [--workers 2]`` prints each
figure of `perplab.analysis.metrics.episodes` as its mean over seeds and 95 % interval.

*cascade.* Depths are the providers' `level_usd`, with inventory limits in proportion. Every depth
is run with the scenario's spot, which moves with trades, and with that of `calm`, which hardly
does, so that only the perpetual's own book amplifies.
*weapon.* Sizes multiply the attacker's position and pushes. Two further variants are its halves:
spot bought without a position in the perpetual, and the perpetual sold (to push funding down)
without spot; another is an attack in a spot market ten times as deep. Both rulebooks.
"""

import argparse
import concurrent.futures

from perplab.analysis.estimators.series import HOUR_SECONDS, mean_interval
from perplab.analysis.metrics.episodes import ATTACKER, attack_figures, fall_figures
from perplab.scenarios.files.loader import build, load
from perplab.scenarios.runs.outcome import run

CASCADE, WEAPON, TIGHT = "long-cascade", "weaponised-shorts", "weaponised-shorts-tight"
LEVELS_USD = (7_000.0, 1_400.0, 280.0)
SPOTS = {
    "spot that moves with trades": {},
    "spot as deep as calm's": {"spot.permanent_impact_bps": 0.02},
}
SIZES = (0.5, 1.0, 2.0)
SIZED_TRAITS = ("size_usd", "perp_push_usd", "spot_push_usd")
ATTACKER_KEY = "populations.attacker"
NO_POSITION = {f"{ATTACKER_KEY}.size_usd": 0, f"{ATTACKER_KEY}.perp_push_usd": 0}
OTHER_ATTACKS = {
    "x1, deep spot": {"spot.permanent_impact_bps": 0.3, "spot.transient_impact_bps": 0.3},
    "buys spot only": NO_POSITION,
    "sells perpetual only": NO_POSITION
    | {f"{ATTACKER_KEY}.spot_push_usd": 0, f"{ATTACKER_KEY}.perp_push_usd": -20_000},
}


def depth_changes(level_usd):
    """Return the changes to the cascade's scenario that set the depth of its book."""
    providers = load(CASCADE).populations["providers"].traits
    limit = providers["inventory_limit_usd"] * level_usd / providers["level_usd"]
    return {
        "populations.providers.level_usd": level_usd,
        "populations.providers.inventory_limit_usd": limit,
    }


def size_changes(size):
    """Return the changes to the attack's scenario that scale its position and pushes."""
    attacker = load(WEAPON).populations["attacker"].traits
    return {f"{ATTACKER_KEY}.{trait}": attacker[trait] * size for trait in SIZED_TRAITS}


def cascade_run(seed, changes=()):
    """Return the figures of one run of the cascade and its twin.

    Returns
    -------
    dict of str to float
        See `perplab.analysis.metrics.episodes.fall_figures`.
    """
    outcome = run(load(CASCADE, changes), seed)
    shock = outcome.scenario.shocks[0]
    start = shock.at_hours * HOUR_SECONDS
    return fall_figures(outcome.records, outcome.twin, start, start + 60 * shock.minutes)


def weapon_run(seed, scenario_name=WEAPON, changes=()):
    """Return the figures of one attack beside its control without the attacker."""
    scenario = load(scenario_name, changes)
    market = finished(scenario, seed)
    control = finished(load(scenario_name, dict(changes) | {f"{ATTACKER_KEY}.number": 0}), seed)
    attacker = attacker_of(market)
    figures = attack_figures(market.records(), control.records(), *attack_times(scenario))
    fees = float(market.tables["position"]["all_fees"][attacker.row].sum()) * market.layout.unit
    forced = int((market.records().events["trader"] == attacker.row).sum())
    return figures | {"attacker_fees_usd": fees, "attacker_liquidations": forced}


def finished(scenario, seed):
    """Return the market of a scenario at the end of its run."""
    market = build(scenario, seed)
    market.run(scenario.steps)
    return market


def attacker_of(market):
    """Return the handle of the only attacker."""
    return next(agent for agent in market.agents if agent.kind == ATTACKER)


def attack_times(scenario):
    """Return the seconds at which the attack starts and ends."""
    traits = scenario.populations["attacker"].traits
    start = traits["attack_start_hours"] * HOUR_SECONDS
    return start, start + traits["attack_hours"] * HOUR_SECONDS


def cascade_variants(spot):
    """Return the columns of the cascade's table for one kind of spot: a call per depth."""
    return {
        f"level_usd {level:g}": (cascade_run, (depth_changes(level) | spot,))
        for level in LEVELS_USD
    }


def weapon_variants(scenario_name):
    """Return the columns of the attack's table: a call per size and per other attack."""
    attacks = {f"size x{size:g}": size_changes(size) for size in SIZES} | OTHER_ATTACKS
    return {name: (weapon_run, (scenario_name, changes)) for name, changes in attacks.items()}


def over_seeds(variants, seeds, workers):
    """Return each figure's (mean, low, high) over seeds, by variant.

    Parameters
    ----------
    variants : dict of str to (callable, tuple)
        The function takes a seed and these arguments, and returns a dict of figures.
    seeds : sequence of int
    workers : int
        Processes; the result does not depend on it.

    Returns
    -------
    dict of str to dict of str to tuple
    """
    with concurrent.futures.ProcessPoolExecutor(workers) as pool:
        waiting = {
            name: [pool.submit(function, seed, *arguments) for seed in seeds]
            for name, (function, arguments) in variants.items()
        }
        return {name: intervals([each.result() for each in jobs]) for name, jobs in waiting.items()}


def intervals(rows):
    """Return mean and 95 % interval of each figure of several runs."""
    return {figure: mean_interval(row[figure] for row in rows) for figure in rows[0]}


def print_table(title, columns):
    """Print figures down, variants across."""
    print(f"\n{title}\n{'':34}" + "".join(f"{name:>32}" for name in columns))
    for figure in next(iter(columns.values())):
        print(
            f"{figure:34}"
            + "".join(f"{described(column[figure]):>32}" for column in columns.values()),
            flush=True,
        )


def described(interval):
    """Return a mean and its interval as text.

    Examples
    --------
    >>> described((0.1234, 0.1, 0.15)), described((None, None, None))
    ('0.123 [0.1, 0.15]', '-')
    >>> described((1234567.8, None, None))
    '1,234,568'
    """
    low, high = (figure_text(value) for value in interval[1:])
    return figure_text(interval[0]) + (f" [{low}, {high}]" if interval[1] is not None else "")


def figure_text(value):
    """Return a number as text: three digits, thousands separated, a dash if unknown."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def tables(study):
    """Return the tables of a study: variants by title."""
    if study == "cascade":
        return {f"{CASCADE}, {name}": cascade_variants(spot) for name, spot in SPOTS.items()}
    return {name: weapon_variants(name) for name in (WEAPON, TIGHT)}


def main(arguments=None):
    """Run a study from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m perplab.analysis.studies.forced", description="Forced trading, over seeds."
    )
    parser.add_argument("study", choices=("cascade", "weapon"))
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    for title, variants in tables(options.study).items():
        print_table(
            f"{title}, {options.seeds} seeds: mean [95 %]",
            over_seeds(variants, range(options.seeds), options.workers),
        )


if __name__ == "__main__":
    main()
