"""A scenario as a function of its parameters, for calibrators: ``simulate(theta, steps, seed)``."""

import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from perplab.scenarios.files.loader import build, load
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.state.event_rows import SERIES


def simulator(
    scenario: str | pathlib.Path,
    keys: Sequence[str],
    series: Sequence[str] = ("mid", "spot", "funding_rate"),
    changes: Mapping[str, Any] | tuple[()] = (),
) -> Callable[..., np.ndarray]:
    """Return a function ``simulate(theta, steps, seed=0)`` of a scenario.

    Parameters
    ----------
    scenario : str or path
        Name or file.
    keys : sequence of str
        Dotted keys that `theta` sets, in order, such as ``populations.arbitrage.capital_usd``.
    series : sequence of str
        Columns of the series to return.
    changes : mapping, optional
        Further changes to the scenario.

    Returns
    -------
    callable
        It returns a float array of shape (record rows, columns). black-it calls this a simulation,
        sbi a simulator. The same arguments give the same array.

    Raises
    ------
    ParameterError
        At once for a column that is not recorded; when called, for values that are refused.

    Examples
    --------
    >>> simulate = simulator("small", ["populations.noise.size_usd"], series=("mid", "spot"))
    >>> simulate([5_000.0], 30, seed=1).shape
    (30, 2)
    """
    wrong = [name for name in series if name not in SERIES.names]
    if wrong:
        raise ParameterError(Fault("series", wrong, f"columns among {', '.join(SERIES.names)}"))

    def simulate(theta, steps, seed=0):
        """Return the series of a run of `steps` steps at the parameters `theta`."""
        values = [float(value) for value in np.atleast_1d(theta)]
        if len(values) != len(keys):
            bound = f"one value for each of {len(keys)} keys"
            raise ParameterError(Fault("theta", len(values), bound))
        point = dict(changes) | dict(zip(keys, values, strict=True))
        market = build(load(scenario, point), seed)
        market.run(int(steps))
        rows = market.records().series[0]
        return np.column_stack([rows[name].astype(float) for name in series])

    return simulate
