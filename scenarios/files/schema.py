"""The tables, keys, units and ranges of scenario files.

Times, amounts and rates have their unit in the key; amounts are in quote currency. Any other key is
refused.
"""

import typing
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from perplab.scenarios.files.distributions import (
    DISTRIBUTIONS,
    Choice,
    Exponential,
    Lognormal,
    Normal,
    Uniform,
)
from perplab.sim.rulebook.sections import Nonnegative, Switch
from perplab.sim.spot import shocks
from perplab.sim.spot.displacement import Displacement
from perplab.sim.spot.process import Model
from perplab.sim.spot.processes import SpotProcess
from perplab.sim.spot.replay import ColumnName
from perplab.sim.spot.terms import Name, SpotTerms
from perplab.sim.state.setup_checks import LARGEST_POPULATION

Days = Annotated[float, Field(strict=True, gt=0, le=3660)]
Seconds = Annotated[float, Field(strict=True, ge=0.01, le=3600)]
Text = Annotated[str, Field(max_length=2_000)]


def _trait_tag(value):
    if isinstance(value, str):
        return "name"
    if not isinstance(value, dict):
        return getattr(value, "distribution", "number")
    return value.get("distribution")


TraitValue = Annotated[
    Annotated[float, Field(strict=True, allow_inf_nan=True), Tag("number")]
    | Annotated[str, Tag("name")]
    | Annotated[Lognormal, Tag("lognormal")]
    | Annotated[Normal, Tag("normal")]
    | Annotated[Exponential, Tag("exponential")]
    | Annotated[Uniform, Tag("uniform")]
    | Annotated[Choice, Tag("choice")],
    Discriminator(
        _trait_tag,
        custom_error_type="trait",
        custom_error_message="a number, a name or a table whose distribution is one of "
        + ", ".join(DISTRIBUTIONS),
    ),
]


class SpotDisplacement(Displacement):
    """``[spot.displacement]``; ``enabled = false`` leaves the linear law of impact in force."""

    enabled: Switch = True


def as_table(law):
    """Return a law of displacement as its table, and a table that only switches it off as None."""
    if law == {"enabled": False}:
        return None
    return law.model_dump() if isinstance(law, Displacement) else law


def in_force(law):
    """Return a law of displacement without its switch, or None if that is off."""
    if law is None or not law.enabled:
        return None
    return Displacement(**law.model_dump(exclude={"enabled"}))


class Asset(SpotTerms):
    """``[spot]`` or ``[[assets]]``: an asset and its spot market.

    Units are those of `perplab.sim.setup.AssetSetup`.
    """

    price: SpotProcess
    displacement: Annotated[
        SpotDisplacement | None, BeforeValidator(as_table), AfterValidator(in_force)
    ] = None


class Market(Model):
    """``[market]`` or ``[[markets]]``: a rulebook by name or file, and changes to it.

    `venue` is by default the rulebook's name, `asset` the first asset.
    """

    rulebook: str
    venue: Name | None = None
    asset: str | None = None
    changes: dict = {}


class Population(Model):
    """``[populations.NAME]``: a kind, a number, and its traits, each a number or a distribution."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, TraitValue]

    kind: str
    number: Annotated[int, Field(strict=True, ge=0, le=LARGEST_POPULATION)]

    @property
    def traits(self):
        """Values and distributions by trait."""
        return self.__pydantic_extra__


class PathShock(shocks.PathShock):
    """``[[shocks]]`` of kind "path": a move of spot along a path; by default of the first asset."""

    asset: str | None = None


class SellProgramme(shocks.SellProgramme):
    """``[[shocks]]`` of kind "programme": spot traded at a constant rate whatever the price."""

    asset: str | None = None


class SourceShock(shocks.SourceShock):
    """``[[shocks]]`` of kind "index_source": one source of the index leaves spot and returns."""

    asset: str | None = None


class Twin(Model):
    """``[twin]``: from an hour on, the no-impact counterfactual (twin) runs beside.

    In the twin, liquidation orders do not touch the book.
    """

    from_hours: Nonnegative
    enabled: Switch = True


class Record(Model):
    """``[record]``: whether every trade is stored, and how often wealth by kind."""

    trades: Switch = False
    wealth_seconds: Annotated[float, Field(strict=True, gt=0, le=3600)] = 3600.0


class Comparison(Model):
    """``[comparison]``: the real perpetual to compare a replay with.

    `perp_column` is a column of the replayed file; real funding rates have a file of their own.
    Columns have numbers, from 1, in a file without a header.
    """

    perp_column: ColumnName = "perp"
    funding_file: str | None = None
    funding_column: ColumnName = "rate"
    funding_time_column: ColumnName = "timestamp"


class Scenario(Model):
    """A scenario: everything about a run but its seed.

    Attributes
    ----------
    name, title, question, extends : str
    days : float
    dt_seconds : float, seconds per step
    record_seconds : float, interval of the recorded series
    premium_sample_seconds : float, approximate time between two samples of the premium
    spot or assets, market or markets, populations, shocks, twin, record, comparison
        The tables of this module.
    """

    name: Annotated[str, Field(pattern=r"^[\w.-]*\w$", max_length=100)]
    title: Text = ""
    question: Text = ""
    extends: str | None = None
    days: Days
    dt_seconds: Seconds
    record_seconds: Annotated[float, Field(strict=True, gt=0, le=86_400)] = 60.0
    premium_sample_seconds: Seconds = 5.0
    spot: Asset | None = None
    assets: tuple[Asset, ...] = ()
    market: Market | None = None
    markets: tuple[Market, ...] = ()
    populations: dict[Name, Population]
    shocks: tuple[
        Annotated[PathShock | SellProgramme | SourceShock, Field(discriminator="kind")], ...
    ] = ()
    twin: Twin | None = None
    record: Record = Record()
    comparison: Comparison | None = None

    @property
    def all_assets(self):
        """Assets by dotted key."""
        return keyed(self.spot, "spot", self.assets, "assets")

    @property
    def all_markets(self):
        """Markets by dotted key."""
        return keyed(self.market, "market", self.markets, "markets")

    @property
    def steps(self):
        """Number of steps of a run."""
        return round(self.days * 86_400 / self.dt_seconds)

    @property
    def twin_step(self):
        """Step at which the twin starts, or None."""
        if self.twin is None or not self.twin.enabled:
            return None
        return round(self.twin.from_hours * 3600 / self.dt_seconds)


def keyed(single, single_key, several, several_key):
    """Return a single part, or several, by dotted key."""
    first = {} if single is None else {single_key: single}
    return first | {f"{several_key}.{number}": part for number, part in enumerate(several)}


TAGGED = {
    **DISTRIBUTIONS,
    "path": PathShock,
    "programme": SellProgramme,
    "index_source": SourceShock,
    **{
        model.model_fields["process"].default: model
        for model in typing.get_args(typing.get_args(SpotProcess)[0])
    },
}
