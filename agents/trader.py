"""What a kind of trader is: declared traits, one compiled rule, and the Mesa handle on its row.

A kind in one file::

    from agents.trader import Trader, Trait, Traits, rule, write_market
    from sim.streams import uniform

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

import dataclasses
import difflib
import functools
import pathlib

import mesa
import numpy as np

from agents.contract import check_trader
from agents.orders import write_cancel, write_close, write_limit, write_market, write_spot, write_transfer
from sim.cache import FLOORS, HOUSE
from sim.errors import Fault, ParameterError, RuleError
from sim.kernel import compile_rule, with_rule
from sim.records import ACCOUNT, DRAW, ORDER, ORDER_ROW, POSITION, VIEW

__all__ = ["Rule", "Trader", "Trait", "Traits", "check_trader", "rule", "write_cancel", "write_close", "write_limit",
           "write_market", "write_spot", "write_transfer"]


@dataclasses.dataclass(frozen=True)
class Trait:
    """One property of a trader.

    Parameters
    ----------
    default : float
    unit, meaning : str
    low, high : float, optional
        Bounds, both allowed.
    """

    default: float
    unit: str
    meaning: str
    low: float | None = None
    high: float | None = None

    @property
    def bound(self):
        """The allowed values in words."""
        named = (("at least", self.low), ("at most", self.high))
        return " and ".join(f"{words} {bound:g}" for words, bound in named if bound is not None) or "a number"

    def accepts(self, values):
        """Return whether every value is a number within the bounds."""
        values = np.asarray(values, float)
        low = -np.inf if self.low is None else self.low
        high = np.inf if self.high is None else self.high
        return bool(np.all((values >= low) & (values <= high)))


class Traits:
    """The traits of a kind, and what it remembers between decisions.

    Parameters
    ----------
    memory : dict of str to float, optional
        Fields that the rule may write, with their first values.
    **traits : Trait

    Attributes
    ----------
    dtype : numpy.dtype
        One float64 field a trait, then one a memory field.
    defaults : numpy.void
        A record of `dtype`.

    Examples
    --------
    >>> traits = Traits(size_usd=Trait(100, "quote currency", "order size", low=1), memory={"seen_seconds": 0.0})
    >>> traits.table(2, {"size_usd": [5, 6]})["size_usd"].tolist()
    [5.0, 6.0]
    >>> traits.table(2, {"size_us": 5})
    Traceback (most recent call last):
    sim.errors.ParameterError: size_us was 5, must be one of size_usd (did you mean size_usd?)
    """

    def __init__(self, memory=None, **traits):
        self.traits, self.memory = traits, dict(memory or {})
        self.dtype = np.dtype([(name, "f8") for name in (*traits, *self.memory)], align=True)
        self.defaults = self._rows(1, {})[0]

    def _rows(self, number, values):
        rows = np.zeros(number, self.dtype)
        first = {name: trait.default for name, trait in self.traits.items()} | self.memory | values
        for name, value in first.items():
            rows[name] = value
        return rows

    def replaced(self, **defaults):
        """Return the same traits with other defaults."""
        changed = {name: dataclasses.replace(self.traits[name], default=value) for name, value in defaults.items()}
        return Traits(memory=self.memory, **self.traits | changed)

    def faults(self, values):
        """Return what is wrong with values by trait name, as a list of Fault."""
        found = []
        for name, value in values.items():
            if name not in self.traits:
                near = difflib.get_close_matches(name, self.traits, 1)
                found.append(Fault(name, value, f"one of {', '.join(self.traits)}"
                                                + f" (did you mean {near[0]}?)" * bool(near)))
            elif not self.traits[name].accepts(value):
                found.append(Fault(name, value, self.traits[name].bound))
        return found

    def table(self, number, values):
        """Return the records of `number` traders.

        Parameters
        ----------
        number : int
        values : dict of str to float or array[number]
            What differs from the defaults.

        Returns
        -------
        numpy.ndarray of `dtype`

        Raises
        ------
        ParameterError
            With every unknown name and every value out of bounds.
        """
        faults = self.faults(values)
        if faults:
            raise ParameterError(*faults)
        return self._rows(number, values)


class Rule:
    """A decision rule: the plain function, and its compiled form once somebody asks for it.

    Attributes
    ----------
    function : callable
        The plain Python function.
    traits : Traits
    """

    def __init__(self, function, traits):
        functools.update_wrapper(self, function)
        self.function, self.traits, self._acts = function, traits, {}

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
        """Return a kernel of the step with this rule inside (`sim.kernel.with_rule`), compiled at the first call in a process."""
        if act not in self._acts:
            self._acts[act] = with_rule(act, self.function, self.traits.dtype, self.cached)
        return self._acts[act]

    def __call__(self, *arguments):
        return self._compiled(*arguments)


def rule(traits):
    """Declare a function ``(me, accounts, positions, views, mine, rng, orders) -> count`` as the rule over `traits`."""
    return lambda function: Rule(function, traits)


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

    Notes
    -----
    The state is in the tables, so a handle costs nothing while nobody asks it.
    """

    kind = ""
    traits = None
    decide = None
    slots = 0

    def __init_subclass__(cls, **keywords):
        super().__init_subclass__(**keywords)
        if cls.decide is not None and (cls.traits is None or cls.decide.traits.dtype != cls.traits.dtype):
            raise RuleError(f"{cls.__name__}.traits must have the fields its rule was declared with")

    def __init__(self, model, row):
        super().__init__(model)
        self.row = row

    @property
    def traits_row(self):
        """The trader's traits and memory, a live record."""
        trader = self.model.tables["trader"][self.row]
        return self.model.traits[trader["kind"]][trader["number"]]

    @property
    def collateral(self):
        """Margin at all venues: collateral and pots, quote currency."""
        tables = self.model.tables
        units = tables["account"]["collateral"][self.row].sum() + tables["position"]["pot"][self.row].sum()
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
        worth = position["quote"].sum() + (position["lots"] * view["mark"] * view["units_per_price"]).sum()
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
