"""An asset and the terms of its spot market: bounds of its numbers, and which go together."""

import math
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator, model_validator

from perplab.sim.errors import Fault, ParameterError
from perplab.sim.faults import checked
from perplab.sim.spot.displacement import Displacement
from perplab.sim.spot.process import Model
from perplab.sim.spot.processes import Sentiment, SmallTakers
from perplab.sim.spot.shocks import PathShock, SellProgramme, SourceShock

BasisPoints = Annotated[float, Field(strict=True, ge=0, le=1000)]
LINEAR = ("transient_impact_bps", "perp_price_discovery")
"""Numbers of the linear law of impact alone."""
RECORDS = {"sentiment": Sentiment, "small_takers": SmallTakers, "displacement": Displacement}


def _is_not_blank(name):
    if not name.strip():
        raise ValueError("not blank")
    return name


Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_is_not_blank)]


class SpotTerms(Model):
    """An asset and the terms of its spot market, without its price.

    Units are those of `perplab.sim.setup.AssetSetup`.
    """

    name: Name = "btc"
    sentiment: Sentiment | None = None
    small_takers: SmallTakers | None = None
    displacement: Displacement | None = None
    permanent_impact_bps: BasisPoints = 0.02
    transient_impact_bps: BasisPoints = 0.1
    impact_seconds: Annotated[float, Field(strict=True, gt=0)] = 600.0
    half_spread_bps: BasisPoints = 0.3
    fee_bps: BasisPoints = 0.0
    borrow_rate_per_year: Annotated[float, Field(strict=True, ge=0, le=10)] = 0.05
    borrow_limit_usd: Annotated[float, Field(strict=True, ge=0, allow_inf_nan=True)] = math.inf
    perp_price_discovery: Annotated[float, Field(strict=True, ge=0, le=1)] = 0.0

    @model_validator(mode="before")
    @classmethod
    def _nothing_transient_beside_displacement(cls, keys):
        law = keys.get("displacement") if isinstance(keys, dict) else None
        off = isinstance(law, dict) and law.get("enabled") is False
        return keys if law is None or off else {"transient_impact_bps": 0.0, **keys}

    @field_validator(*LINEAR)
    @classmethod
    def _one_law_of_impact(cls, value, info):
        if value > 0.0 and info.data.get("displacement"):
            raise ValueError("0 beside displacement: it is of the linear law of impact")
        return value

    @field_validator("permanent_impact_bps")
    @classmethod
    def _permanent_slope_is_small(cls, value, info):
        law = info.data.get("displacement")
        if law and value > law.largest_permanent_bps:
            raise ValueError(
                f"at most {law.largest_permanent_bps:.6g} at this depth and curvature, "
                "beyond which a round trip may earn"
            )
        return value


def refuse_assets(assets):
    """Refuse assets of a setup whose values a scenario file would not be allowed.

    Raises
    ------
    ParameterError
    """
    for asset in assets:
        try:
            if faults := record_faults(asset):
                raise ParameterError(*faults)
            checked(SpotTerms, {key: getattr(asset, key) for key in SpotTerms.model_fields})
        except ParameterError as error:
            wrong = (fault.under(f"assets.{asset.name}") for fault in error.faults)
            raise ParameterError(*wrong) from None


def record_faults(asset):
    """Return a fault for each record of an asset that is of another type."""
    given = {name: getattr(asset, name) for name in RECORDS}
    faults = [
        Fault(name, value, f"a perplab.{RECORDS[name].__name__}, or None")
        for name, value in given.items()
        if not isinstance(value, (RECORDS[name], type(None)))
    ]
    faults += [
        Fault(f"shocks.{k}", shock, "a PathShock, SellProgramme or SourceShock")
        for k, shock in enumerate(asset.shocks)
        if not isinstance(shock, (PathShock, SellProgramme, SourceShock))
    ]
    if not all(hasattr(asset.process, part) for part in ("start", "block", "limit_steps")):
        faults.append(Fault("process", asset.process, "a spot process, such as GeometricBrownian"))
    return faults
