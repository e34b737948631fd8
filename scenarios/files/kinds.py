"""Kinds of trader by the name that a scenario file gives them.

Every subclass of `perplab.agents.trader.Trader` with a `kind` and a rule is found, in
`perplab.agents` and the folders inside it: a new kind is one new file there.
"""

import contextlib
import contextvars
import importlib
import importlib.util
import pkgutil

import perplab.agents
from perplab.agents.trader import Trader
from perplab.agents.trader_check import declaration_fault
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.faults import nearest, renamed_bound
from perplab.sim.setup import imported_kind, resolve_kind


def kinds_in(package):
    """Return the kinds of trader that the modules of a package define, by name.

    Parameters
    ----------
    package : module
        It is walked with the packages inside it, in the order of module names.

    Raises
    ------
    ParameterError
        If two classes have the same `kind`.
    """
    kinds = {}
    for name in module_names(package):
        for kind in defined_kinds(importlib.import_module(name)):
            other = kinds.setdefault(kind.kind, kind)
            if other is not kind:
                classes = " and ".join(f"{one.__module__}:{one.__name__}" for one in (other, kind))
                raise ParameterError(Fault("kind", kind.kind, f"of one class, not of {classes}"))
    return kinds


def module_names(package):
    """Return the names of all modules of a package and of the packages inside it, sorted."""
    walk = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    return sorted(module.name for module in walk)


def defined_kinds(module):
    """Return the kinds of trader that a module itself defines, in the order of the file."""
    return [
        value
        for value in vars(module).values()
        if is_kind(value) and value.__module__ == module.__name__
    ]


def is_kind(value):
    """Return whether a value is a subclass of `Trader` with a name and a rule."""
    return bool(
        isinstance(value, type) and issubclass(value, Trader) and value.kind and value.decide
    )


KINDS = kinds_in(perplab.agents)
OWN_FOLDER = list(perplab.agents.__path__)

_before_import = contextvars.ContextVar("before_import", default=lambda reference: None)


class NotImportedError(ParameterError):
    """A kind of the user's own that may not be imported here."""


@contextlib.contextmanager
def imports_refused():
    """Import no kind of a user's own during the block: `kind_named` raises NotImportedError."""

    def refuse(reference):
        bound = "a kind of perplab, or one imported already: nothing is imported here"
        raise NotImportedError(Fault("kind", reference, bound))

    with before_import(refuse):
        yield


@contextlib.contextmanager
def before_import(handle):
    """Call ``handle(reference)`` before a user's file or module is imported during the block."""
    token = _before_import.set(handle)
    try:
        yield
    finally:
        _before_import.reset(token)


def user_kind(reference):
    """Return a class of the user's own; its file or module is executed unless it was before."""
    try:
        return imported_kind(reference)
    except (ImportError, AttributeError):
        _before_import.get()(reference)
        return resolve_kind(reference)


def kind_named(reference):
    """Return a kind of trader.

    Parameters
    ----------
    reference : str
        A name of `KINDS`, or a class of the user's own: ``file.py:Class`` or ``module:Class``.

    Returns
    -------
    type
        A subclass of `perplab.agents.trader.Trader`.

    Raises
    ------
    ParameterError
        If there is no such kind, its file does not run, or `imports_refused`.

    Examples
    --------
    >>> kind_named("noise").__name__
    'Noise'
    """
    if reference in KINDS:
        return KINDS[reference]
    known = f"one of {', '.join(KINDS)}, or file.py:Class{nearest(reference, KINDS)}"
    if ":" not in reference:
        raise ParameterError(Fault("kind", reference, known))
    if new := new_reference(reference):
        raise ParameterError(Fault("kind", reference, renamed_bound(new)))
    try:
        kind = user_kind(reference)
        bound = required_of(kind)
    except (NotImportedError, KeyboardInterrupt):
        raise
    except BaseException as error:  # a user's file can raise anything, SystemExit too
        bound = f"{known}: {type(error).__name__}: {error}"
        raise ParameterError(Fault("kind", reference, bound)) from error
    if bound:
        raise ParameterError(Fault("kind", reference, bound))
    return kind


def new_reference(reference):
    """Return the new reference of a kind that an old one names, or an empty string.

    The package ``agents`` became ``perplab.agents``; it may be that of a user today.

    Examples
    --------
    >>> new_reference("agents.noise:Noise"), new_reference("agents.arbitrage:Arbitrage")
    ('perplab.agents.noise:Noise', 'perplab.agents.carry.arbitrage:Arbitrage')
    """
    place, _, name = reference.rpartition(":")
    there = importlib.util.find_spec("agents")
    is_ours = there is None or list(there.submodule_search_locations or ()) == OWN_FOLDER
    if not (place.startswith("agents.") and is_ours):
        return ""
    named = [kind.__module__ for kind in KINDS.values() if kind.__name__ == name]
    return f"{(named or [f'perplab.{place}'])[0]}:{name}"


def required_of(kind):
    """Return what a user's class must be if it is not a valid kind, or an empty string."""
    if not is_kind(kind):
        return "a subclass of perplab.agents.trader.Trader with kind, traits and decide"
    fault = declaration_fault(kind)
    return f"a valid kind: {kind.__name__} {fault}" if fault else ""
