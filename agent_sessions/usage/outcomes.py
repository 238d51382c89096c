"""The outcome of a run, between its result and the rows of its steps."""

from __future__ import annotations

from typing import NamedTuple

from agent_sessions.usage.steps import Step, Tokens


class Response(NamedTuple):
    """The id and the cost of a model's response, which a run's result knows."""

    response_id: str
    tokens: Tokens


class Outcome(NamedTuple):
    """The facts that only a run's result knows about its steps.

    `responses` are in their order; `models` has the name of each agent's model, if it is known.
    `unrecorded` is what was spent after the last stored step, as by a request that failed.
    """

    run_id: str
    responses: list[Response]
    models: dict[str, str]
    unrecorded: Step
