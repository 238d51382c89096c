"""A run of the agent as server-sent events.

content      {"delta": text}                  the answer as it is written, as plain text
events       {"events", "total", "html"}      what a search found
quick_picks  {"quick_picks": [text]}          what the visitor may want to say next
placeholder  {"placeholder": text}            the same, for the empty input
error        {"message": sentence}            the run has failed
done         {"html", "title", "answered"}    always the last one: the answer as safe HTML
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import asdict
from typing import Any, TypeAlias

from agents import RunItem, RunResultStreaming, StreamEvent
from django.http import StreamingHttpResponse
from django.template.loader import render_to_string

from agent_sessions import Session
from agent_sessions.transcript import entry
from calendarclub.chat.page_turns import Turn
from calendarclub.chat.run_errors import explain
from calendarclub.chat.tool_output import Findings, Suggestions

Begin: TypeAlias = Callable[[], Awaitable[RunResultStreaming]]
Record: TypeAlias = Callable[[RunResultStreaming], Awaitable[None]]


def event_stream(begin: Begin, *, record: Record, session: Session) -> StreamingHttpResponse:
    """Answer with the events of the run that `begin` starts, and `record` the run when it ends.

    It starts with the first event that is asked for: a client that has left by then starts none.
    """
    return StreamingHttpResponse(
        server_sent_events(begin, record=record, session=session),
        content_type="text/event-stream",
        # Nginx would otherwise collect the answer and pass it on in one piece.
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def server_sent_events(
    begin: Begin, *, record: Record, session: Session
) -> AsyncIterator[str]:
    """Yield the run's events, encoded; whatever happens, the last one is `done`."""
    turn = Turn()
    try:
        async with aclosing(_events(await begin(), record)) as events:
            async for event in events:
                for name, data in _tell(event, turn):
                    yield _encoded(name, data)
    except Exception as error:  # the page has to be told whatever broke, and its stream to end
        turn.answers.clear()
        turn.is_answered = False
        yield _encoded("error", {"message": explain(error, session)})
    done = {"html": turn.answer_html, "title": session.title, "answered": turn.is_answered}
    yield _encoded("done", done)


async def _events(run: RunResultStreaming, record: Record) -> AsyncGenerator[StreamEvent, None]:
    """Yield the run's events; a reader who leaves early ends the run."""
    try:
        async with aclosing(run.stream_events()) as events:  # type: ignore[type-var]  # a generator
            try:
                async for event in events:
                    yield event
            finally:
                # Before the stream is closed, which would wait for the model to finish. What the
                # session is writing at this moment is still written. No effect on a finished run.
                run.cancel()
    finally:
        await record(run)  # a run that failed, or that nobody waited for, has its cost as well


def _tell(event: StreamEvent, turn: Turn) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield name and data of what `event` means to the page, collecting it in `turn`."""
    if event.type == "raw_response_event":
        if event.data.type in ("response.output_text.delta", "response.refusal.delta"):
            yield "content", {"delta": event.data.delta}
    elif event.type == "run_item_stream_event":
        yield from _tell_item(event.item, turn)


def _tell_item(item: RunItem, turn: Turn) -> Iterator[tuple[str, dict[str, Any]]]:
    offer = turn.take(entry(item.to_input_item()))
    if item.type == "message_output_item":
        yield "content", {"delta": "\n\n"}  # what the model says next is another paragraph
    if isinstance(offer, Findings):
        html = render_to_string("chat/cards.html", {"findings": offer})
        cards = [asdict(card) for card in offer.cards]
        yield "events", {"events": cards, "total": offer.total, "html": html}
    if isinstance(offer, Suggestions):
        yield "quick_picks", {"quick_picks": offer.quick_picks}
        yield "placeholder", {"placeholder": offer.placeholder}


def _encoded(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"
