"""A scenario as a function of its parameters, for calibrators: ``simulate(theta, steps, seed)``."""

import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from perplab.scenarios.files.loader import build, load
from perplab.scenarios.files.overrides import is_within, overlap
from perplab.sim.errors import Fault, KeyFault, ParameterError
from perplab.sim.faults import EXPECTED
from perplab.sim.state.event_rows import SERIES

NOT_NUMBERS = {
    words for kind, words in EXPECTED.items() if kind.endswith("_type") and kind != "float_type"
}


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
        At once for a column that is not recorded, and for a key that does not exist, is given
        twice or takes no number; when called, for values that are refused.

    Examples
    --------
    >>> simulate = simulator("small", ["populations.noise.size_usd"], series=("mid", "spot"))
    >>> simulate([5_000.0], 30, seed=1).shape
    (30, 2)
    """
    wrong = [name for name in series if name not in SERIES.names]
    if wrong:
        raise ParameterError(Fault("series", wrong, f"columns among {', '.join(SERIES.names)}"))
    refuse_keys(scenario, keys, dict(changes))
    origins = dict.fromkeys(keys, "theta")

    def simulate(theta, steps, seed=0):
        """Return the series of a run of `steps` steps at the parameters `theta`."""
        values = [float(value) for value in np.atleast_1d(theta)]
        if len(values) != len(keys):
            bound = f"one value for each of {len(keys)} keys"
            raise ParameterError(Fault("theta", len(values), bound))
        point = dict(changes) | dict(zip(keys, values, strict=True))
        market = build(load(scenario, point, origins), seed)
        market.run(int(steps))
        rows = market.records().series[0]
        return np.column_stack([rows[name].astype(float) for name in series])

    return simulate


def refuse_keys(scenario, keys, changes):
    """Refuse keys that no number can set: unknown ones, those of tables and texts, two that clash.

    Raises
    ------
    ParameterError
    """
    load(scenario, changes)
    faults = [
        Fault("keys", key, f"apart from {other}: one would have no effect")
        for place, key in enumerate(keys)
        for other in (*keys[:place], *changes)
        if is_within(other, key) or other in keys and overlap(key, other)
    ]
    for key in keys:
        try:
            load(scenario, changes | {key: 1.0}, "keys")
        except ParameterError as error:
            faults += [one for one in error.faults if takes_no_number(one)]
    if faults:
        raise ParameterError(*faults)


def takes_no_number(fault):
    """Return whether a fault of a value that was 1.0 is one of every number."""
    return isinstance(fault, KeyFault) or fault.expected in NOT_NUMBERS
