"""A response as the events in which an API streams it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

from openai.types.responses import (
    Response,
    ResponseFunctionToolCall,
    ResponseOutputItem,
    ResponseOutputMessage,
    ResponseOutputText,
    ResponseStreamEvent,
)
from pydantic import TypeAdapter

EVENT: TypeAdapter[ResponseStreamEvent] = TypeAdapter(ResponseStreamEvent)


async def response_events(response: Response) -> AsyncIterator[ResponseStreamEvent]:
    """Yield the events, the text word by word. Other tasks run between two events."""
    for number, event in enumerate(_events(response)):
        yield EVENT.validate_python(event | {"sequence_number": number})
        await asyncio.sleep(0)


def _events(response: Response) -> Iterator[dict[str, Any]]:
    begun = response.model_copy(update={"status": "in_progress", "output": [], "usage": None})
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for index, item in enumerate(response.output):
        for event in _item_events(item):
            yield event | {"output_index": index}
    yield {"type": "response.completed", "response": response}


def _item_events(item: ResponseOutputItem) -> Iterator[dict[str, Any]]:
    empty: dict[str, Any] = {"status": "in_progress"}
    events: Iterator[dict[str, Any]] = iter(())
    if isinstance(item, ResponseFunctionToolCall):
        empty["arguments"], events = "", _call_events(item)
    elif isinstance(item, ResponseOutputMessage):
        empty["content"], events = [], _message_events(item)
    yield _item("added", item.model_copy(update=empty))
    yield from events
    yield _item("done", item)


def _item(what: str, item: Any) -> dict[str, Any]:
    return {"type": f"response.output_item.{what}", "item": item}


def _call_events(call: ResponseFunctionToolCall) -> Iterator[dict[str, Any]]:
    kind, place = "response.function_call_arguments", {"item_id": call.id}
    yield {"type": f"{kind}.delta", "delta": call.arguments} | place
    yield {"type": f"{kind}.done", "arguments": call.arguments, "name": call.name} | place


def _message_events(message: ResponseOutputMessage) -> Iterator[dict[str, Any]]:
    for index, part in enumerate(message.content):
        if not isinstance(part, ResponseOutputText):
            continue
        place = {"item_id": message.id, "content_index": index}
        empty = part.model_copy(update={"text": ""})
        yield {"type": "response.content_part.added", "part": empty} | place
        for words in re.findall(r"\S+\s*|\s+", part.text):
            yield {"type": "response.output_text.delta", "delta": words, "logprobs": []} | place
        yield {"type": "response.output_text.done", "text": part.text, "logprobs": []} | place
        yield {"type": "response.content_part.done", "part": part} | place
