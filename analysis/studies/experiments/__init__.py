"""The studies themselves: what is varied, in which scenarios, and what literature says.

One module per subject; each lists its studies in ``STUDIES``. What is measured in a run is in
`perplab.analysis.studies.measures`; how studies run and are printed is one folder up.
"""

from perplab.analysis.studies.experiments import (
    attacks,
    cascade_traits,
    cost_and_capital,
    crowding,
    forced_trading,
    funding_terms,
    linear_corner,
    robustness,
    settlement,
    small_market,
    step_length,
    ten_october,
)

SOURCES = (
    robustness,
    crowding,
    cost_and_capital,
    funding_terms,
    settlement,
    small_market,
    forced_trading,
    attacks.predation,
    attacks.attack_value,
    attacks.attack_search,
    ten_october,
    step_length,
    cascade_traits,
    linear_corner,
)

__all__ = ["SOURCES"]
