"""A study: one question, a treatment and a control paired by seed, and what is measured.

An arm is a scenario with changes. A branch is a copy of an arm's run that continues under changed
rules or traits from an hour on, with the same random numbers. A study's measure turns the outcomes
of an arm, its base run and its branches, into figures. The first arm is the control.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import NamedTuple

from perplab.sim.errors import Fault, ParameterError

SHARE_OF_SEEDS = "share of seeds"
"""Unit of a figure that is 1 in seeds where something happens and 0 in others."""


class Figure(NamedTuple):
    """What a study measures in one arm and seed.

    Attributes
    ----------
    words, unit : str
    low, high : float or None
        Range in which the mean over seeds should be.
    """

    words: str
    unit: str = ""
    low: float | None = None
    high: float | None = None


class Branch(NamedTuple):
    """A branch of every run of an arm, from an hour on.

    Attributes
    ----------
    name : str
    at_hours : float, or callable
        The hour; or a function of the scenario, with all changes, that returns it.
    changes : mapping
        To the scenario, by dotted key, beside those of the arm.
    """

    name: str
    at_hours: float | Callable
    changes: Mapping = {}

    def placed(self, scenario):
        """Return this branch of a scenario with its hour as a number."""
        hours = self.at_hours(scenario) if callable(self.at_hours) else self.at_hours
        return self._replace(at_hours=hours, changes=dict(self.changes))


class Arm(NamedTuple):
    """A scenario with changes, and the branches of its runs.

    Attributes
    ----------
    name, scenario : str
    changes : mapping
        By dotted key.
    branches : tuple of Branch
    story : str
        Name of the scenario that the study was asked for.
    dt : float or None, seconds
        Length of a step; None: that of the scenario.
    """

    name: str
    scenario: str
    changes: Mapping = {}
    branches: tuple = ()
    story: str = ""
    dt: float | None = None


class Setting(NamedTuple):
    """A scenario and a step at which a study runs its arms."""

    story: str
    dt: float | None = None

    @property
    def label(self):
        """Scenario and, if it is not the scenario's own, step."""
        return self.story if self.dt is None else f"{self.story} {self.dt:g} s"


@dataclasses.dataclass(frozen=True)
class Study:
    """A study.

    Attributes
    ----------
    name, question : str
    arms : callable
        Of the name of a scenario; returns its arms, the control first.
    measure : callable
        Of the outcomes of an arm, a dict by branch with the run itself as "base"; returns figures.
        It must be a function of a module in `perplab.analysis.studies.measures`.
    figures : dict of str to Figure
        What the tables show of them.
    compared : tuple of str
        Figures of which each arm is compared with the control.
    effects : tuple of str
        Figures that are effects already: differences between branches of one run.
    settings : tuple of Setting
        Where it runs by default.
    literature : str
        Published figures with their evidence tags.
    control : str
        What the control is, in words.
    derived : callable, optional
        Of a `Result`; returns contrasts that are not means over seeds.
    tables, draw : callable, optional
        Of a `Result`: its lines of Markdown; its figure.
    json : callable, optional
        Of a `Result`: more keys for ``--json``.
    """

    name: str
    question: str
    arms: Callable
    measure: Callable
    figures: dict
    compared: tuple = ()
    effects: tuple = ()
    settings: tuple = (Setting("calm"),)
    literature: str = ""
    control: str = ""
    derived: Callable | None = None
    tables: Callable | None = None
    draw: Callable | None = None
    json: Callable | None = None


def chosen_settings(study, story=None, dt=None):
    """Return the settings of a study, or those that options ask for.

    Raises
    ------
    ParameterError
        If the study has no such scenario.

    Examples
    --------
    >>> from perplab.analysis.studies.register import study_named
    >>> [setting.dt for setting in chosen_settings(study_named("moments"), "calm")]
    [60.0, 10.0, 5.0]
    >>> chosen_settings(study_named("fees"), None, 10.0)
    (Setting(story='calm', dt=10.0),)
    """
    stories = {setting.story: None for setting in study.settings}
    if story is not None and story not in stories:
        bound = f"a scenario of the study {study.name}: {', '.join(stories)}"
        raise ParameterError(Fault("--story", story, bound))
    names = stories if story is None else (story,)
    if dt is not None:
        return tuple(Setting(name, dt) for name in names)
    return tuple(setting for setting in study.settings if setting.story in names)


def arms_of(study, settings, changes=()):
    """Return the arms of a study in its settings.

    Their names say the setting where there are several. `changes` are made to all arms.
    """
    several = len(settings) > 1
    return [
        placed(arm, setting, setting.label if several else "", dict(changes))
        for setting in settings
        for arm in study.arms(setting.story)
    ]


def placed(arm, setting, label, changes):
    """Return an arm in a setting, with further changes that do not replace its own step."""
    step = {} if setting.dt is None else {"dt_seconds": setting.dt}
    return arm._replace(
        name=", ".join(part for part in (label, arm.name) if part),
        changes={**step, **arm.changes, **changes},
        story=setting.story,
        dt=setting.dt,
    )
