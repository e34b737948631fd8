"""Saved markets: a run's whole state in one file, for this very code."""

import contextlib
import pickle

import numpy as np

from perplab.sim.atomic_files import atomic_file
from perplab.sim.compiler.cache import sources_hash
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.setup import kinds_hashes
from perplab.sim.state.build import Layout
from perplab.sim.state.trader_rows import KIND

FORMAT = 4
OTHER_CODE = "a file saved by this very code: other code would not continue it bit for bit"
OTHER_KINDS = "a file saved with the present trader kinds: their files have changed since"
INTACT = "an intact file written by save"


def write_state(path, tables, traits, python):
    """Write a state to a file, atomically.

    Parameters
    ----------
    path : path
    tables : dict of str to numpy.ndarray
        The table ``kind``, addresses of this process, is left out.
    traits : sequence of numpy.ndarray
        Traits and memory by kind.
    python : dict
        The rest of the state, pickled; its ``"setup"`` states the kinds.
    """
    state = {f"table/{name}": table for name, table in tables.items() if name != "kind"}
    state |= {f"traits/{number}": rows for number, rows in enumerate(traits)}
    hashes = kinds_hashes(Layout(python["setup"]).kinds)
    pickled = pickle.dumps(python | {"format": FORMAT, "own_kinds": hashes})
    state["code"], state["python"] = np.array(sources_hash()), np.frombuffer(pickled, np.uint8)
    with atomic_file(path) as part, open(part, "wb") as file:
        np.savez(file, **state)


def read_state(path, build):
    """Return ``build(tables, traits, python)`` of the state that `write_state` stored.

    Any error of `build` counts as an error of the file.

    Raises
    ------
    ParameterError
        If the file is not an intact state, or was saved by other code or with other trader kinds.
    """
    with open_state(path) as file:
        python = pickle.loads(file["python"].tobytes())
        kinds = Layout(python["setup"]).kinds
        if python["format"] != FORMAT or python["own_kinds"] != kinds_hashes(kinds):
            raise refused(path, OTHER_KINDS)
        names = [name for name in file.files if name.startswith("table/")]
        tables = {name.removeprefix("table/"): file[name] for name in names}
        traits = [file[f"traits/{number}"] for number in range(len(kinds))]
        if [rows.dtype for rows in traits] != [kind.traits.dtype for kind in kinds]:
            raise ValueError("traits of another layout")
        return build(tables | {"kind": np.zeros(len(kinds), KIND)}, traits, python)


@contextlib.contextmanager
def open_state(path):
    """Open a file of this very code; any error with the file becomes one ParameterError."""
    try:
        with np.load(path) as file:
            if str(file["code"]) != sources_hash():
                raise refused(path, OTHER_CODE)
            yield file
    except ParameterError:
        raise
    except FileNotFoundError:
        raise refused(path, f"{INTACT}: there is none") from None
    except (ImportError, AttributeError) as error:
        raise refused(path, f"a file whose trader kinds can be imported ({error})") from error
    except Exception as error:
        raise refused(path, INTACT) from error


def refused(path, expected):
    """Return the error for a file that holds no state to continue."""
    return ParameterError(Fault("saved market", str(path), expected))
