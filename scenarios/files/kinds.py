"""Kinds of trader by the name that a scenario file gives them."""

from perplab.agents.arbitrage import Arbitrage
from perplab.agents.attacks.manipulation import Manipulator
from perplab.agents.directional import DirectionalLong, DirectionalShort
from perplab.agents.liquidity import LiquidityProvider
from perplab.agents.momentum import Momentum
from perplab.agents.noise import Noise
from perplab.agents.trader import Trader
from perplab.agents.trader_check import declaration_fault
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.faults import nearest
from perplab.sim.setup import resolve_kind

KINDS = {
    kind.kind: kind
    for kind in (
        Noise,
        Momentum,
        DirectionalLong,
        DirectionalShort,
        Arbitrage,
        LiquidityProvider,
        Manipulator,
    )
}


def kind_named(reference):
    """Return a kind of trader.

    Parameters
    ----------
    reference : str
        A name of `KINDS`, or a class of the user's own: ``file.py:Class`` or ``module:Class``.

    Raises
    ------
    ParameterError
        If there is no such kind, or its file does not run.

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
    try:
        kind = resolve_kind(reference)
    except (Exception, SystemExit) as error:
        raise ParameterError(
            Fault("kind", reference, f"{known}: {type(error).__name__}: {error}")
        ) from error
    if not (isinstance(kind, type) and issubclass(kind, Trader) and kind.kind and kind.decide):
        raise ParameterError(
            Fault(
                "kind",
                reference,
                "a subclass of perplab.agents.trader.Trader with kind, traits and decide",
            )
        )
    if fault := declaration_fault(kind):
        raise ParameterError(Fault("kind", reference, f"a sound kind: {kind.__name__} {fault}"))
    return kind
