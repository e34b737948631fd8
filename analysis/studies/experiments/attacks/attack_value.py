"""The study of attacks: what one is worth, net of luck and of the same push without victims.

The net of the push without victims is what leverage adds: where the crowd borrows little and has
no stops, little but a round trip through two markets remains. Where the law of impact is not free
of price manipulation that round trip may earn by itself, so nothing is claimed under such a law.
"""

from perplab.analysis.metrics.losses import LEGS
from perplab.analysis.studies.experiments.attacks.attack_figure import draw_pairs
from perplab.analysis.studies.experiments.attacks.attack_laws import laws_of
from perplab.analysis.studies.markdown import standard_lines
from perplab.analysis.studies.measures.attack_accounts import GROUPS, attack_value_run
from perplab.analysis.studies.results import Contrast, contrast
from perplab.analysis.studies.study import Arm, Branch, Figure, Setting, Study
from perplab.scenarios.files.loader import load

USD = "quote currency"
ATTACKER = "populations.attacker"
NEVER_HOURS = 1e6
PROFIT = "net_of_luck_usd"
SIZES = (0.5, 2.0)
SIZED_TRAITS = ("size_usd", "perp_push_usd", "spot_push_usd")
PUSHES = ("perp_push_usd", "spot_push_usd", "withdraw_share")
LEVERAGE_TRAITS = {
    "directional_long": ("leverage",),
    "directional_short": ("leverage",),
    "speculator": ("target_leverage", "short_leverage_limit"),
}
"""By kind: the traits that decide how much a trader borrows."""
LOW_LEVERAGE = 2
NO_STOPS = {"speculator": "stop_loss"}
NO_VICTIMS = "no victims"
WITHOUT = f", {NO_VICTIMS}"
OTHER_VICTIMS = {"backstop-dump": {"market.changes.liquidation.takeover_share": 0.0}}
"""By scenario: changes without which somebody else than the leveraged crowd loses."""
NO_POSITION = {f"{ATTACKER}.size_usd": 0, f"{ATTACKER}.perp_push_usd": 0}
OF_SHORTS = {
    "deep spot": {"spot.permanent_impact_bps": 0.3, "spot.transient_impact_bps": 0.3},
    "buys spot only": NO_POSITION,
    "sells perpetual only": NO_POSITION
    | {f"{ATTACKER}.spot_push_usd": 0, f"{ATTACKER}.perp_push_usd": -20_000},
}
VARIATIONS = {"weaponised-shorts": OF_SHORTS, "weaponised-shorts-tight": OF_SHORTS}
"""Further attacks by scenario."""
DEFENCES = {
    "weaponised-shorts": {
        "index averaged over 30 min": {"market.changes.index.window_seconds": 1_800.0},
        "position limit": {"market.changes.margin.position_limit_usd": 1_000_000.0},
        "margin by concentration": {"market.changes.margin.concentration_slope": 0.2},
    },
    "weaponised-shorts-tight": {
        "cap .3 %": {"market.changes.funding.cap": 0.003},
        "interval 8 h": {"market.changes.funding.interval_hours": 8},
    },
    "premium-push": {
        "cap .05 %": {"market.changes.funding.cap": 0.0005},
        "position limit": {"market.changes.margin.position_limit_usd": 500_000.0},
    },
    "short-squeeze": {
        "position limit": {"market.changes.margin.position_limit_usd": 500_000.0},
        "margin by concentration": {"market.changes.margin.concentration_slope": 0.2},
    },
    "index-attack": {
        "index averaged over 30 min": {"market.changes.index.window_seconds": 1_800.0},
        "position limit": {"market.changes.margin.position_limit_usd": 500_000.0},
    },
    "sell-into-news": {
        "index averaged over 30 min": {"market.changes.index.window_seconds": 1_800.0},
        "position limit": {"market.changes.margin.position_limit_usd": 500_000.0},
        "margin by concentration": {"market.changes.margin.concentration_slope": 0.2},
    },
    "backstop-dump": {
        "leverage at most 10": {
            "market.changes.margin.maximum_leverage": 10,
            f"{ATTACKER}.leverage": 10,
        },
        "margin by concentration": {"market.changes.margin.concentration_slope": 0.2},
        "position limit": {"market.changes.margin.position_limit_usd": 1_000_000.0},
    },
}
"""By scenario: changes by the name of the defence."""


def attack_arms(story):
    """Return the attack and its variations, with and without victims: by defence, size, law."""
    first, *others = laws_of(story)
    attacks = {"x 1": {}} | VARIATIONS.get(story, {}) | DEFENCES[story]
    if story in VARIATIONS:
        attacks |= {f"x {size:g}": size_changes(story, size) for size in SIZES}
    made = [(name, first, changes) for name, changes in attacks.items()]
    made += [("x 1", law, {}) for law in others]
    return tuple(arm for each in made for arm in pair_of_arms(story, *each))


def pair_of_arms(story, attack, law, changes):
    """Return the arm of an attack under a law of spot, and the same without leveraged victims."""
    laws = laws_of(story)
    name = attack if law == next(iter(laws)) else f"{attack}, {law}"
    changes = {
        "record.trades": True,
        "record.wealth_seconds": 60.0,
        **laws[law].changes,
        **changes,
    }
    branches = (
        Branch("without", hours_idle, {f"{ATTACKER}.attack_start_hours": NEVER_HOURS}),
        Branch("no push", hours_idle, {f"{ATTACKER}.{trait}": 0 for trait in PUSHES}),
    )
    return (
        Arm(name, story, changes, branches),
        Arm(f"{name}{WITHOUT}", story, {**changes, **without_victims(story)}, branches),
    )


def hours_idle(scenario):
    """Return the hours of a scenario during which its attacker does nothing, less one."""
    attacker = scenario.populations["attacker"].traits
    hours = attacker["attack_start_hours"] - attacker["build_seconds"] / 3_600
    return max(hours - 1.0, 0.0)


def size_changes(story, size):
    """Return the changes to an attack's scenario that scale its position and pushes."""
    attacker = load(story).populations["attacker"].traits
    return {
        f"{ATTACKER}.{trait}": attacker[trait] * size for trait in SIZED_TRAITS if trait in attacker
    }


def without_victims(story):
    """Return the changes to a scenario by which an attack has no victims.

    The crowd borrows little and has no stops; where the fund is the victim, it takes nothing over.
    """
    if story in OTHER_VICTIMS:
        return OTHER_VICTIMS[story]
    populations = load(story).populations.items()
    return {
        f"populations.{name}.{trait}": LOW_LEVERAGE
        for name, population in populations
        for trait in LEVERAGE_TRAITS.get(population.kind, ())
    } | {
        f"populations.{name}.{NO_STOPS[population.kind]}": 0
        for name, population in populations
        if population.kind in NO_STOPS
    }


def net_contrasts(result):
    """Return the profit of each attack net of the same push without leveraged victims."""
    arms = {arm.name: arm for arm in result.arms}
    return {
        f"profit net of the push without victims: {name}": net_of_victims(arms[name], *pair)
        for name, pair in profit_pairs(result).items()
    }


def profit_pairs(result):
    """Return the profit of each attack by seed, and that of the same push without victims."""
    names = {arm.name for arm in result.arms}
    return {
        arm.name: tuple(result.values(f"{arm.name}{end}", PROFIT) for end in ("", WITHOUT))
        for arm in result.arms
        if f"{arm.name}{WITHOUT}" in names
    }


def net_of_victims(arm, profit, without):
    """Return the `Contrast` of an attack's profit with that of the same push without victims."""
    net, label = contrast(profit - without, USD), label_of(arm)
    words = attack_verdict(net, contrast(profit), contrast(without))
    return net._replace(verdict=f"no claim: {words}" if label else words)


def draw_attacks(result):
    """Return the figure of the study: what the attacks earn, and what victims add."""
    return draw_pairs(profit_pairs(result), USD)


def label_of(arm):
    """Return why nothing is claimed of an arm by its law of spot, "" if something may be."""
    matching = [
        law.label
        for law in laws_of(arm.scenario, arm.changes).values()
        if all(arm.changes.get(key) == value for key, value in law.changes.items())
    ]
    return matching[-1]


def attack_verdict(net: Contrast, profit: Contrast, without: Contrast):
    """Return whether an attack pays, in words.

    It pays if its profit and what victims add to it are both above 0, and the push alone is shown
    not to be. Each interval has 95 %, whatever the number of attacks that are judged.

    Parameters
    ----------
    net : Contrast
        Profit net of the same push without victims.
    profit : Contrast
        Profit itself.
    without : Contrast
        Profit of the push without victims.

    Examples
    --------
    >>> gain, loss = contrast([4.0, 5.0, 6.0]), contrast([-9.0, -8.0, -7.0])
    >>> attack_verdict(gain, loss, loss)
    'the attack does not pay'
    >>> attack_verdict(gain, gain, loss)
    'the attack pays'
    >>> attack_verdict(gain, gain, gain)
    'no verdict: the push may earn without victims'
    """
    if net.low is None or profit.low is None:
        return "no verdict: it takes two seeds or more"
    if net.low > 0 and profit.low > 0:
        alone = without.high <= 0
        return "the attack pays" if alone else "no verdict: the push may earn without victims"
    if net.high <= 0 or profit.high <= 0:
        return "the attack does not pay"
    return "not shown that the attack pays"


def notes_of(result):
    """Return the labels of the laws of spot under which a study's arms ran."""
    return list(dict.fromkeys(label for arm in result.arms if (label := label_of(arm))))


def attack_lines(result):
    """Yield the tables of the study and its notes."""
    yield from standard_lines(result)
    for note in notes_of(result):
        yield ""
        yield f"Note: {note}."


def attack_json(result):
    """Return the notes of the study for its JSON object."""
    return {"notes": notes_of(result)}


STUDIES = (
    Study(
        name="attack-value",
        question="What does an attack earn, by source, beyond luck and beyond the same push where "
        "nobody can be liquidated?",
        arms=attack_arms,
        measure=attack_value_run,
        figures={
            PROFIT: Figure("profit net of luck", USD),
            "profit_usd": Figure("profit", USD),
            **{f"{leg}_usd": Figure(f"of it {leg}", USD) for leg in LEGS},
            "luck_usd": Figure("luck by the spot path", USD),
            "net_of_no_push_usd": Figure("profit net of luck and of no push", USD),
            "push_cost_usd": Figure("cost of the push against the price before it", USD),
            "push_shortfall_usd": Figure("cost of the push against the price without it", USD),
            "peak_capital_usd": Figure("peak capital", USD),
            "largest_loss_usd": Figure("largest loss on the way", USD),
            "left_usd": Figure("holdings at the end", USD),
            "attacker_liquidations": Figure("forced trades of the attacker"),
            "excess_usd": Figure("liquidated shorts in excess of the control", USD),
            **{
                f"excess_{channel}_usd": Figure(f"of it through {channel}", USD)
                for channel in ("index", "basis", "funding", "fees")
            },
            "excess_longs_usd": Figure("liquidated longs in excess of the control", USD),
            "index_moved_bps": Figure("index at the end of the push", "bp"),
            "basis_bps": Figure("mean basis in it", "bp"),
            "funding_bps_8h": Figure("mean funding", "bp per 8 h"),
            "funding_control_bps_8h": Figure("funding in the control", "bp per 8 h"),
            **{f"gain_{group}_usd": Figure(f"gain of {group}", USD) for group in GROUPS},
        },
        effects=(PROFIT, "net_of_no_push_usd"),
        settings=tuple(map(Setting, DEFENCES)),
        control="a branch of each run in which the attacker never begins, one in which it holds "
        "its position but pushes nothing, and the same push without victims (the crowd at "
        f"leverage {LOW_LEVERAGE} without stops; in backstop-dump a fund that takes nothing over).",
        derived=net_contrasts,
        tables=attack_lines,
        draw=draw_attacks,
        json=attack_json,
        literature="Mango Markets, October 2022: about 110 mn; JELLY, March 2025 [SEC]: events, "
        "not effects. Huberman and Stanzl (2004), Gatheral (2010) on impact without manipulation.",
    ),
)
