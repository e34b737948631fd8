"""A venue's rules.

Named laws and their numbers, read from a dated file, checked, and written into the records.

Keys of options that a venue does not use may be omitted. A rulebook is frozen; `Rulebook.changed`
gives a checked copy. No condition names a venue: two venues differ by their files alone.
"""

import datetime
import math
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import pydantic

from perplab.sim.errors import Fault, ParameterError
from perplab.sim.faults import checked, flattened, nearest, unknown
from perplab.sim.laws.funding import FUNDING_LAW, cap_by_law
from perplab.sim.laws.premium_average import VOTES
from perplab.sim.rulebook import adl as adl_section
from perplab.sim.rulebook import (
    funding,
    index,
    liquidation,
    margin,
    mark,
    premium,
    sections,
    terms,
    trading,
)
from perplab.sim.toml_files.reading import text_of, toml_tables

LIBRARY = pathlib.Path(__file__).resolve().parent / "venues"
LARGEST_UNITS = 2**62


class Rulebook(sections.Section):
    """All rules of a venue for one contract.

    Attributes
    ----------
    name : str
    dated : datetime.date
        Day on which the rules were in force; the files say under `assumed` where it is a guess.
    sources, assumed : tuple of str
        Documents behind the numbers; what is not documented.
    contract, trading, fees, premium, funding, mark, index, margin, liquidation, fund, adl, account
    : Section

    Examples
    --------
    >>> rules = load_rulebook("hyperliquid")
    >>> rules.funding.interval_hours, rules.changed({"funding.cap": 0.01}).funding.cap
    (1.0, 0.01)
    """

    renamed: ClassVar[dict] = {"deleveraging": "adl"}
    name: str
    dated: datetime.date
    sources: Annotated[tuple[str, ...], pydantic.Field(min_length=1)]
    assumed: tuple[str, ...] = ()
    contract: terms.Contract
    trading: trading.Trading
    fees: terms.Fees
    premium: premium.Premium
    funding: funding.Funding
    mark: mark.Mark
    index: index.Index
    margin: margin.Margin
    liquidation: liquidation.Liquidation
    fund: adl_section.Fund
    adl: adl_section.Adl
    account: terms.Account

    def contradictions(self) -> Iterator[Fault]:
        if self.fund.initial / self.contract.unit >= LARGEST_UNITS:
            limit = LARGEST_UNITS * self.contract.unit
            yield Fault("fund.initial", self.fund.initial, f"below {limit:g} (in 64-bit units)")
        if self.adl.pool_trigger is not None and self.trading.venue_type != "oracle":
            yield Fault(
                "adl.pool_trigger",
                self.adl.pool_trigger,
                "absent: only an oracle's pool closes winners",
            )
        if self.premium.trim and 60 * self.funding.interval_hours > VOTES:
            yield Fault(
                "premium.trim",
                self.premium.trim,
                f"0 where an interval is longer than {VOTES} minutes, whose samples are kept",
            )
        if (
            self.premium.impact_notional is not None
            and self.premium.impact_notional < self.contract.tick * self.contract.lot
        ):
            yield Fault(
                "premium.impact_notional", self.premium.impact_notional, "at least tick x lot"
            )

        if (self.premium.impact_notional or 0) / self.contract.unit >= LARGEST_UNITS:
            yield Fault(
                "premium.impact_notional",
                self.premium.impact_notional,
                f"below {LARGEST_UNITS * self.contract.unit:g} (in 64-bit units)",
            )

    @classmethod
    def from_tables(cls, tables: dict[str, Any], file: str = "", text: str = "") -> Self:
        """Return the rulebook of nested dictionaries.

        `file` and its `text` only serve to say where faults stand.

        Raises
        ------
        ParameterError
            With every fault found.
        """
        return checked(cls, tables, file, text)

    def changed(self, changes: Mapping[str, Any] | tuple[()] = (), **dotted: Any) -> "Rulebook":
        """Return a checked copy with other values.

        Parameters
        ----------
        changes : mapping, optional
            New values by dotted key (``{"funding.cap": 0.02}``) or nested (``{"funding": {"cap":
            0.02}}``).
        **dotted
            The same, as keywords.

        Raises
        ------
        ParameterError
            For an unknown key, or numbers that make no sense, alone or together.
        """
        tables, faults = self.model_dump(), []
        for key, value in flattened({**dict(changes), **dotted}).items():
            section, _, name = key.partition(".")
            if value == {} and section in tables:
                faults.append(Fault(key, value, "a table with at least one key"))
            elif name and isinstance(tables.get(section), dict):
                tables[section][name] = value
            elif not name and section in tables:
                tables[section] = value
            else:
                faults.append(unknown(type(self), key, section, value))
        if faults:
            raise ParameterError(*faults)
        return Rulebook.from_tables(tables)

    def units(self, amount: float) -> float:
        """Return an amount of quote currency in money units, a whole float."""
        return float(round(amount / self.contract.unit)) if math.isfinite(amount) else amount

    def fill(self, venue_row: np.void, market_row: np.void) -> None:
        """Write the rules' numbers into a VENUE and a MARKET record, in place.

        Rows and tables of the state proper (fund row, averages, sums, windows of the ladder) are
        left alone.
        """
        for section in (getattr(self, name) for name in type(self).model_fields):
            if isinstance(section, sections.Section):
                write_fields(venue_row, section.venue_values(self.units))
                write_fields(market_row, section.market_values(self.units))
        market_row["funding_law"] = self.funding_law
        market_row["margin_law"]["size_slope"] = self.margin.size_slope * self.contract.lot

    @property
    def funding_law(self):
        """The funding formula as a FUNDING_LAW record (`perplab.sim.laws.funding`)."""
        law = np.zeros(1, FUNDING_LAW)[0]
        for section in (self.premium, self.funding):
            write_fields(law, section.market_values(self.units)["funding_law"])
        law["cap"] = self.funding_cap
        return law

    @property
    def funding_cap(self) -> float:
        """Largest absolute funding rate per interval, by the venue's law of it."""
        tier = self.margin.tiers[0]
        stated = cap_by_law(
            self.funding.cap_law, self.funding.cap, 1 / tier.leverage, tier.maintenance_fraction
        )
        return stated / self.funding.bound_parts


def write_fields(record, values):
    """Write values into a record by field; a dictionary goes into the record nested there."""
    for field, value in values.items():
        if isinstance(value, dict):
            write_fields(record[field], value)
        else:
            record[field] = value


def rulebook_names() -> list[str]:
    """Return the names of the rulebooks that come with the package, sorted.

    Examples
    --------
    >>> "binance" in rulebook_names()
    True
    """
    return sorted(path.stem for path in LIBRARY.glob("*.toml"))


def load_rulebook(name_or_path: str | pathlib.Path) -> Rulebook:
    """Return a rulebook by its name, or from a TOML file of the user's own.

    Parameters
    ----------
    name_or_path : str or path
        A name of `rulebook_names`, or a path that ends in ``.toml``.

    Returns
    -------
    Rulebook

    Raises
    ------
    ParameterError
        With every fault of the file, its line and what would be right.
    """
    if str(name_or_path) in rulebook_names():
        path, file = LIBRARY / f"{name_or_path}.toml", f"{name_or_path}.toml"
    elif str(name_or_path).endswith(".toml") and os.path.isfile(name_or_path):
        path, file = pathlib.Path(name_or_path), str(name_or_path)
    else:
        known = ", ".join(rulebook_names())
        raise ParameterError(
            Fault(
                "rulebook",
                str(name_or_path),
                f"a TOML file that exists, or one of {known}"
                + nearest(str(name_or_path), rulebook_names()),
            )
        )
    text = text_of(path, "rulebook")
    return Rulebook.from_tables(toml_tables(text, file), file, text)


def refuse_other_rulebooks(markets):
    """Refuse markets of a setup whose rulebook is of another type, such as its name.

    Raises
    ------
    ParameterError
    """
    faults = [
        Fault(
            f"markets.{market.venue}.rulebook", market.rulebook, "a Rulebook: load_rulebook(NAME)"
        )
        for market in markets
        if not isinstance(market.rulebook, Rulebook)
    ]
    if faults:
        raise ParameterError(*faults)
