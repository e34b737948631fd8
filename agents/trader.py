"""What a kind of trader is: declared traits, one compiled rule, and the Mesa handle on its row.

A kind in one file::

    from perplab.agents.trader import Trader, Trait, Traits, rule, write_market
    from perplab.sim.streams import uniform

    TRAITS = Traits(wake_seconds=Trait(3600, "s", "mean time between decisions", low=0),
                    capital_usd=Trait(10_000, "quote currency", "money at the start", low=0))

    @rule(TRAITS)
    def flip(me, accounts, positions, views, mine, rng, orders):
        side = 1 if uniform(rng) < 0.5 else -1
        return write_market(orders, 0, 0, side, 10, 0)

    class Coin(Trader):
        kind, traits, decide, slots = "coin", TRAITS, flip, 0

The rule is called when the trader wakes, with its own record (traits, then memory; all floats), its accounts by
venue, its positions and the public views by market, its resting orders by slot, its random draws and a buffer for
order rows; it returns how many rows it wrote. It may change nothing but its memory and the buffer. The same function
runs compiled and, without the compiler, as it stands.

Traits the engine itself reads, where a kind has them: ``wake_seconds`` (mean of the exponential time between
decisions; 0 or infinite: never), ``latency_seconds`` (makes the kind one of the fast class), ``capital_usd``,
``margin_share`` (of the capital, at the venue), ``borrow_share`` (of the capital, the most it may owe in spot),
``leverage``, ``isolated``.
"""

import functools
import pathlib

import mesa
import numpy as np

from perplab.agents.orders import (
    write_cancel,
    write_close,
    write_limit,
    write_market,
    write_spot,
    write_transfer,
)
from perplab.agents.trader_check import check_trader, plain_fault
from perplab.agents.traits import Trait, Traits
from perplab.sim.compiler.cache import FLOORS, HOUSE
from perplab.sim.compiler.rules import compile_act, compile_rule
from perplab.sim.errors import Fault, ParameterError, RuleError
from perplab.sim.faults import nearest
from perplab.sim.state.records import ACCOUNT, DRAW, ORDER, ORDER_ROW, POSITION, VIEW
from perplab.sim.traders.edit import retire, write_trait

__all__ = [
    "Rule",
    "Trader",
    "Trait",
    "Traits",
    "check_trader",
    "rule",
    "write_cancel",
    "write_close",
    "write_limit",
    "write_market",
    "write_spot",
    "write_transfer",
]


class Rule:
    """A decision rule: the plain function, and its compiled form once somebody asks for it.

    Attributes
    ----------
    function : callable
        The plain Python function.
    traits : Traits
    kind : type of Trader
        The last kind that was given the rule; None before.
    """

    def __init__(self, function, traits):
        functools.update_wrapper(self, function)
        self.function, self.traits, self.kind, self._acts = function, traits, None, {}

    @property
    def signature_rows(self):
        """Row types of the seven arguments."""
        return self.traits.dtype, ACCOUNT, POSITION, VIEW, ORDER, DRAW, ORDER_ROW

    @property
    def cached(self):
        """Whether compiled code is kept on disk: for our own floors only, whose sources name the cache."""
        path = pathlib.Path(self.function.__code__.co_filename).resolve()
        return any(path.is_relative_to(HOUSE / floor) for floor in FLOORS)

    @functools.cached_property
    def _compiled(self):
        return compile_rule(self.function, self.signature_rows)

    def within(self, act):
        """Return the kernel `act` with this rule inlined, compiled at the first call in a process.

        See `perplab.sim.compiler.rules.compile_act`.

        Raises
        ------
        RuleError
            In one sentence, with file and line: what the plain rule breaks, or else why it cannot be compiled.
        """
        if act not in self._acts:
            try:
                self._acts[act] = compile_act(act, self.function, self.traits.dtype, self.cached)
            except RuleError as error:
                raise RuleError(
                    (self.kind and plain_fault(self.kind)) or self._explanation() or str(error)
                ) from None
        return self._acts[act]

    def _explanation(self):
        """Return why the rule by itself cannot be compiled, which is clearer than within the step; None if it can."""
        try:
            return self._compiled and None
        except RuleError as error:
            return str(error)

    def __call__(self, *arguments):
        return self._compiled(*arguments)


def rule(traits):
    """Declare a function ``(me, accounts, positions, views, mine, rng, orders) -> count`` as the rule over `traits`."""
    return lambda function: Rule(function, traits)


class TraitOfRow:
    """A trait as an attribute of a handle: read from the trader's row, checked and written through to it."""

    def __init__(self, name):
        self.name = name

    def __get__(self, trader, kind):
        return self if trader is None else float(trader.traits_row[self.name])

    def __set__(self, trader, value):
        trader.set_trait(self.name, value)


class Trader(mesa.Agent):
    """Handle on one trader's row of the market's tables; a subclass is a kind.

    Parameters
    ----------
    model : PerpetualMarket
    row : int
        Its row in the table ``trader``.

    Attributes
    ----------
    kind : str
        Name of the kind in scenarios, records and plots.
    traits : Traits
    decide : Rule
    slots : int
        Resting orders that a trader of this kind can have at once.
    collateral, cash, equity : float, quote currency
    size_usd, wake_seconds, ... : float
        Each trait of the kind, to read and, between two steps, to write: it counts from the trader's next decision on.

    Notes
    -----
    The state is in the tables, so a handle costs nothing while nobody asks it. A trader acts inside the market's step; what
    Mesa would call on a handle (`step`, `advance`) is refused. What is written is kept by `save` and `branch`, but stands in
    no scenario. An attribute that is no trait is refused, unless the class has one of that name.
    """

    kind = ""
    traits = None
    decide = None
    slots = 0
    row = unique_id = model = pos = None

    def __init_subclass__(cls, **keywords):
        super().__init_subclass__(**keywords)
        if cls.decide is not None and (
            cls.traits is None or cls.decide.traits.dtype != cls.traits.dtype
        ):
            raise RuleError(
                f"{cls.__name__}.traits must have the fields its rule was declared with"
            )
        if cls.decide is not None:
            cls.decide.kind = cls
            cls._expose_traits()

    @classmethod
    def _expose_traits(cls):
        for name in cls.traits.traits:
            if name in vars(cls) or hasattr(Trader, name):
                raise RuleError(
                    f"{cls.__name__}: the trait {name} needs another name: each handle has {name} already"
                )
            setattr(cls, name, TraitOfRow(name))

    def __init__(self, model, row):
        super().__init__(model)
        self.row = row

    def __setattr__(self, name, value):
        if not hasattr(type(self), name) and name[0] != "_":
            known = self.traits.traits if self.traits else ()
            raise ParameterError(
                Fault(
                    name,
                    value,
                    f"a trait of {type(self).__name__}: {', '.join(known)}{nearest(name, known)};"
                    " agents_by_type[Kind].set(trait, value) writes those of one kind",
                )
            )
        object.__setattr__(self, name, value)

    def set_trait(self, name, value):
        """Write a trait of the trader between two steps.

        Raises
        ------
        ParameterError
            Out of bounds, or for what the account was opened with: capital, margin and borrow shares, leverage, isolation.
        """
        try:
            faults = self.traits.faults({name: value})
        except (OverflowError, TypeError, ValueError):
            faults = [Fault(name, str(value)[:40], "a number")]
        if faults or np.ndim(value):
            raise ParameterError(*faults or [Fault(name, value, "one number")])
        write_trait(self.model, self.row, name, float(value))

    def remove(self):
        """Take the trader out of the market: its orders are cancelled, and it never acts again.

        Its money and its position stay: they pay and receive funding and are liquidated like any other, until the end.
        """
        retire(self.model, self.row)
        super().remove()

    def step(self):
        """Refuse: a trader acts inside the market's step, when it wakes."""
        raise RuleError(
            f"{type(self).__name__} acts inside the market's compiled step, when it wakes: call step() or run() of the model"
        )

    advance = step

    @property
    def traits_row(self):
        """The trader's traits and memory, a live record."""
        trader = self.model.tables["trader"][self.row]
        return self.model.traits[trader["kind"]][trader["number"]]

    @property
    def collateral(self):
        """Margin at all venues: collateral and pots, quote currency."""
        tables = self.model.tables
        units = (
            tables["account"]["collateral"][self.row].sum()
            + tables["position"]["isolated_margin"][self.row].sum()
        )
        return float(units) * self._unit

    @property
    def cash(self):
        """The wallet outside the venues, quote currency."""
        return float(self.model.tables["account"]["cash"][self.row].sum()) * self._unit

    @property
    def equity(self):
        """All the trader owns: wallet, margin, transfers on their way, positions at the mark, spot; quote currency."""
        tables, row = self.model.tables, self.row
        view, position = tables["view"], tables["position"][row]
        worth = (
            position["quote"].sum()
            + (position["lots"] * view["mark"] * view["units_per_price"]).sum()
        )
        on_its_way = tables["account"]["incoming"][row].sum()
        asset = tables["asset"]
        spot = (tables["holding"]["lots"][row] * asset["lot"] * asset["spot"]).sum()
        return self.cash + self.collateral + float(worth + on_its_way) * self._unit + float(spot)

    @property
    def _unit(self):
        view = self.model.tables["view"][0]
        return float(view["lot"] / view["units_per_price"])

    def lots(self, market=0):
        """Return the signed position in a market, lots."""
        return int(self.model.tables["position"]["lots"][self.row, market])

    def spot_lots(self, asset=0):
        """Return the spot holding of an asset, lots; negative if borrowed."""
        return int(self.model.tables["holding"]["lots"][self.row, asset])
