"""Forced trading: a fall of spot beside its twin."""

from perplab.analysis.estimators.series import HOUR_SECONDS, plain
from perplab.analysis.metrics.episodes import fall_figures


def fall_run(outcomes):
    """Return the figures of a fall and its twin (`perplab.analysis.metrics.episodes`)."""
    outcome = outcomes["base"]
    shock = outcome.scenario.shocks[0]
    start = shock.at_hours * HOUR_SECONDS
    return plain(fall_figures(outcome.records, outcome.twin, start, start + 60 * shock.minutes))
