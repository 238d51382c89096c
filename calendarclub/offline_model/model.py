"""The offline model as the SDK sees it."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agents import ModelResponse, Tool, TResponseInputItem, Usage
from agents.items import TResponseOutputItem, TResponseStreamEvent
from agents.models.fake_id import FAKE_RESPONSES_ID
from agents.models.interface import Model
from django.utils import timezone
from openai.types.responses import (
    Response,
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputText,
    ResponseUsage,
)

from calendarclub.offline_model.conversation import ToolCall, exchanges
from calendarclub.offline_model.next_step import next_step
from calendarclub.offline_model.response_events import response_events

NAME = "offline"
PRESENT = re.compile(r"^Now: (\S+) \(\w+\), time zone (\S+)\.$", re.MULTILINE)
# There are no tokens to count, and an estimate would look like a count.
NO_TOKENS = ResponseUsage.model_validate(
    {
        "input_tokens": 0,
        "output_tokens": 0,
        "total_tokens": 0,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
)


class OfflineModel(Model):
    """Answer by rules, from the items, the tools and the instructions of a request alone.

    The same request always gives the same call or the same text; only ids differ. The current time
    is read from the instructions, as a language model reads it.
    """

    model = "offline"  # its name where runs are recorded

    async def get_response(
        self,
        system_instructions: str | None,
        input: str | list[TResponseInputItem],  # noqa: A002  (the interface's name)
        model_settings: Any,
        tools: list[Tool],
        *args: Any,
        **kwargs: Any,
    ) -> ModelResponse:
        output = [_next_item(system_instructions, input, tools)]
        return ModelResponse(output=output, usage=Usage(requests=1), response_id=_new_id("resp"))

    async def stream_response(
        self,
        system_instructions: str | None,
        input: str | list[TResponseInputItem],  # noqa: A002  (the interface's name)
        model_settings: Any,
        tools: list[Tool],
        *args: Any,
        **kwargs: Any,
    ) -> AsyncIterator[TResponseStreamEvent]:
        response = Response(
            id=_new_id("resp"),
            created_at=timezone.now().timestamp(),
            model=NAME,
            object="response",
            output=[_next_item(system_instructions, input, tools)],
            parallel_tool_calls=False,
            status="completed",
            tool_choice="auto",
            tools=[],
            usage=NO_TOKENS,
        )
        async for event in response_events(response):
            yield event


def _next_item(
    instructions: str | None, items: str | list[TResponseInputItem], tools: Sequence[Tool]
) -> TResponseOutputItem:
    step = next_step(exchanges(items), {tool.name for tool in tools}, present(instructions or ""))
    return _call_item(step) if isinstance(step, ToolCall) else _message_item(step)


def present(instructions: str) -> datetime:
    """Return the local time that the instructions name, or else that of the clock."""
    found = PRESENT.search(instructions)
    if found is None:
        return timezone.localtime()
    try:
        moment = datetime.fromisoformat(found[1])
        return moment.astimezone(ZoneInfo(found[2]))
    except (ValueError, ZoneInfoNotFoundError):
        return timezone.localtime()


def _call_item(call: ToolCall) -> ResponseFunctionToolCall:
    return ResponseFunctionToolCall(
        # The SDK's placeholder for items without an id of an API. It removes the placeholder
        # before it sends the items to one.
        id=FAKE_RESPONSES_ID,
        call_id=_new_id("call"),
        name=call.name,
        arguments=json.dumps(call.arguments, ensure_ascii=False),
        type="function_call",
        status="completed",
    )


def _message_item(text: str) -> ResponseOutputMessage:
    return ResponseOutputMessage(
        id=FAKE_RESPONSES_ID,
        content=[ResponseOutputText(text=text, type="output_text", annotations=[], logprobs=[])],
        role="assistant",
        status="completed",
        type="message",
    )


def _new_id(kind: str) -> str:
    return f"{kind}_{uuid4().hex}"
