"""What Mesa expects of a model, for a market that counts its steps itself."""

import functools
import math
import operator
from typing import Any

import mesa

from perplab.sim.errors import Fault, ParameterError
from perplab.sim.laws.funding import SEEN
from perplab.sim.state.market_rows import VIEW


class MesaModel(mesa.Model):
    """Mesa's names of time and running, and ids that are unique among all agents of a model.

    A subclass provides `run`, `_advance`, `step_number`, `longest` and `setup`.
    """

    agent_id_counter = 1

    def register_agent(self, agent: mesa.Agent) -> None:
        """Number and register an agent: with the next number that no agent of the model has had.

        Mesa up to 3.3 counts in a class attribute that keeps models alive; here each model counts.
        """
        agent.unique_id = self.agent_id_counter
        getattr(mesa.Agent, "_ids", {}).pop(self, None)
        super().register_agent(agent)
        self.agent_id_counter = agent.unique_id + 1

    @property
    def steps(self) -> int:
        """Steps done (Mesa's name)."""
        return self.__dict__.get("step_number", 0)

    @steps.setter
    def steps(self, value: int) -> None:
        """Ignore what Mesa writes: the market counts its steps itself."""

    time = steps

    def run_for(self, duration: float) -> None:
        """Run `duration` steps (Mesa's name)."""
        self.run(int(duration))

    def run_until(self, end_time: float) -> None:
        """Run up to step `end_time` (Mesa's name)."""
        self.run(max(int(end_time) - self.step_number, 0))

    @functools.cached_property
    def end(self) -> float:
        """Length of the run in steps: of the setup or of the spot data; infinite without either."""
        return self.longest if self.setup.steps is None else min(self.setup.steps, self.longest)

    @property
    def running(self) -> bool:
        """Whether the run is not over; Mesa asks before each step of `run_model`.

        Set it to False to stop `run_model` early.
        """
        return self._running and self.step_number < self.end

    @running.setter
    def running(self, value: bool) -> None:
        """Set whether `run_model` may go on."""
        self._running = value

    def run_model(self) -> None:
        """Step to the end of the run (`end`).

        Raises
        ------
        ParameterError
            If it has none.
        """
        if self.end == math.inf and type(self).step is type(self)._advance:
            expected = "set in the Setup for run_model, which would never end; or call run(steps)"
            raise ParameterError(Fault("steps", None, expected))
        super().run_model()


def with_view_fields(model):
    """Give a model class an attribute for each field of the first market's view, and return it.

    Mesa's `DataCollector` reads attributes by name. Fields of `seen` are attributes too.
    """
    for name in VIEW.names:
        if VIEW[name].fields is None:
            setattr(model, name, field_of_view(name))
    for name in SEEN.names:
        setattr(model, name, field_of_view("seen", name))
    return model


def field_of_view(*names):
    """Return the property that reads a field of the first market's view, or of a record in it."""

    def read(market: Any) -> Any:
        return functools.reduce(operator.getitem, names, market.tables["view"][0]).item()

    return property(read, doc=f"`{names[-1]}` of the first market's view")
