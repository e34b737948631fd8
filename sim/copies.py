"""Copies of a market: files, branches, `copy.deepcopy` and `pickle`."""

import copy
import pathlib
from collections.abc import Sequence
from typing import Any, Self

import mesa
import numpy as np

from perplab.sim.compiler.cache import sources_hash
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.mesa_model import MesaModel
from perplab.sim.saved_market import OTHER_CODE, read_state, write_state
from perplab.sim.setup import Setup
from perplab.sim.state.branch import adopt

ADDRESSES = ("_world", "_keep", "_go")
"""Attributes that hold addresses of one market in one process."""


def blank(kind, setup):
    """Return a model of a class without attributes.

    `setup` is not used, but unpickled before them, which imports the files of its trader kinds.
    """
    return kind.__new__(kind)


class CopiedMarket(MesaModel):
    """A market's copies, each with tables of its own.

    `branch`, `save` and `load` copy the market; `copy.deepcopy`, `copy.copy` and `pickle` also copy
    agents of a user's own and attributes of a subclass. A subclass provides the tables, traits and
    what `_python_state` reads, and `connect`.
    """

    def save(self, path: str | pathlib.Path) -> None:
        """Write the state to a file of arrays and JSON, atomically.

        Raises
        ------
        ParameterError
            If the setup holds a spot process or a shock of a class of your own.

        Notes
        -----
        Agents of your own and attributes of a subclass are not stored.
        """
        self.recorder.drain(self.tables)
        write_state(path, self.tables, self.traits, self._python_state())

    def _python_state(self):
        return {
            "setup": self.setup,
            "seed": self.seed,
            "paths": self._path_states,
            "records": self.recorder.parts,
            "total": self.total,
            "wall_seconds": self.wall_seconds,
            "streams": self._streams(),
        }

    @classmethod
    def load(cls, path: str | pathlib.Path, kinds: Sequence[type] = ()) -> Self:
        """Return the market that `save` wrote; it continues bit for bit, in any process.

        Parameters
        ----------
        path : path
        kinds : sequence of type of Trader, optional
            Trader kinds of your own in the file, unless they are imported: loading imports nothing.

        Raises
        ------
        ParameterError
            If the file is not an intact market saved by this very code (other code could not
            continue it bit for bit), or holds a kind that is not imported.
        """
        return read_state(path, cls._from_state, kinds)

    @classmethod
    def _from_state(cls, tables, traits, python):
        market = cls.__new__(cls)
        mesa.Model.__init__(market, rng=python["seed"])
        market._build(python["setup"], python["seed"], tables, traits)
        market._path_states = python["paths"]
        market.recorder.parts, market.total = python["records"], python["total"]
        market.wall_seconds = python["wall_seconds"]
        market._resume_streams(python["streams"])
        return market

    def branch(self, no_impact: bool | None = None, setup: Setup | None = None) -> Self:
        """Return an independent copy that continues with the same random numbers.

        It has none of the agents of your own and attributes of a subclass; `copy.deepcopy` copies
        these too.

        Parameters
        ----------
        no_impact : bool, optional
            Make the copy (or not) the no-impact twin, in which liquidated positions go to the fund
            untraded.
        setup : perplab.sim.setup.Setup, optional
            Rules and traits of the copy; `perplab.sim.state.branch.adopt` says what may differ.
        """
        if not isinstance(setup, Setup | None):
            raise ParameterError(Fault("setup", setup, "a Setup, of the market's own populations"))
        self.recorder.drain(self.tables)
        python = copy.deepcopy(self._python_state(), {id(self.setup): self.setup})
        tables = {name: table.copy() for name, table in self.tables.items()}
        other = self._from_state(tables, [rows.copy() for rows in self.traits], python)
        if no_impact is not None:
            other.tables["venue"]["no_impact"] = no_impact
        if setup is not None:
            adopt(other, setup)
        return other

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes without addresses, and the hash of the code."""
        state = {name: value for name, value in vars(self).items() if name not in ADDRESSES}
        tables = self.tables | {"kind": np.zeros_like(self.tables["kind"])}
        return state | {"tables": tables, "code": sources_hash()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over the attributes of `__getstate__` and connect the tables to compiled code."""
        attributes = {name: value for name, value in state.items() if name != "code"}
        if state["code"] != sources_hash():
            raise ParameterError(Fault("pickled market", attributes["seed"], OTHER_CODE))
        vars(self).update(attributes)
        self.connect()

    def __reduce_ex__(self, protocol: int) -> tuple[Any, ...]:
        """Return how to make an equal market, in this or another process."""
        return blank, (type(self), self.setup), self.__getstate__()

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return an independent copy, which shares the setup: nothing changes in it."""
        other = memo[id(self)] = blank(type(self), self.setup)
        memo[id(self.setup)] = self.setup
        other.__setstate__(copy.deepcopy(self.__getstate__(), memo))
        return other

    def __copy__(self) -> Self:
        """Return an independent copy too: two markets on the same tables would drive each other."""
        return copy.deepcopy(self)

    def _streams(self):
        """Return the states of Mesa's random streams, `random` and `rng`, for agents of a user."""
        return {"random": list(self.random.getstate()), "rng": self.rng.bit_generator.state}

    def _resume_streams(self, streams):
        """Continue Mesa's random streams from the states that `_streams` returned."""
        version, words, following = streams["random"]
        self.random.setstate((version, tuple(words), following))
        if streams["rng"]["bit_generator"] == type(self.rng.bit_generator).__name__:
            self.rng.bit_generator.state = streams["rng"]
