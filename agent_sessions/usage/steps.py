"""A step of a run, between the SDK that runs it and the rows that store it."""

from __future__ import annotations

from typing import NamedTuple


class Tokens(NamedTuple):
    """Requests to a model and their tokens; None is unknown, which is not 0.

    Cached tokens are part of the input and reasoning tokens of the output, as in the SDK.
    """

    requests: int | None = None
    input_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    total_tokens: int | None = None


UNKNOWN = Tokens()
NOTHING = Tokens(0, 0, 0, 0, 0, 0)


# For counters of the SDK, where nothing is unknown. totals.py adds up stored steps.
def plus(*several: Tokens) -> Tokens:
    """Add up the tokens of counters."""
    return Tokens(*(sum(count or 0 for count in counts) for counts in zip(*several, strict=True)))


def minus(one: Tokens, other: Tokens) -> Tokens:
    """Subtract tokens; no result is below 0, even if a run resumes from an old state."""
    return Tokens(*(max(0, (a or 0) - (b or 0)) for a, b in zip(one, other, strict=True)))


class Step(NamedTuple):
    """The agent, run, trace and cost of a batch of items that a run stores, or could not store.

    `tokens` is None if no model was asked: the step has no row in Usage.
    """

    agent_name: str = ""
    run_id: str = ""
    trace_id: str = ""
    tokens: Tokens | None = None
