"""A calibration as its file states it: parameters with bounds, the target, the budget."""

import datetime
from typing import Annotated, Literal

from pydantic import Field

from perplab.analysis.estimators.moments import MOMENTS
from perplab.scenarios.sweeps.sweep_design import NAME, Factor, Sweep
from perplab.sim.rulebook.sections import Nonnegative
from perplab.sim.spot.process import Model

DIGITS = 5
LARGEST_MOMENT = 1e6
Value = Annotated[float, Field(strict=True, ge=-LARGEST_MOMENT, le=LARGEST_MOMENT)]
Spread = Annotated[float, Field(strict=True, ge=0, le=LARGEST_MOMENT)]
Day = Annotated[datetime.date, Field(strict=True)]
MomentName = Literal[tuple(MOMENTS)]


class Parameter(Factor):
    """``[parameters.NAME]``: a dotted key, or several, with the bounds between which it is sought.

    With ``scale`` the parameter multiplies the numbers that the scenario has for its keys: one
    number then moves both ends of a distribution.
    """

    scale: Annotated[bool, Field(strict=True)] = False

    def value(self, share):
        """Return the value at a share of the range, to five significant digits."""
        return float(f"{self.at(float(share)):.{DIGITS}g}")


class ScaledParameter(Parameter):
    """A parameter that multiplies the numbers `base`, one for each key."""

    base: tuple[float, ...]

    def changes(self, value):
        """Return what a value of the parameter sets, by dotted key.

        Examples
        --------
        >>> ScaledParameter(keys=("a.low", "a.high"), base=(2.0, 8.0)).changes(0.5)
        {'a.low': 1.0, 'a.high': 4.0}
        """
        return {
            key: float(f"{value * number:.{DIGITS}g}")
            for key, number in zip(self.all_keys, self.base, strict=True)
        }


class TargetTable(Model):
    """``[target]``: moments in blocks of a real market, stored here or computed from files.

    Attributes
    ----------
    source : str
        Where the numbers come from.
    block_days : int
    blocks : dict of str to list of float
        The values of each moment, one per block.
    discrepancy : dict of str to float
        Standard deviation of what the model is not expected to give of each moment; 0 by default.
    moments : list of str
        With `file`: the moments to compute.
    file, funding_file : str
        Hourly prices, and funding rates.
    start, end : date
        First day, and the day after the last.
    bar_time : str
        Whether the times of the rows are those at which bars ``open`` or ``close``.
    """

    source: str = ""
    block_days: Annotated[int, Field(strict=True, ge=1, le=3650)] = 30
    blocks: dict[str, tuple[Value, ...]] = {}
    discrepancy: dict[MomentName, Spread] = {}
    moments: tuple[MomentName, ...] = ()
    file: str | None = None
    perp_column: str = "perp"
    spot_column: str = "spot"
    volume_column: str = "perp_volume"
    time_column: str = "timestamp"
    bar_time: Literal["open", "close"] = "open"
    funding_file: str | None = None
    funding_column: str = "rate"
    funding_time_column: str = "timestamp"
    start: Day | None = None
    end: Day | None = None

    @property
    def names(self):
        """Names of the moments."""
        return tuple(self.blocks) or self.moments


class Budget(Model):
    """``[budget]``: how much is simulated.

    Attributes
    ----------
    points, seeds : int
        Points of the design, and the seeds that all of them share.
    refine_points : int
        Further points around the first minimum, with the same seeds.
    final_seeds : int
        Fresh seeds at the first minimum and at the final point.
    pseudo_samples : int
        Pseudo-samples of the test of parameter recovery.
    first_seed : int
    design : str
    design_seed : int
    """

    points: Annotated[int, Field(strict=True, ge=8, le=100_000)] = 64
    seeds: Annotated[int, Field(strict=True, ge=2, le=1000)] = 2
    refine_points: Annotated[int, Field(strict=True, ge=2, le=100_000)] = 16
    final_seeds: Annotated[int, Field(strict=True, ge=8, le=10_000)] = 24
    pseudo_samples: Annotated[int, Field(strict=True, ge=40, le=10_000)] = 100
    first_seed: Annotated[int, Field(strict=True, ge=0, le=2**32)] = 0
    design: Literal["sobol", "latin_hypercube"] = "sobol"
    design_seed: Annotated[int, Field(strict=True, ge=0, le=2**32 - 1)] = 0

    @property
    def common(self):
        """Seeds that all points share."""
        return tuple(range(self.first_seed, self.first_seed + self.seeds))

    @property
    def fresh(self):
        """Seeds of the final evaluations."""
        first = self.first_seed + self.seeds
        return tuple(range(first, first + self.final_seeds))

    @property
    def runs(self):
        """Number of runs."""
        return (self.points + self.refine_points) * self.seeds + 2 * self.final_seeds


class Calibration(Model):
    """A calibration file.

    Attributes
    ----------
    scenario : str
    changes : dict
        To the scenario, nested or by dotted key.
    warmup_days : float
        First days of each run that serve only as history.
    parameters : dict of str to Parameter
    target : TargetTable
    budget : Budget
    """

    name: Annotated[str, Field(pattern=NAME, max_length=100)] = "calibration"
    title: str = ""
    scenario: str
    changes: dict = {}
    warmup_days: Nonnegative = 7
    parameters: Annotated[dict[str, Parameter], Field(min_length=1, max_length=20)]
    target: TargetTable
    budget: Budget = Budget()

    @property
    def sweep(self):
        """The design as a sweep."""
        return Sweep(
            name=self.name,
            scenario=self.scenario,
            changes=self.changes,
            factors=self.parameters,
            design={
                "kind": self.budget.design,
                "samples": self.budget.points,
                "seed": self.budget.design_seed,
            },
            seeds=self.budget.common,
        )
