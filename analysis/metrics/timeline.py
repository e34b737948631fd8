"""When shocks and attackers of a scenario act: spans of hours with a word for each."""

ATTACKER = "manipulation"
KINDS = {"path": "shock to spot", "programme": "spot programme", "index_source": "stray source"}


def acting_of(scenario):
    """Return ``(first hour, last hour, word)`` of each shock and of each attack in a scenario (its tables), in order of time.

    Examples
    --------
    >>> acting_of({"shocks": [{"kind": "path", "at_hours": 24.0, "minutes": 30.0, "move": -0.1}], "populations": {}})
    [(24.0, 24.5, 'shock to spot')]
    """
    spans = [
        (
            shock["at_hours"],
            shock["at_hours"] + (shock["minutes"] + shock.get("back_minutes", 0.0)) / 60.0,
            KINDS[shock["kind"]],
        )
        for shock in scenario.get("shocks", ())
    ]
    attacks = [
        span for population in scenario["populations"].values() for span in attack_of(population)
    ]
    return sorted(spans + attacks)


def attack_of(population):
    """Return the span of an attack, none of a population that does not attack or whose hours are drawn."""
    if population["kind"] != ATTACKER or not population["number"]:
        return []
    start, hours = (
        population.get(key, default)
        for key, default in (("attack_start_hours", 24.0), ("attack_hours", 8.0))
    )
    return (
        [(start, start + hours, "attack")]
        if isinstance(start, (int, float)) and isinstance(hours, (int, float))
        else []
    )
