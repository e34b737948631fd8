"""What a run depends on, in one hash: its scenario as resolved, the contents of the files that this names, and what is said beside."""

import functools
import hashlib
import json
import pathlib

from perplab.scenarios.runs.json_files import speakable
from perplab.sim.spot.price_files import version
from perplab.sim.spot.processes import Replay


def fingerprint(scenario, *more):
    """Return the hash of a run.

    Parameters
    ----------
    scenario : Scenario
    *more
        What else it depends on: seed, a hash of the code, arms, tables to keep.

    Notes
    -----
    A file that is edited makes another run, whatever its name: replayed prices, rulebooks and kinds of trader of the user's own.
    """
    files = [file_hash(str(file), version(file)) for file in files_of(scenario)]
    text = json.dumps(
        speakable([scenario.model_dump(mode="json"), files, *more]), sort_keys=True, default=str
    )
    return hashlib.sha256(text.encode()).hexdigest()


def files_of(scenario):
    """Return the files that a scenario names."""
    prices = [
        asset.price.file
        for asset in scenario.all_assets.values()
        if isinstance(asset.price, Replay)
    ]
    rulebooks = [
        market.rulebook
        for market in scenario.all_markets.values()
        if market.rulebook.endswith(".toml")
    ]
    kinds = [
        population.kind.rpartition(":")[0]
        for population in scenario.populations.values()
        if ".py:" in population.kind
    ]
    return [*prices, *rulebooks, *kinds]


@functools.lru_cache(maxsize=64)
def file_hash(file, version):
    """Return the hash of a file's contents; `version` changes when it is written again."""
    return hashlib.sha256(pathlib.Path(file).read_bytes()).hexdigest()
