"""A run of the agent as server-sent events.

content      {"delta": text}                  the next piece of the answer, as plain text
events       {"events", "total", "html"}      the events that a search found
quick_picks  {"quick_picks": [text]}          suggestions for the visitor's next message
placeholder  {"placeholder": text}            a hint for the empty input
error        {"message": sentence}            the run has failed
done         {"html", "title", "answered"}    always the last event: the answer as safe HTML
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import asdict
from typing import Any, TypeAlias

from agents import RunItem, RunResultStreaming, StreamEvent
from django.http import StreamingHttpResponse
from django.template.loader import render_to_string

from agent_sessions import Session
from agent_sessions.transcript import entry
from calendarclub.chat.page_turns import PageTurn
from calendarclub.chat.run_errors import sentence_for
from calendarclub.chat.tool_output import FoundEvents, Suggestions

Begin: TypeAlias = Callable[[], Awaitable[RunResultStreaming]]
Record: TypeAlias = Callable[[RunResultStreaming], Awaitable[None]]


def event_stream(begin: Begin, *, record: Record, conversation: Session) -> StreamingHttpResponse:
    """Stream the events of the run that `begin` starts, and `record` the run when it ends.

    The run starts when the first event is requested, so a client that has left starts none.
    """
    return StreamingHttpResponse(
        server_sent_events(begin, record=record, conversation=conversation),
        content_type="text/event-stream",
        # Nginx buffers the answer otherwise.
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def server_sent_events(
    begin: Begin, *, record: Record, conversation: Session
) -> AsyncGenerator[str, None]:
    """Yield the run's events, encoded; the last one is always `done`."""
    turn = PageTurn()
    events = _answer(begin, record, turn)
    try:
        async for event in events:
            yield event
    except Exception as error:  # any error: the page shows a sentence, and its stream has to end
        turn = PageTurn()  # what has been written so far is not an answer
        yield _encoded("error", {"message": sentence_for(error, conversation)})
    finally:
        await events.aclose()  # a reader who leaves early ends the run
    done = {"html": turn.answer_html, "title": conversation.title, "answered": turn.is_answered}
    yield _encoded("done", done)


async def _answer(begin: Begin, record: Record, turn: PageTurn) -> AsyncGenerator[str, None]:
    """Yield the events of a run, collect them in `turn`, and end the run with its reader."""
    async with AsyncExitStack() as ending:  # what is pushed last is done first
        run = await begin()
        # A run that failed, or whose reader has left, has a cost as well.
        ending.push_async_callback(record, run)
        events = run.stream_events()
        ending.push_async_callback(events.aclose)  # type: ignore[attr-defined]  # a generator
        # Before the stream is closed, which would wait for the model to finish. Items that the
        # session is storing are still stored. A finished run is not affected.
        ending.callback(run.cancel)
        async for event in events:
            for name, data in _page_events(event, turn):
                yield _encoded(name, data)


def _page_events(event: StreamEvent, turn: PageTurn) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield name and data of the events that the SDK's event is for the page."""
    if event.type == "raw_response_event":
        if event.data.type in ("response.output_text.delta", "response.refusal.delta"):
            yield "content", {"delta": event.data.delta}
    elif event.type == "run_item_stream_event":
        yield from _item_events(event.item, turn)


def _item_events(item: RunItem, turn: PageTurn) -> Iterator[tuple[str, dict[str, Any]]]:
    offer = turn.take(entry(item.to_input_item()))
    if item.type == "message_output_item":
        yield "content", {"delta": "\n\n"}  # the model's next message is another paragraph
    if isinstance(offer, FoundEvents):
        html = render_to_string("chat/cards.html", {"findings": offer})
        cards = [asdict(card) for card in offer.cards]
        yield "events", {"events": cards, "total": offer.total, "html": html}
    if isinstance(offer, Suggestions):
        yield "quick_picks", {"quick_picks": offer.quick_picks}
        yield "placeholder", {"placeholder": offer.placeholder}


def _encoded(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"
