"""Calibration: parameters of a scenario estimated from moments of a real market.

A documented simulated method of moments: the target and its weights from blocks of a real series, a
design of simulated points, a surrogate of each moment, the estimate with its region and tests, and
parameter recovery on pseudo-samples. The moments themselves are in `perplab.analysis.estimators`;
how runs are executed and stored belongs in `perplab.scenarios.sweeps`.
"""

from perplab.analysis.calibration.calibration_checks import read_calibration
from perplab.analysis.calibration.calibration_file import Budget, Calibration, Parameter
from perplab.analysis.calibration.procedure import calibrate
from perplab.analysis.calibration.real_blocks import blocks_of_series
from perplab.analysis.calibration.surrogate import RunRows, Surrogate, fit_surrogate
from perplab.analysis.calibration.targets import Target

__all__ = [
    "Budget",
    "Calibration",
    "Parameter",
    "RunRows",
    "Surrogate",
    "Target",
    "blocks_of_series",
    "calibrate",
    "fit_surrogate",
    "read_calibration",
]
