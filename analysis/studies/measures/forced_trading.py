"""Forced trading: a fall of spot beside its twin, and an attack beside its branch without it."""

from perplab.analysis.estimators.series import HOUR_SECONDS, plain
from perplab.analysis.metrics.episodes import ATTACKER, attack_figures, fall_figures
from perplab.analysis.studies.measures.short_exits import trader_rows
from perplab.scenarios.files.validation import rulebook_of


def fall_run(outcomes):
    """Return the figures of a fall and its twin (`perplab.analysis.metrics.episodes`)."""
    outcome = outcomes["base"]
    shock = outcome.scenario.shocks[0]
    start = shock.at_hours * HOUR_SECONDS
    return plain(fall_figures(outcome.records, outcome.twin, start, start + 60 * shock.minutes))


def attack_run(outcomes):
    """Return the figures of an attack beside the branch "without", in which nobody attacks."""
    outcome, control = outcomes["base"], outcomes["without"].records
    traits = outcome.scenario.populations["attacker"].traits
    start = traits["attack_start_hours"] * HOUR_SECONDS
    end = start + traits["attack_hours"] * HOUR_SECONDS
    figures = attack_figures(outcome.records, control, start, end)
    return plain(figures | attacker_figures(outcome))


def attacker_figures(outcome):
    """Return fees paid by the attacker, quote currency, and the number of its forced trades."""
    records, fees = outcome.records, rulebook_of(outcome.scenario.market).fees
    row = trader_rows(records, (ATTACKER,))[0]
    facts = records.meta["markets"][0]
    prints, paid = records.prints, 0.0
    for who, rate in (("taker", fees.taker), ("maker", fees.maker)):
        own = prints[prints[who] == row]
        paid += rate * float((own["lots"] * own["tick"]).sum()) * facts["tick"] * facts["lot"]
    return {
        "attacker_fees_usd": paid,
        "attacker_liquidations": int((records.events["trader"] == row).sum()),
    }
