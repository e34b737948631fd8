"""Figures: functions that draw records, frames and graphs, in one print-ready style.

What belongs here takes data and axes (or a path) and draws; it computes no figure of a run and
knows no page. Metrics are in `perplab.analysis.metrics`, captions in `perplab.analysis.report`.
"""

from perplab.analysis.figures.distribution_figures import (
    are_violins,
    compare_densities,
    distribution,
    leverage_histogram,
)
from perplab.analysis.figures.frame_figures import (
    index_convergence,
    phase_portrait,
    response_curve,
    response_points,
)
from perplab.analysis.figures.funding_law import draw_law, funding_law_figure, law_frame
from perplab.analysis.figures.heat_maps import BOUNDARY, attack_map, heat_map, phase_map
from perplab.analysis.figures.network_figures import cascade_trees, loss_flows
from perplab.analysis.figures.run_figures import (
    equity_figure,
    funding_figure,
    open_interest_figure,
    price_and_basis_figure,
    write_figures,
)
from perplab.analysis.figures.style import STYLE, enlarged_panel, single_panel

__all__ = [
    "BOUNDARY",
    "STYLE",
    "are_violins",
    "attack_map",
    "cascade_trees",
    "compare_densities",
    "distribution",
    "draw_law",
    "enlarged_panel",
    "equity_figure",
    "funding_figure",
    "funding_law_figure",
    "heat_map",
    "phase_map",
    "index_convergence",
    "law_frame",
    "leverage_histogram",
    "loss_flows",
    "open_interest_figure",
    "phase_portrait",
    "price_and_basis_figure",
    "response_curve",
    "response_points",
    "single_panel",
    "write_figures",
]
