"""What is known of the steps of a run, on its way from the SDK to the rows."""

from __future__ import annotations

from typing import NamedTuple


class Tokens(NamedTuple):
    """Requests to a model and their tokens; None is unknown, which is not 0.

    Cached tokens are part of the input, reasoning tokens of the output, as the SDK counts them.
    """

    requests: int | None = None
    input_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    total_tokens: int | None = None


NOTHING = Tokens(0, 0, 0, 0, 0, 0)


class Step(NamedTuple):
    """What a running SDK knows of the batch of items that it stores.

    `tokens` is None where nothing was asked of a model: the step has no row in Usage.
    """

    agent_name: str = ""
    run_id: str = ""
    trace_id: str = ""
    tokens: Tokens | None = None


class Response(NamedTuple):
    """What only a run's result knows of a model's response."""

    response_id: str
    tokens: Tokens


class Outcome(NamedTuple):
    """What a run's result adds to its steps.

    `responses` are the run's, oldest first; `models` names the model of each agent, where it is
    known. `unrecorded` is what was spent after the last step was stored, as by a run that failed.
    """

    run_id: str
    responses: list[Response]
    models: dict[str, str]
    unrecorded: Step
