"""The paths of spot and sentiment: drawn in blocks of steps, outside the compiled step."""

import math

from perplab.sim.spot.shocks import shock_block, source_block
from perplab.sim.state.build import PATH_STEPS
from perplab.sim.streams import generator


def start_states(assets):
    """Return the states of all processes before the first step, by asset: spot and sentiment."""
    return {
        "spot": [asset.process.start() for asset in assets],
        "small_takers": [
            asset.small_takers.start() if asset.small_takers else None for asset in assets
        ],
        "sentiment": [asset.sentiment.start() if asset.sentiment else None for asset in assets],
    }


def longest_run(setup):
    """Return the number of steps that the spot data allow; infinite for processes."""
    limits = [asset.process.limit_steps(setup.dt) for asset in setup.assets]
    return min([limit for limit in limits if limit is not None], default=math.inf)


def draw_paths(path, setup, seed, step, states):
    """Draw the block of paths that begins at a step.

    Parameters
    ----------
    path : numpy.ndarray of PATH, shape (PATH_STEPS, assets)
        Filled in place, up to the end of the spot data.
    setup : perplab.sim.setup.Setup
    seed, step : int
        `step` is a multiple of PATH_STEPS.
    states : dict
        From `start_states`, updated in place.
    """
    block, dt = step // PATH_STEPS, setup.dt
    for a, asset in enumerate(setup.assets):
        draw_spot(path[:, a], asset, seed, step, dt, states["spot"][a])
        if asset.sentiment:
            rng, state = generator(seed, f"sentiment/{asset.name}", block), states["sentiment"][a]
            path["sentiment"][:, a] = asset.sentiment.block(rng, PATH_STEPS, dt, state)
        if asset.small_takers:
            rng = generator(seed, f"small_takers/{asset.name}", block)
            state = states["small_takers"][a]
            path["log_price"][:, a] += asset.small_takers.block(rng, PATH_STEPS, dt, state)


def draw_spot(path, asset, seed, step, dt, state):
    """Draw an asset's log price and fill in what its shocks add, from a step on."""
    steps = min(PATH_STEPS, (asset.process.limit_steps(dt) or math.inf) - step)
    rng = generator(seed, f"spot/{asset.name}", step // PATH_STEPS)
    moves, flow = shock_block(asset.shocks, step, steps, dt)
    path["log_price"][:steps] = asset.process.block(rng, steps, dt, state) + moves
    path["flow"][:steps] = flow
    path["source"][:steps] = source_block(asset.shocks, step, steps, dt)
