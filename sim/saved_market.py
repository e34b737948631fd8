"""Saved markets: a run's whole state in one file of arrays and JSON, for this very code.

A file holds numbers and texts only; to read it executes and imports nothing that it names. Arrays
are members of a numpy ``.npz`` archive; the member ``facts`` is the JSON text of the rest.
"""

import contextlib
import json

import numpy as np

from perplab.sim.atomic_files import atomic_file
from perplab.sim.compiler.cache import sources_hash
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.saved_setup import setup_of_values, setup_values
from perplab.sim.setup import kinds_hashes
from perplab.sim.state.build import Layout, table_shapes
from perplab.sim.state.records import KIND

FORMAT = 5
OTHER_CODE = "saved by this very code: other code would not continue it bit for bit"
OTHER_KINDS = "a file saved with the present trader kinds: their files have changed since"
INTACT = "an intact file written by save"
NOT_IMPORTED = "a file whose trader kinds were imported before it is loaded, or are given in kinds"
ARRAY = "$array"


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
        The rest of the state: numbers, texts and arrays, nested, and the ``"setup"``.

    Raises
    ------
    ParameterError
        If the setup holds objects of the user's own other than trader kinds.
    """
    setup, arrays = python["setup"], {}
    facts = python | {
        "setup": setup_values(setup),
        "format": FORMAT,
        "own_kinds": kinds_hashes(Layout(setup).kinds),
    }
    text = json.dumps(without_arrays(facts, arrays))
    state = {f"table/{name}": table for name, table in tables.items() if name != "kind"}
    state |= {f"traits/{number}": rows for number, rows in enumerate(traits)}
    state |= {"code": np.array(sources_hash()), "facts": np.frombuffer(text.encode(), np.uint8)}
    with atomic_file(path) as part, open(part, "wb") as file:
        np.savez(file, **state, **arrays)


def without_arrays(value, arrays):
    """Return nested values as JSON has them; arrays are put into `arrays` and named."""
    if isinstance(value, np.ndarray):
        name = f"array/{len(arrays)}"
        arrays[name] = value
        return {ARRAY: name}
    if isinstance(value, dict):
        return {key: without_arrays(part, arrays) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_arrays(part, arrays) for part in value]
    return value.item() if isinstance(value, np.generic) else value


def with_arrays(value, file):
    """Return nested values of JSON with their arrays from a file again."""
    if isinstance(value, dict):
        if set(value) == {ARRAY}:
            return file[value[ARRAY]]
        return {key: with_arrays(part, file) for key, part in value.items()}
    return [with_arrays(part, file) for part in value] if isinstance(value, list) else value


def read_state(path, build, kinds=()):
    """Return ``build(tables, traits, python)`` of the state that `write_state` stored.

    Any error of `build` counts as an error of the file.

    Parameters
    ----------
    path : path
    build : callable
    kinds : sequence of type
        Trader classes of the user's own that have not been imported.

    Raises
    ------
    ParameterError
        If the file is not an intact state, was saved by other code or with other trader kinds, or
        names trader kinds that are not imported.
    """
    with open_state(path) as file:
        python = with_arrays(json.loads(file["facts"].tobytes()), file)
        if python["format"] != FORMAT:
            raise ValueError("another format")
        python["setup"] = setup_of_values(python["setup"], kinds)
        layout = Layout(python["setup"])
        if python["own_kinds"] != kinds_hashes(layout.kinds):
            raise refused(path, OTHER_KINDS)
        tables = {
            name.removeprefix("table/"): file[name]
            for name in file.files
            if name.startswith("table/")
        }
        tables["kind"] = np.zeros(len(layout.kinds), KIND)
        traits = [file[f"traits/{number}"] for number in range(len(layout.kinds))]
        refuse_other_shapes(tables, traits, python["setup"], layout)
        return build(tables, traits, python)


def refuse_other_shapes(tables, traits, setup, layout):
    """Raise ValueError unless tables and traits have the types and sizes that a setup gives them.

    Compiled code does not check an index.
    """
    expected = table_shapes(setup, layout, tables["level"].shape[1])
    rows = {name: np.zeros(0, dtype).dtype for name, (_, dtype) in expected.items()}
    sizes = {name: np.atleast_1d(shape).tolist() for name, (shape, _) in expected.items()}
    sizes["fast"] = list(tables["fast"].shape[:1])
    if {name: table.dtype for name, table in tables.items()} != rows:
        raise ValueError("tables of other types")
    if {name: list(table.shape) for name, table in tables.items()} != sizes:
        raise ValueError("tables of other sizes")
    numbers = np.bincount(tables["trader"]["kind"][: layout.traders], minlength=len(layout.kinds))
    if [(rows.dtype, len(rows)) for rows in traits] != [
        (kind.traits.dtype, number) for kind, number in zip(layout.kinds, numbers, strict=True)
    ]:
        raise ValueError("traits of another layout")


@contextlib.contextmanager
def open_state(path):
    """Open a file of this very code; any error with the file becomes one ParameterError."""
    try:
        with np.load(path, allow_pickle=False) as file:
            if str(file["code"]) != sources_hash():
                raise refused(path, OTHER_CODE)
            yield file
    except ParameterError:
        raise
    except FileNotFoundError:
        raise refused(path, f"{INTACT}: there is none") from None
    except (ImportError, AttributeError) as error:
        raise refused(path, f"{NOT_IMPORTED} ({error})") from error
    except Exception as error:
        raise refused(path, INTACT) from error


def refused(path, expected):
    """Return the error for a file that holds no state to continue."""
    return ParameterError(Fault("saved market", str(path), expected))
