"""The next step of a run: a tool call, or the final text."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime

from calendarclub.offline_model.answer import answer
from calendarclub.offline_model.conversation import Exchange, ToolCall
from calendarclub.offline_model.parsed_message import Intent
from calendarclub.offline_model.situation import Situation, situation_after


def next_step(
    exchanges: Sequence[Exchange], tools: Collection[str], now: datetime
) -> ToolCall | str:
    """Look up events, then offer quick picks, then answer."""
    situation = situation_after(exchanges, now)
    lookup = _next_lookup(situation)
    if lookup and lookup.name in tools:
        return lookup
    reply = answer(situation)
    if "offer_quick_picks" in tools and not situation.current.has_picks:
        arguments = {"picks": list(reply.picks), "placeholder": reply.placeholder}
        return ToolCall("offer_quick_picks", arguments)
    return reply.text


def _next_lookup(situation: Situation) -> ToolCall | None:
    done = situation.current.lookups
    if not done:
        return _first_lookup(situation)
    return _without_unknown_category(done[0]) if len(done) == 1 else None


def _first_lookup(situation: Situation) -> ToolCall | None:
    if situation.message.intent is Intent.SIMILAR and situation.event:
        return ToolCall("find_similar", {"event_id": situation.event["id"]})
    if situation.message.intent is not Intent.SEARCH:
        return None
    if _is_refinement(situation):
        return _refine(situation)
    return (
        ToolCall("search_events", asdict(situation.search)) if situation.search.has_range else None
    )


def _is_refinement(situation: Situation) -> bool:
    """Tell whether the message narrows the last list, and that list has all events."""
    message, shown = situation.message, situation.shown
    is_complete = shown is not None and shown.is_complete
    return message.is_narrower and message.has_subject and not message.time and is_complete


def _refine(situation: Situation) -> ToolCall:
    assert situation.shown is not None, "see _is_refinement()"  # noqa: S101  # for mypy
    message = situation.message
    arguments = {
        "event_ids": situation.shown.ids,
        "words": message.words,
        "category": message.category,
        "free_only": message.free_only,
    }
    return ToolCall("refine_results", arguments)


def _without_unknown_category(failed: ToolCall) -> ToolCall | None:
    """Search for the name of a category that the calendar does not have as a word."""
    category = failed.arguments.get("category")
    if not category or "categories" not in failed.output:
        return None
    words = failed.arguments.get("words") or category
    return ToolCall(failed.name, failed.arguments | {"category": "", "words": words})
