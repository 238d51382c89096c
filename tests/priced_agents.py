"""Agents whose scripted responses cost tokens."""

from __future__ import annotations

from typing import Any

import agents
from agents import Agent, function_tool
from agents.testing import ModelStep, ScriptedModel, assistant_message, function_call
from openai.types.responses.response_usage import InputTokensDetails, OutputTokensDetails


def spent(tokens: int) -> agents.Usage:
    """Return the usage of a request, a tenth of whose tokens are cached or reasoning."""
    return agents.Usage(
        requests=1,
        input_tokens=tokens,
        input_tokens_details=InputTokensDetails(cached_tokens=tokens // 10, cache_write_tokens=0),
        output_tokens=tokens,
        output_tokens_details=OutputTokensDetails(reasoning_tokens=tokens // 10),
        total_tokens=2 * tokens,
    )


def calls(*names: str, tokens: int, **arguments: Any) -> ModelStep:
    """Return a response that calls tools, all at once."""
    output = [
        function_call(name, arguments, call_id=f"call_{tokens}_{n}") for n, name in enumerate(names)
    ]
    return ModelStep(output=output, usage=spent(tokens), response_id=f"resp_{tokens}")


def says(words: str, tokens: int) -> ModelStep:
    """Return a response in words."""
    return ModelStep(
        output=[assistant_message(words)], usage=spent(tokens), response_id=f"resp_{tokens}"
    )


@function_tool
def search_events(words: str = "") -> str:
    return "[]"


@function_tool(needs_approval=True)
def book(event: str = "") -> str:
    return "booked"


@function_tool(failure_error_function=None)
def breaks() -> str:
    raise LookupError("no such event")


def club(*steps: ModelStep, name: str = "Calendar Club", **options: Any) -> Agent[Any]:
    """Return an agent with all tools, whose model takes these steps."""
    options.setdefault("tools", [search_events, book, breaks])
    return Agent(name, model=ScriptedModel(list(steps)), **options)


class NamedModel(ScriptedModel):
    """A model with a name, as the SDK's own models have one."""

    def __init__(self, name: str, steps: list[ModelStep]) -> None:
        super().__init__(steps)
        self.model = name


def named(name: str, *steps: ModelStep) -> ScriptedModel:
    """Return a model whose name can be read from it."""
    return NamedModel(name, list(steps))
