"""A stored scenario in words: its setting, and notes on warm-up and shocks."""

from perplab.analysis.metrics.scenario_words import SHOCK_WORDS
from perplab.analysis.metrics.summary import left_out


def setting_of(scenario, varied=None):
    """Return a scenario as one or two sentences.

    Parameters
    ----------
    scenario : dict
        Its stored tables.
    varied : dict of str to str, optional
        Values of what a sweep varies, by dotted key.

    Returns
    -------
    str
    """
    varied = varied or {}
    days = varied.get("days", format(scenario["days"], "g"))
    step = varied.get("dt_seconds", format(scenario["dt_seconds"], "g"))
    return (
        f"{days} day{'s' * (days != '1')} in steps of {step} s; "
        f"{rulebooks_text(scenario, varied)}; spot price: {process_text(scenario, varied)}. "
        f"Traders: {traders_text(scenario, varied)}."
    )


def rulebooks_text(scenario, varied):
    """Return the rulebook of each market as text."""
    markets = [scenario["market"]] if scenario.get("market") else scenario.get("markets") or [{}]
    names = [varied.get("market.rulebook", str(market.get("rulebook"))) for market in markets]
    return f"rulebook{'s' * (len(names) > 1)} {', '.join(names)}"


def process_text(scenario, varied):
    """Return the process of the first asset's spot price as text."""
    spot = scenario.get("spot") or (scenario.get("assets") or [{}])[0]
    process = varied.get("spot.price.process", spot.get("price", {}).get("process", ""))
    return process.replace("_", " ").replace("brownian", "Brownian")


def traders_text(scenario, varied):
    """Return the number of traders of each population as text."""
    return ", ".join(
        f"{varied.get(f'populations.{name}.number', population['number'])} {name.replace('_', ' ')}"
        for name, population in scenario["populations"].items()
    )


def notes_of(scenario):
    """Return ``(heading, text)`` of what a reader must know to read the figures."""
    warmup = left_out(scenario["days"])
    notes = [("Warm-up", f"{warmup[0].upper()}{warmup[1:]}.")]
    if scenario.get("shocks"):
        notes.append(("Shocks", "; ".join(map(shock_text, scenario["shocks"])).capitalize() + "."))
    return notes


def shock_text(shock):
    """Return a shock as text.

    Examples
    --------
    >>> shock_text({"kind": "path", "at_hours": 24.0, "minutes": 45.0, "move": -0.1})
    'shock to spot at hour 24 over 45 min, move -10 %'
    """
    move = f", move {100 * shock['move']:g} %" if "move" in shock else ""
    when = f"at hour {shock['at_hours']:g} over {shock['minutes']:g} min"
    return f"{SHOCK_WORDS[shock['kind']]} {when}{move}"
