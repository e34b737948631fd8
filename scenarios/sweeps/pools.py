"""Pools."""

import concurrent.futures
import multiprocessing
import os
import sys
import types

from perplab.sim.errors import Fault, ParameterError


class FreshProcess(multiprocessing.context.SpawnProcess):
    """A process that starts afresh and does not read the program again that started it: what it runs is imported by name.

    So a sweep can be started from any script, with or without ``if __name__ == "__main__"``.
    """

    @staticmethod
    def _Popen(process):
        program, sys.modules["__main__"] = sys.modules["__main__"], types.ModuleType("__main__")
        try:
            return multiprocessing.context.SpawnProcess._Popen(process)
        finally:
            sys.modules["__main__"] = program


class FreshContext(multiprocessing.context.SpawnContext):
    """The ways of `multiprocessing` with `FreshProcess`."""

    Process = FreshProcess


def local_pool(workers):
    """Return a pool of processes that start afresh and keep to one thread each."""
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")
    return concurrent.futures.ProcessPoolExecutor(workers, mp_context=FreshContext())


def dask_pool(address):
    """Return the executor of a Dask cluster by its scheduler's address.

    Raises
    ------
    ParameterError
        If Dask is not installed or nobody answers there.
    """
    try:
        from distributed import Client

        return Client(address, timeout="10s").get_executor()
    except ImportError:
        raise ParameterError(
            Fault("--scheduler", address, "used with pip install -e '.[sweep]'")
        ) from None
    except (OSError, TimeoutError, ValueError) as error:
        raise ParameterError(
            Fault("--scheduler", address, f"the address of a Dask scheduler ({error})")
        ) from None
