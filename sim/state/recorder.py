"""The records of a run, collected from the buffers of the compiled step."""

import dataclasses

import numpy as np

from perplab.sim.state.event_rows import (
    EVENT,
    KIND_SERIES,
    OPEN_POSITION,
    PRINT,
    SERIES,
    SETTLEMENT,
)

BUFFERS = {
    "series": ("series_count", SERIES),
    "kind_series": ("kind_series_count", KIND_SERIES),
    "event": ("event_count", EVENT),
    "settlement": ("settlement_count", SETTLEMENT),
    "print": ("print_count", PRINT),
}


@dataclasses.dataclass
class Records:
    """The records of a run.

    Attributes
    ----------
    series : list of numpy.ndarray[SERIES]
        By market; one row per record interval, the first at the end of the first interval.
    kinds : numpy.ndarray[KIND_SERIES], shape (records, kinds)
        At time 0, each `Setup.wealth_seconds` (by default hourly), and at the end.
    events, settlements, prints : numpy.ndarray of EVENT, SETTLEMENT, PRINT
    positions : numpy.ndarray of OPEN_POSITION
        Open at the end; see `perplab.sim.clearing.positions`.
    kind_names : list of str
    meta : dict
        Seed, units, contract terms and counters.
    """

    series: list
    kinds: np.ndarray
    events: np.ndarray
    settlements: np.ndarray
    prints: np.ndarray
    kind_names: list
    meta: dict
    positions: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0, OPEN_POSITION))


class Recorder:
    """Empties the buffers of a state's tables and stores their rows."""

    def __init__(self):
        self.parts = {name: [] for name in BUFFERS}

    def drain(self, tables):
        """Move all rows of the buffers into the recorder."""
        run = tables["run"][0]
        for name, (counter, _) in BUFFERS.items():
            if run[counter] > 0:
                self.parts[name].append(tables[name][: run[counter]].copy())
                run[counter] = 0

    def gathered(self, name, tables):
        """Return all rows of one kind of record, in order."""
        if not self.parts[name]:
            return tables[name][:0].copy()
        self.parts[name] = [np.concatenate(self.parts[name])]
        return self.parts[name][0]

    def copy(self):
        """Return an independent recorder with the same rows."""
        other = Recorder()
        other.parts = {name: list(parts) for name, parts in self.parts.items()}
        return other
