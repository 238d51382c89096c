"""The answer of a turn: its text, and the suggestions below it."""

from __future__ import annotations

from dataclasses import dataclass

from calendarclub.offline_model.conversation import EventList, ToolCall
from calendarclub.offline_model.events_text import day_range, details, escaped, numbered, subject
from calendarclub.offline_model.parsed_message import Intent
from calendarclub.offline_model.quick_picks import picks_after
from calendarclub.offline_model.situation import Situation

OFFLINE = (
    "*I am running offline, without a language model: I understand simple requests in English and "
    "answer from the calendar.*"
)
HELP = """\
I find events in the calendar. You can say:

- a time: “this weekend”, “friday evening”, “24 December”, “in march”
- a subject: “jazz”, “comedy”, “free things with children”
- more about a list: “only free ones”, “something like the second”, “tell me more about the third”
- one change: “and next weekend?”, “what about comedy?”
- “what are we looking for?”"""
WHEN = "When are you free?"
QUOTED = 200


@dataclass(frozen=True)
class Answer:
    text: str
    picks: tuple[str, ...]
    placeholder: str


def answer(situation: Situation) -> Answer:
    """Compose the answer. The first one of a conversation says that the model is offline."""
    lookups = situation.current.lookups
    text = _about_lookup(situation, lookups[-1]) if lookups else _about_message(situation)
    if situation.is_first_answer:
        text = f"{OFFLINE}\n\n{text}"
    shown = lookups[-1].event_list if lookups else situation.shown
    placeholder = WHEN if shown is None else "Another time or subject?"
    return Answer(text, picks_after(situation, shown), placeholder)


def _about_message(situation: Situation) -> str:
    """Answer a message for which nothing had to be looked up."""
    match situation.message.intent:
        case Intent.SEARCH:
            what = subject(vars(situation.search))
            return f"I can look for {what}. When should it be?"
        case Intent.DETAILS | Intent.SIMILAR:
            return _about_event(situation)
        case Intent.FIRST_QUESTION:
            return _first_question(situation)
        case Intent.CURRENT_SEARCH:
            return _current_search(situation)
        case Intent.UNCLEAR:
            return HELP


def _about_event(situation: Situation) -> str:
    if situation.event is not None:
        return details(situation.event)
    if situation.shown is None:
        return f"I have not shown you any events yet. {WHEN}"
    return f"Which event do you mean? I showed {len(situation.shown.events)}: say “number 1”."


def _first_question(situation: Situation) -> str:
    if not situation.earlier:
        return f"This is your first message. {WHEN}"
    text = " ".join(situation.earlier[0].message.split())
    dots = "…" if len(text) > QUOTED else ""
    return f"Your first message was: “{escaped(text[:QUOTED])}{dots}”"


def _current_search(situation: Situation) -> str:
    search = situation.search
    if not search.has_range and not search.has_subject:
        return f"We are not looking for anything yet. {WHEN}"
    what = subject(vars(search))
    if not search.has_range:
        return f"We are looking for {what}, but I do not know yet when."
    return f"We are looking for {what} {day_range(vars(search), situation.now)}."


def _about_lookup(situation: Situation, call: ToolCall) -> str:
    found = call.event_list
    if found is None:
        reason = escaped(str(call.output.get("error") or "it gave no reason")[:QUOTED])
        return f"I could not look that up: {reason} Try other words, or another time."
    if not found.events:
        return f"{_nothing(situation, call)} Try another time, or another subject."
    return f"{_headline(situation, call, found)}\n\n{numbered(found)}"


def _nothing(situation: Situation, call: ToolCall) -> str:
    if call.name == "find_similar":
        return "I found no similar events that are still to come."
    if call.name == "refine_results":
        return f"Among those there are no {subject(call.arguments)}."
    return f"I found no {subject(call.arguments)} {day_range(call.arguments, situation.now)}."


def _headline(situation: Situation, call: ToolCall, found: EventList) -> str:
    if call.name == "find_similar":
        title = escaped(str(situation.event["title"])) if situation.event else "that event"
        return f"These are the most similar events to **{title}**."
    what = f"{found.total} {subject(call.arguments, plural=found.total != 1)}"
    if call.name == "refine_results":
        return f"Among those I found {what}."
    text = f"I found {what} {day_range(call.arguments, situation.now)}."
    if found.is_complete:
        return text
    return f"{text} These are the first {len(found.events)}: name a subject or a day to narrow it."
