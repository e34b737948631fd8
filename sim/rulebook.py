"""A venue's rules: named laws and their numbers, read from a dated file, checked, and written into the records.

A rulebook is complete: every key of every section is stated, since a silent default is a rule nobody chose. It is
frozen; `Rulebook.changed` gives a checked copy. No condition names a venue: two venues differ by their files alone.
"""

import datetime
import math
import pathlib
from typing import Annotated

import pydantic

from sim import records, sections
from sim.errors import Fault, ParameterError
from sim.refusal import checked, flattened, nearest, toml_tables, unknown

LIBRARY = pathlib.Path(__file__).resolve().parent / "rulebooks"
LARGEST_UNITS = 2**62


class Rulebook(sections.Section):
    """All rules of a venue for one contract.

    Attributes
    ----------
    name : str
    dated : datetime.date
        Day for which the sources were read.
    sources, assumed : tuple of str
        Documents behind the numbers; what is not documented.
    contract, fees, premium, funding, mark, index, margin, liquidation, fund, deleveraging, account : Section

    Examples
    --------
    >>> rules = load_rulebook("hyperliquid")
    >>> rules.funding.interval_hours, rules.changed({"funding.cap": 0.01}).funding.cap
    (1.0, 0.01)
    """

    name: str
    dated: datetime.date
    sources: Annotated[tuple[str, ...], pydantic.Field(min_length=1)]
    assumed: tuple[str, ...] = ()
    contract: sections.Contract
    fees: sections.Fees
    premium: sections.Premium
    funding: sections.Funding
    mark: sections.Mark
    index: sections.Index
    margin: sections.Margin
    liquidation: sections.Liquidation
    fund: sections.Fund
    deleveraging: sections.Deleveraging
    account: sections.Account

    def contradictions(self):
        if self.fund.initial / self.contract.unit >= LARGEST_UNITS:
            limit = LARGEST_UNITS * self.contract.unit
            yield Fault("fund.initial", self.fund.initial, f"below {limit:g} (in 64-bit units)")
        if self.premium.impact_notional < self.contract.tick * self.contract.lot:
            yield Fault("premium.impact_notional", self.premium.impact_notional, "at least tick x lot")

    @classmethod
    def from_tables(cls, tables, file="", text=""):
        """Return the rulebook of nested dictionaries; `file` and its `text` only serve to say where faults stand.

        Raises
        ------
        ParameterError
            With every fault found.
        """
        return checked(cls, tables, file, text)

    def changed(self, changes=(), **dotted):
        """Return a checked copy with other values.

        Parameters
        ----------
        changes : mapping, optional
            New values by dotted key (``{"funding.cap": 0.02}``) or nested (``{"funding": {"cap": 0.02}}``).
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
            if name and isinstance(tables.get(section), dict):
                tables[section][name] = value
            elif not name and section in tables:
                tables[section] = value
            else:
                faults.append(unknown(type(self), key, section, value))
        if faults:
            raise ParameterError(*faults)
        return Rulebook.from_tables(tables)

    def units(self, amount):
        """Return an amount of quote currency in money units, a whole float."""
        return float(round(amount / self.contract.unit)) if math.isfinite(amount) else amount

    def fill(self, venue_row, market_row):
        """Write the rules' numbers into a VENUE and a MARKET record, in place.

        Rows and tables of the state proper (fund row, averages, sums, windows of the ladder) are left alone.
        """
        for row, values in ((venue_row, self._venue_values()), (market_row, self._market_values())):
            for field, value in values.items():
                row[field] = value

    def _venue_values(self):
        forced = self.liquidation
        return {
            "taker_fee": self.fees.taker, "maker_fee": self.fees.maker, "liquidation_fee": forced.fee,
            "first_share": forced.first_share, "first_notional": self.units(forced.first_notional),
            "pause_seconds": forced.pause_seconds, "takeover_share": forced.takeover_share,
            "takeover_after_order": forced.takeover_after_order, "round_seconds": forced.round_seconds,
            "forced_limit": records.FORCED_LIMITS.index(forced.forced_limit),
            "deleveraging_price": records.DELEVERAGING_PRICES.index(self.deleveraging.price),
            "deleveraging_rank": records.DELEVERAGING_RANKS.index(self.deleveraging.rank),
            "unwind_seconds": self.fund.unwind_seconds, "hide_prediction": self.account.hide_prediction,
            "transfer_seconds": self.account.transfer_seconds,
        }

    def _market_values(self):
        contract, funding = self.contract, self.funding
        return {
            "tick": contract.tick, "lot": contract.lot, "units_per_tick": contract.units_per_tick,
            "units_per_price": contract.units_per_price, "band": contract.band,
            "impact_notional": self.units(self.premium.impact_notional), "ramp": self.premium.average == "linear_ramp",
            "funding_on": funding.enabled, "interval_seconds": 3600 * funding.interval_hours,
            "interest": funding.interest, "damper": funding.damper, "add_interest": funding.damper_mode == "sum",
            "cap": funding.cap, "divisor": funding.divisor, "notional_price": records.NOTIONALS.index(funding.notional),
            "index_window": self.index.window_seconds, **self._mark_values(), **self._margin_values(),
        }

    def _mark_values(self):
        inputs = self.mark.inputs
        spare = [0] * (3 - len(inputs))
        return {"mark_input": [records.MARK_INPUTS.index(part.input) for part in inputs] + spare,
                "mark_window": [part.window_seconds for part in inputs] + spare}

    def _margin_values(self):
        tiers, spare = self.margin.tiers, records.TIERS - len(self.margin.tiers)
        return {
            "maximum_leverage": min(self.margin.maximum_leverage, tiers[0].leverage), "tiers": len(tiers),
            "tier_floor": [self.units(tier.floor) for tier in tiers] + spare * [math.inf],
            "tier_fraction": [tier.maintenance_fraction for tier in tiers] + spare * [0.0],
            "tier_deduction": [self.units(deduction) for deduction in self.margin.deductions] + spare * [0.0],
            "tier_leverage": [tier.leverage for tier in tiers] + spare * [1.0],
        }


def rulebook_names():
    """Return the names of the rulebooks that come with the package, sorted.

    Examples
    --------
    >>> rulebook_names()
    ['binance', 'hyperliquid']
    """
    return sorted(path.stem for path in LIBRARY.glob("*.toml"))


def load_rulebook(name_or_path):
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
    elif str(name_or_path).endswith(".toml") and pathlib.Path(name_or_path).is_file():
        path, file = pathlib.Path(name_or_path), str(name_or_path)
    else:
        known = ", ".join(rulebook_names())
        raise ParameterError(Fault("rulebook", str(name_or_path), f"a TOML file that exists, or one of {known}"
                                   + nearest(str(name_or_path), rulebook_names())))
    text = path.read_text(encoding="utf-8")
    return Rulebook.from_tables(toml_tables(text, file), file, text)
