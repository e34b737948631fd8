"""The JSON objects of stored folders: what they may hold, checked whenever one is read.

A folder can come from anyone. `read_stored` is the only way from a JSON file of a folder to its
values: the file is a regular one inside the folder, and its object has the keys, types and bounds
of a model of this module. Names of files in it lead to no other folder.
"""

from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field

from perplab.scenarios.files.branch_changes import leaves
from perplab.scenarios.files.schema import Name, Scenario
from perplab.scenarios.files.validation import number_faults
from perplab.scenarios.runs.json_files import from_json, json_object
from perplab.scenarios.runs.regular_files import regular_file
from perplab.scenarios.runs.tables import KEPT_TABLES
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.faults import checked

LARGEST = 2**63 - 1
PART = r"\w[\w.-]*"
FileName = Annotated[str, Field(pattern=rf"^{PART}(/{PART})*$", max_length=1_000)]
Key = Annotated[str, Field(pattern=r"^\w{1,64}$")]
Count = Annotated[int, Field(ge=0, le=LARGEST)]
Whole = Annotated[int, Field(ge=-LARGEST, le=LARGEST)]
Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e300, le=1e300)]
Above = Annotated[float, Field(allow_inf_nan=False, gt=0, le=1e300)]
Law = Number | Literal["inf", "-inf"] | bool
Place = Annotated[int, Field(ge=0, le=10_000)]


Pair = Annotated[list[Count], Field(min_length=2, max_length=2)]


class Stored(pydantic.BaseModel):
    """An object of a stored folder; keys that it does not name may have any value."""

    model_config = pydantic.ConfigDict(extra="allow", strict=True)


class Checksum(Stored):
    """The checksum of a file."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    rows: Count | None = None


class Files(Stored):
    """The list of the files of a folder (`perplab.scenarios.runs.manifest`)."""

    files: dict[FileName, Checksum] = {}


class Market(Stored):
    """What `Records.meta` states of a market."""

    asset: str
    tick: Above
    lot: Above
    units_per_price: Above
    interval_seconds: Above
    venue: Place
    units_per_tick: Count
    funding_on: Count
    thin_samples: Count
    premium_samples: Count
    fund_lots: Whole
    funding_law: dict[str, Law]


class Venue(Stored):
    """What `Records.meta` states of a venue."""

    name: str
    round_seconds: Above
    fund_initial: Whole
    fund_equity: Whole
    fees: Whole
    shared_loss: Whole


class Meta(Stored):
    """The facts of a run, `Records.meta`."""

    dt: Above
    steps: Count
    unit: Above
    decisions: Count
    order_messages: Count
    trades: Count
    rounds_max: Count
    traders: Count
    record_seconds: Above
    outcomes: dict[str, Count]
    trader_kinds: Annotated[list[Pair], Field(min_length=1)]
    shock_seconds: list[Annotated[list[Number], Field(min_length=2, max_length=2)]]
    conservation_error_units: Whole
    markets: Annotated[list[Market], Field(min_length=1)]
    venues: Annotated[list[Venue], Field(min_length=1)]

    @pydantic.model_validator(mode="after")
    def _venues_exist(self):
        for number, market in enumerate(self.markets):
            if market.venue >= len(self.venues):
                bound = f"the number of a venue, below {len(self.venues)}"
                raise ParameterError(Fault(f"markets.{number}.venue", market.venue, bound))
        return self


def _is_scenario(value):
    if faults := [Fault(key, None, "a value") for key, one in leaves(value) if one is None]:
        raise ParameterError(*faults)
    checked(Scenario, from_json(value))
    if faults := number_faults({key: part for key, part in value.items() if part != []}):
        raise ParameterError(*faults)
    return value


StoredScenario = Annotated[dict[str, Any], pydantic.AfterValidator(_is_scenario)]


def _are_different(values):
    if len(set(values)) < len(values):
        raise ParameterError(Fault("", values, "values that differ from one another"))
    return values


Different = pydantic.AfterValidator(_are_different)


class RunManifest(Files):
    """``manifest.json`` of a run."""

    format: Count
    seed: Count
    versions: dict[str, str]
    scenario: StoredScenario
    kind_names: Annotated[list[Name], Field(min_length=1), Different]
    meta: Meta
    twin_meta: Meta | None = None

    @pydantic.model_validator(mode="after")
    def _traders_are_those_of_the_scenario(self):
        traders = sum(one["number"] for one in self.scenario["populations"].values())
        for key, meta in (("meta", self.meta), ("twin_meta", self.twin_meta)):
            if meta and sum(number for _, number in meta.trader_kinds) != traders:
                bound = f"the kinds of {traders} traders, as in the scenario"
                raise ParameterError(Fault(f"{key}.trader_kinds", meta.trader_kinds, bound))
            if meta and max(kind for kind, _ in meta.trader_kinds) >= len(self.kind_names):
                bound = f"numbers of kinds, below {len(self.kind_names)}"
                raise ParameterError(Fault(f"{key}.trader_kinds", meta.trader_kinds, bound))
        return self


class Factor(Stored):
    """What the manifest of a sweep states of a factor."""

    key: str | None = None
    keys: list[str] = []
    values: list[Any] = []
    labels: list[str] | None = None
    low: Number | None = None
    high: Number | None = None

    @pydantic.model_validator(mode="after")
    def _has_values(self):
        if self.key is None and not self.keys:
            raise ParameterError(Fault("key", None, "given, or else keys"))
        if not self.values and (self.low is None or self.high is None):
            raise ParameterError(Fault("values", None, "given, or else low and high"))
        for number, value in enumerate(self.values):
            if self.keys and isinstance(value, list) and len(value) != len(self.keys):
                bound = f"one entry for each of {len(self.keys)} keys"
                raise ParameterError(Fault(f"values.{number}", value, bound))
        return self


class Design(Stored):
    """What the manifest of a sweep states of its design."""

    kind: Literal["grid", "latin_hypercube", "sobol", "saltelli", "morris"]
    samples: Count | None = None
    seed: Count = 0


class SweepManifest(Files):
    """``manifest.json`` of a sweep."""

    format: Count
    kind: Literal["sweep"]
    name: str
    title: str
    question: str
    file: str
    scenario: StoredScenario
    factors: dict[Name, Factor]
    design: Design
    seeds: Annotated[list[Count], Field(min_length=1), Different]
    arms: list[Name]
    keep: list[Literal[KEPT_TABLES]]
    unit: Above | None = None
    runs: Annotated[list[Key], Field(min_length=1), Different]
    code_hash: str
    versions: dict[str, str]

    @pydantic.model_validator(mode="after")
    def _runs_fill_points(self):
        if len(self.runs) % len(self.seeds):
            bound = f"as many at every point, {len(self.seeds)} seeds each"
            raise ParameterError(Fault("runs", len(self.runs), bound))
        return self


class Done(Stored):
    """``done/KEY.json`` of a finished run of a sweep."""

    key: Key
    summaries: list[dict[str, Any]]
    tables: dict[Literal[KEPT_TABLES], Checksum] = {}


class Failed(Stored):
    """``failed/KEY.json`` of a failed run of a sweep."""

    error: str


class Branches(Stored):
    """``branches.json`` of a folder of branches."""

    at_hours: Annotated[float, Field(ge=0, le=1e6)]
    arms: list[str]


class Real(Stored):
    """What the summary of a replayed run states of the real market beside it."""

    simulated: dict[str, Number | None]
    real: dict[str, Number | None]
    basis_correlation: Number | None
    basis_rmse_bps: Number | None
    hours: Count
    rows: str


class Summary(Stored):
    """``summary.json`` of a run, as reports read it."""

    __pydantic_extra__: dict[str, Number | dict[str, Number | None] | None]
    pnl_by_kind: dict[str, Number]
    funding_by_kind: dict[str, Number]
    fees_by_kind: dict[str, Number]
    real: Real | None = None
    warnings: list[str] = []

    @pydantic.model_validator(mode="after")
    def _same_kinds(self):
        for key in ("funding_by_kind", "fees_by_kind"):
            if self.pnl_by_kind.keys() != getattr(self, key).keys():
                bound = f"of the kinds of pnl_by_kind, {', '.join(self.pnl_by_kind)}"
                raise ParameterError(Fault(key, list(getattr(self, key)), bound))
        return self


class Anything(Stored):
    """An object whose keys are checked where they are used."""


def read_stored(folder, name, model, key="folder"):
    """Return a JSON object of a stored folder as a dict, checked against a model.

    Parameters
    ----------
    folder : path
    name : str
        The file, relative to the folder.
    model : type
        A subclass of `Stored`.
    key : str
        The key of the fault if the file cannot be read.

    Raises
    ------
    ParameterError
        If there is no such file, it is a link or no regular file, it holds no JSON object, or this
        does not follow the model: then with the file and key of each fault.
    """
    path = regular_file(folder, name, key)
    value = json_object(path, key)
    checked(model, value, str(path))
    return value
