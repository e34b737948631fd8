"""A kind of trader: declared traits, one compiled rule, and the Mesa handle on a trader's row.

A kind in one file::

    from perplab.agents.trader import Trader, Trait, Traits, write_market
    from perplab.agents.rules import rule
    from perplab.sim.streams import uniform

    TRAITS = Traits(
        wake_seconds=Trait(3600, "s", "mean time between decisions", low=0),
        capital_usd=Trait(10_000, "quote currency", "initial wealth", low=0),
    )

    @rule(TRAITS)
    def flip(me, accounts, positions, views, mine, rng, orders):
        side = 1 if uniform(rng) < 0.5 else -1
        return write_market(orders, 0, 0, side, 10, 0)

    class Coin(Trader):
        kind, traits, decide, slots = "coin", TRAITS, flip, 0

The rule is called when the trader wakes. Its arguments are the trader's own record (traits, then
memory; all floats), its accounts by venue, its positions and the public views by market, its
resting orders by slot, its random draws and a buffer for order rows. It returns the number of rows
that it wrote. It may change nothing but its memory and the buffer. The same function runs compiled
and in plain Python.

Traits that the engine itself reads, if a kind has them: ``wake_seconds`` (mean of the exponential
time between decisions; 0 or infinite: never), ``latency_seconds`` (puts the kind into the fast
class), ``capital_usd``, ``margin_share`` (of the capital, at the venue), ``borrow_share`` (of the
capital, the borrow limit in spot), ``leverage``, ``isolated``. A memory ``wake_scale`` (1.0 at
first) multiplies ``wake_seconds``: a rule that writes it changes its next wait and those after it,
until it writes another value (0: it never wakes again).
"""

from typing import Any, NoReturn

import mesa
import numpy as np

from perplab.agents.orders import (
    write_cancel,
    write_close,
    write_hedge,
    write_limit,
    write_market,
    write_spot,
    write_stop,
    write_transfer,
)
from perplab.agents.rules import Rule, rule
from perplab.agents.trader_check import check_trader
from perplab.agents.traits import Trait, Traits, one_of
from perplab.sim.errors import Fault, KeyFault, ParameterError, RuleError
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
    "write_hedge",
    "write_limit",
    "write_market",
    "write_spot",
    "write_stop",
    "write_transfer",
]


OF_ONE_KIND = "; agents_by_type[Kind].set(trait, value) writes those of one kind"


class TraitOfRow:
    """A trait as an attribute of a handle: reads and writes the trader's row, checked."""

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
        Most resting orders of a trader of this kind.
    trusted : bool
        Whether a rule of your own runs without its guard, faster. By default it runs on copies of
        its rows, with checked indices and counted loops; what it does wrong ends the run.
    collateral, cash, equity : float, quote currency
    size_usd, wake_seconds, ... : float
        Each trait of the kind, to read and, between two steps, to write; it is in force from the
        trader's next decision on.

    Notes
    -----
    The state is in the tables; a handle only reads and writes it. A trader acts inside the market's
    step; `step` and `advance`, which Mesa would call on a handle, raise RuleError. A trait that is
    written is part of a saved market and of a branch, but of no scenario. Setting any other
    attribute raises ParameterError, unless the class has one of that name.
    """

    kind: str = ""
    traits: Traits | None = None
    decide: Rule | None = None
    slots: int = 0
    trusted: bool = False
    row: Any = None
    unique_id: Any = None
    model: Any = None
    pos: Any = None

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if not isinstance(cls.decide, (Rule, type(None))):
            raise RuleError(f"{cls.__name__}.decide must be a function decorated by rule(traits)")
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
                    f"{cls.__name__}: rename the trait {name}: a trader has an attribute {name}"
                )
            setattr(cls, name, TraitOfRow(name))

    def __init__(self, model: mesa.Model, row: int | None = None) -> None:
        if row is None:
            raise RuleError(
                f"traders are made with their market, from its Setup: Population(name=...,"
                f" kind={type(self).__name__}, number=...)"
            )
        super().__init__(model)
        self.row = row

    def __setattr__(self, name, value):
        if not hasattr(type(self), name) and name[0] != "_":
            known = self.traits.traits if self.traits else ()
            raise ParameterError(KeyFault(name, value, one_of(known, name) + OF_ONE_KIND))
        object.__setattr__(self, name, value)

    def set_trait(self, name: str, value: float | str) -> None:
        """Write a trait of the trader between two steps; that of a choice by its name.

        Raises
        ------
        ParameterError
            If it is out of bounds, or the account was opened with it: capital, margin and borrow
            shares, leverage, isolation.
        """
        if self.traits and name in self.traits.traits:
            value = self.traits.traits[name].number(value)
        try:
            faults = self.traits.faults({name: value})
        except (OverflowError, TypeError, ValueError):
            faults = [Fault(name, str(value)[:40], "a number")]
        if faults or np.ndim(value):
            raise ParameterError(*faults or [Fault(name, value, "one number")])
        write_trait(self.model, self.row, name, float(value))

    def remove(self) -> None:
        """Retire the trader: its orders and hedges are cancelled, and it never acts again.

        Its money and its position stay: the position pays and receives funding and can be
        liquidated like any other.
        """
        retire(self.model, self.row)
        super().remove()

    def step(self) -> NoReturn:
        """Raise RuleError: a trader acts inside the market's step, when it wakes."""
        raise RuleError(
            f"{type(self).__name__} acts inside the market's compiled step, when it wakes:"
            " call step() or run() of the model"
        )

    advance = step

    @property
    def traits_row(self) -> np.void:
        """The trader's traits and memory, a live record."""
        trader = self.model.tables["trader"][self.row]
        return self.model.traits[trader["kind"]][trader["number"]]

    @property
    def collateral(self) -> float:
        """Margin at all venues: collateral and isolated margin, quote currency."""
        tables = self.model.tables
        units = (
            tables["account"]["collateral"][self.row].sum()
            + tables["position"]["isolated_margin"][self.row].sum()
        )
        return float(units) * self._unit

    @property
    def cash(self) -> float:
        """Cash in the wallet, outside the venues, quote currency."""
        return float(self.model.tables["account"]["cash"][self.row].sum()) * self._unit

    @property
    def equity(self) -> float:
        """Wealth, quote currency: wallet, margin, transfers, positions at the mark, spot."""
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

    def lots(self, market: int = 0) -> int:
        """Return the signed position in a market, lots."""
        return self._lots_in("position", "market", market)

    def spot_lots(self, asset: int = 0) -> int:
        """Return the spot holding of an asset, lots; negative if borrowed."""
        return self._lots_in("holding", "asset", asset)

    def _lots_in(self, table, name, number):
        lots = self.model.tables[table]["lots"][self.row]
        if number not in range(len(lots)):
            raise ParameterError(Fault(name, number, f"a number from 0 to {len(lots) - 1}"))
        return int(lots[int(number)])
