"""The hash of all that a run depends on: its scenario, the files that this names, and the rest."""

import functools
import hashlib
import json
import pathlib

from perplab.scenarios.runs.json_files import json_safe
from perplab.sim.market_data.tables import version
from perplab.sim.spot.processes import Replay


def hash_run(scenario, *more):
    """Return the hash of a run.

    Parameters
    ----------
    scenario : Scenario
    *more
        What else it depends on: seed, a hash of the code, arms, tables to store.

    Returns
    -------
    str
        64 hexadecimal digits.

    Notes
    -----
    The contents of files count, not their names: an edited file of prices, of rules or of a kind
    of trader makes another run.
    """
    files = [file_hash(str(file), version(file)) for file in files_of(scenario)]
    parts = json_safe([scenario.model_dump(mode="json"), files, *more])
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def files_of(scenario):
    """Return the files that a scenario names: prices, rulebooks, kinds of trader."""
    assets, markets = scenario.all_assets.values(), scenario.all_markets.values()
    prices = [asset.price.file for asset in assets if isinstance(asset.price, Replay)]
    rulebooks = [market.rulebook for market in markets if market.rulebook.endswith(".toml")]
    kinds = [
        population.kind.rpartition(":")[0]
        for population in scenario.populations.values()
        if ".py:" in population.kind
    ]
    return [*prices, *rulebooks, *kinds]


@functools.lru_cache(maxsize=64)
def file_hash(file, version):
    """Return the hash of a file's contents; `version` changes when the file is written again."""
    return hashlib.sha256(pathlib.Path(file).read_bytes()).hexdigest()
