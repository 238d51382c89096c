"""The facts that only a run's result knows: response ids, models, the cost of a failed request.

DjangoSession.record_run() stores them with the steps of the run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from agents.models import get_default_model

from agent_sessions.recording import (
    NO_TRACE,
    cut_to_column,
    recorder_of,
    taken,
    tokens_of,
    without_false_zeros,
)
from agent_sessions.usage.outcomes import Outcome, Response
from agent_sessions.usage.steps import UNKNOWN, Step

if TYPE_CHECKING:
    from agents import Agent, RunErrorDetails
    from agents.result import RunResultBase


class NotStoredError(Exception):
    """Raised inside outcome(): what was taken for it does not count as recorded."""


@contextmanager
def outcome(result: RunResultBase | RunErrorDetails) -> Iterator[Outcome]:
    """Yield what a run's result adds to its steps; if the block fails, nothing was recorded."""
    recorder = recorder_of(result.context_wrapper)
    run_id = recorder.run_id if recorder else ""
    responses = [
        Response(
            cut_to_column(response.response_id or ""),
            without_false_zeros(tokens_of(response.usage)) or UNKNOWN,
        )
        for response in result.raw_responses
    ]
    with taken(recorder) as spent:
        last = Step(
            cut_to_column(result.last_agent.name),
            run_id,
            _trace_of(result),
            without_false_zeros(spent),
        )
        yield Outcome(run_id, responses, _models(result), last)


def _trace_of(result: RunResultBase | RunErrorDetails) -> str:
    trace = getattr(result, "_trace_state", None) or getattr(result, "trace", None)
    found = getattr(trace, "trace_id", None) or ""
    return "" if found == NO_TRACE else cut_to_column(found)


def _models(result: RunResultBase | RunErrorDetails) -> dict[str, str]:
    """Return the model of each agent of the run, by the agent's name."""
    agents = [*(item.agent for item in result.new_items), result.last_agent]
    return {cut_to_column(agent.name): model_name(agent) for agent in agents}


def model_name(agent: Agent[Any]) -> str:
    """Return the name of an agent's model, or "" if it has a Model object that does not tell."""
    if agent.model is None:
        return get_default_model()
    name = agent.model if isinstance(agent.model, str) else getattr(agent.model, "model", "")
    return cut_to_column(name) if isinstance(name, str) else ""
