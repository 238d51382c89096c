"""The tools of the Calendar Club agent. The model reads their docstrings.

After a mistake the model gets JSON with an `error` that says what to call instead, so a mistake
never ends a run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

from agents import RunContextWrapper, Tool, function_tool
from agents.exceptions import ModelBehaviorError
from asgiref.sync import sync_to_async
from django.utils import timezone

from agent_sessions import Session, release_connections_sync
from calendarclub.chat.conversations import log_label
from calendarclub.chat.event_json import MOST_EVENTS, events_json, to_json
from calendarclub.events.models import Event, EventQuerySet

logger = logging.getLogger("calendarclub.chat")

LONGEST_RANGE = timedelta(days=370)
YEARS = range(2000, 2101)
MOST_IDS = 100
MOST_PICKS = 4
LONGEST_PICK = 60
BIGGEST_ID = 2**63 - 1


class UnusableArgumentError(Exception):
    """Tell the model what to call instead; `more` is added to the JSON that it gets."""

    def __init__(self, sentence: str, **more: Any) -> None:
        super().__init__(sentence)
        self.more = more


def error_json(context: RunContextWrapper[Session | None], error: Exception) -> str:
    """Return the JSON that the model gets for an exception of a tool."""
    if isinstance(error, UnusableArgumentError):
        return to_json({"error": str(error), **error.more})
    if isinstance(error, ModelBehaviorError):
        return to_json({"error": f"The arguments do not fit the tool's schema: {error}"[:500]})
    # The details go to the log: a model would repeat them to the user.
    logger.error("A tool failed in %s.", log_label(context.context), exc_info=error)
    return to_json({"error": "The events cannot be read at the moment. Tell the user so."})


@function_tool(failure_error_function=error_json)
async def search_events(
    start: str, end: str, words: str = "", category: str = "", free_only: bool = False
) -> str:
    """Find events that take place, at least in part, between two moments.

    Call it whenever the user names a new time, or a new subject for the time they named before.
    Ask the user for a time range first if the conversation has none: do not guess one.
    Answers {"events": [...], "total": n}: the first 15 by start, and how many matched in all.
    If nothing is found, try fewer words before you tell the user so.

    Args:
        start: The first moment, as a local date or date and time in ISO 8601: "2026-11-28" or
            "2026-11-28T17:00". A date alone is its first moment.
        end: The moment at which the range is over, in the same form. A date alone is included
            wholly: the weekend is start "2026-11-28" and end "2026-11-29".
        words: Words that must all occur in an event's title, description, venue, city or
            category, such as "jazz" or "Utrecht". Few and specific; empty for any event.
        category: One category, in lower case, such as "music"; empty for any. An unknown one is
            answered with the list of those that exist.
        free_only: True to find only events that are known to cost nothing.
    """
    begin, stop = _moment(start, "start"), _moment(end, "end", last=True)
    if stop <= begin:
        raise UnusableArgumentError("end is not after start. Call again with end after start.")
    if stop - begin > LONGEST_RANGE:
        raise UnusableArgumentError(
            "The range is longer than a year. Call again with a shorter one, or ask the user which "
            "part of it they mean."
        )
    events = Event.objects.between(begin, stop)
    return await _read(lambda: _found(events, words, category, free_only=free_only))


@function_tool(failure_error_function=error_json)
async def refine_results(
    event_ids: list[int], words: str = "", category: str = "", free_only: bool = False
) -> str:
    """Narrow the events that were found before: "only free ones", "just the music".

    Use it only if all events that matched were listed; if there were more, search again.
    Answers in the same form as search_events.

    Args:
        event_ids: The ids of the events to choose from, as listed by an earlier tool call.
        words: Words that must all occur in an event's title, description, venue, city or
            category; empty for no such condition.
        category: One category, in lower case; empty for any.
        free_only: True to keep only events that are known to cost nothing.
    """
    ids = [number for number in event_ids if 0 < number <= BIGGEST_ID]
    if not 0 < len(event_ids) <= MOST_IDS:
        raise UnusableArgumentError(f"event_ids needs one id at least and {MOST_IDS} at most.")
    chosen = Event.objects.filter(pk__in=ids)

    def refined() -> str:
        if not chosen.exists():
            raise UnusableArgumentError(
                "No event has any of these ids. Use ids that an earlier tool call listed, or "
                "search again with search_events."
            )
        return _found(chosen, words, category, free_only=free_only)

    return await _read(refined)


@function_tool(failure_error_function=error_json)
async def find_similar(event_id: int) -> str:
    """Find events like one that was listed: "something like the second". Upcoming ones only.

    Answers in the same form as search_events: the fifteen most similar, sorted by start.

    Args:
        event_id: The id of the event that the user likes, as listed by an earlier tool call.
    """

    def similar() -> str:
        is_possible = 0 < event_id <= BIGGEST_ID
        event = Event.objects.filter(pk=event_id).first() if is_possible else None
        if event is None:
            raise UnusableArgumentError(
                f"No event has the id {event_id}. Use an id that an earlier tool call listed."
            )
        return _listed(Event.objects.similar_to(event))

    return await _read(similar)


@function_tool(failure_error_function=error_json)
async def offer_quick_picks(picks: list[str], placeholder: str) -> str:
    """Offer the user buttons with what they may want to say next, and a hint for the input.

    Call it once in every turn, after all other tools and before your final text.

    Args:
        picks: Two to four short sentences in the user's own voice, such as "This weekend" or
            "Only free ones"; each must make sense as the user's next message.
        placeholder: A hint of a few words for the empty input, such as "When are you free?".
    """
    kept = [pick.strip()[:LONGEST_PICK] for pick in picks if pick.strip()]
    return to_json(
        {
            "quick_picks": list(dict.fromkeys(kept))[:MOST_PICKS],
            "placeholder": placeholder.strip()[:LONGEST_PICK],
        }
    )


TOOLS: list[Tool] = [search_events, refine_results, find_similar, offer_quick_picks]


def _moment(text: str, name: str, *, last: bool = False) -> datetime:
    """Read a date or a time in the project's time zone; a `last` date ends at the next midnight."""
    text = text.strip()
    try:
        if len(text) <= len("2026-11-28"):
            day = date.fromisoformat(text) + timedelta(days=int(last))
            moment = datetime.combine(day, time.min)
        else:
            moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise UnusableArgumentError(
            f"{name} is not a date: {text[:40]!r}. Call again with ISO 8601, such as 2026-11-28 or "
            "2026-11-28T17:00."
        ) from error
    if moment.year not in YEARS:
        raise UnusableArgumentError(
            f"{name} is in the year {moment.year}. Ask the user which date they mean."
        )
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)


async def _read(read: Callable[[], str]) -> str:
    """Query events in the database thread, then release the connection: the model runs next."""

    def reading() -> str:
        try:
            return read()
        finally:
            release_connections_sync()

    return await sync_to_async(reading)()


def _found(events: EventQuerySet, words: str, category: str, *, free_only: bool) -> str:
    """Return the events that match, as the tool's output."""
    events = events.matching(words)
    if free_only:
        events = events.free()
    if category.strip():
        known = list(Event.objects.categories())
        if category.strip().lower() not in known:
            raise UnusableArgumentError(
                f"There is no category {category[:40]!r}. Call again with one of these, or with "
                "the subject in words.",
                categories=known,
            )
        events = events.in_category(category)
    return _listed(events)


def _listed(events: EventQuerySet) -> str:
    cards = sorted(events[:MOST_EVENTS], key=lambda event: (event.start, event.pk))
    return events_json(cards, total=len(cards) if len(cards) < MOST_EVENTS else events.count())
