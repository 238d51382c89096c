"""How the offline model says what it has to say: the text, the quick picks, the placeholder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from calendarclub.offline_model.conversation import Call, Listing
from calendarclub.offline_model.events_text import (
    day_range,
    details,
    marked_down,
    numbered,
    subject,
)
from calendarclub.offline_model.picks import (
    MOST_PICKS,
    TIMES,
    WHEN,
    picks_after,
    picks_after_nothing,
    picks_in_general,
)
from calendarclub.offline_model.request import Kind
from calendarclub.offline_model.situation import Situation

OFFLINE = (
    "*I am running offline, without a language model: I understand plain requests in English and "
    "answer from the calendar.*"
)
CANNOT = (
    "I can't do that: I am running offline, without a language model. I can find events by time, "
    "subject and place, keep the free ones, and look for similar ones."
)
HELP = """\
I find events in the calendar. You can say:

- a time: “this weekend”, “friday evening”, “24 December”, “in march”
- a subject or a place: “jazz”, “comedy in Utrecht”
- more about the list: “only free ones”, “under 20 euro”, “something like the second”, “tell me \
more about number 3”
- “and next weekend?” or “what about comedy?” to change one thing
- “what are we looking for?” or “start over”"""
QUOTED = 200


@dataclass(frozen=True)
class Reply:
    text: str
    picks: tuple[str, ...] = TIMES
    placeholder: str = WHEN


def reply(situation: Situation) -> Reply:
    """Word the answer of the turn; the first of a conversation says that it is offline."""
    answer = _reply(situation)
    if situation.is_first_answer and "offline" not in answer.text:
        return Reply(f"{OFFLINE}\n\n{answer.text}", answer.picks, answer.placeholder)
    return answer


def _reply(situation: Situation) -> Reply:
    if situation.turn.lookups:
        return _of_lookups(situation)
    match situation.request.kind:
        case Kind.SEARCH:
            return _asking_for_a_time(situation)
        case Kind.DETAILS | Kind.SIMILAR:
            return _about_one(situation)
        case Kind.FIRST_QUESTION | Kind.LAST_QUESTION:
            return _question_again(situation)
        case Kind.SHOWN if situation.shown:
            return Reply(
                f"The last events that I showed:\n\n{numbered(situation.shown)}",
                *picks_after(situation, situation.shown),
            )
        case Kind.WISH | Kind.AGREEMENT | Kind.SHOWN:
            return Reply(_wish_text(situation), *picks_in_general(situation))
        case Kind.START_OVER:
            return Reply(f"We start over. {WHEN} And what would you like to do?")
        case Kind.PRICE:
            return _about_prices(situation)
        case Kind.MORE:
            return _about_more(situation)
    return Reply(TEXTS[situation.request.kind], *picks_in_general(situation))


TEXTS = {
    Kind.GREETING: f"Hello! I help you find events. {WHEN} And what would you like to do?",
    Kind.THANKS: "You're welcome! Tell me if you want to look for something else.",
    Kind.GOODBYE: "Goodbye, and have a good time!",
    Kind.ABOUT: (
        "I am Calendar Club, and I find events in the calendar. I am running offline: rules, not a "
        "language model, choose my answers."
    ),
    Kind.HELP: HELP,
    Kind.CALENDAR: (
        "Every event card has a file for your calendar (.ics) and a link for Google Calendar; you "
        "can also take all events of a list at once."
    ),
    Kind.IMPOSSIBLE: CANNOT,
    Kind.EXCLUSION: (
        "Offline I understand what you would like, but not what to leave out. Tell me what it "
        "should be instead, for example “comedy this weekend”."
    ),
    Kind.UNCLEAR: (
        "I did not understand that. Tell me when you are free and what you like, for example "
        "“jazz this weekend”, or say “help”."
    ),
}


def _of_lookups(situation: Situation) -> Reply:
    """Tell what the last tool call found, and what had to be left out for it."""
    last = situation.turn.lookups[-1]
    if last.listing is None:
        return _of_a_failure(last)
    note = _left_out(situation)
    if not last.listing.cards:
        text = f"{note}{_nothing(situation, last)}"
        return Reply(text, picks_after_nothing(situation), "Another time, or another subject?")
    text = f"{note}{_headline(situation, last, last.listing)}\n\n{numbered(last.listing)}"
    if situation.request.limit is not None and last.name == "search_events":
        text += f"\n\nNone of them is known to cost {situation.request.limit} or less."
    elif situation.request.is_cheap and last.name == "search_events":
        text += "\n\nI can't search by price, but every card says what is known of it."
    return Reply(text, *picks_after(situation, last.listing))


def _of_a_failure(call: Call) -> Reply:
    reason = call.output.get("error")
    sentence = f" It says: “{marked_down(str(reason)[:QUOTED])}”" if reason else ""
    return Reply(f"I could not look that up.{sentence} Try it with other words, or another time.")


def _left_out(situation: Situation) -> str:
    """Say which words of the first call found nothing, if a later one went without them."""
    first, last = situation.turn.lookups[0], situation.turn.lookups[-1]
    if first is last or last.name != "search_events":
        return ""
    if first.name == "refine_results":
        return f"Among those there are no {subject(first.arguments, plural=True)}. "
    lost = str(first.arguments.get("words") or "")
    return f"Nothing matches “{marked_down(lost)}”. " if lost else ""


def _headline(situation: Situation, call: Call, listing: Listing) -> str:
    count = f"{listing.total} event{'' if listing.total == 1 else 's'}"
    if call.name == "find_similar" and situation.card:
        title = marked_down(str(situation.card["title"]))
        return f"Like **{title}**, there {_is(listing.total)} {count} coming up."
    if call.name == "refine_results":
        if situation.request.limit is not None:
            return (
                f"By the prices that are known, {count} of the list cost{_s(listing.total)} "
                f"{situation.request.limit} or less."
            )
        if situation.request.is_cheap:
            return "These are the cheapest of them, by the prices that are known."
        what = subject(call.arguments, plural=listing.total != 1)
        return f"Of those I keep {listing.total} {what}."
    what = subject(call.arguments, plural=listing.total != 1)
    more = (
        ""
        if listing.is_complete
        else (f" These are the first {len(listing.cards)}: name a subject or a day to narrow it.")
    )
    return f"I found {listing.total} {what} {_range(call.arguments, situation.now)}.{more}"


def _nothing(situation: Situation, call: Call) -> str:
    if call.name == "find_similar":
        return "I found nothing like it that is still to come."
    if call.name == "refine_results":
        return f"Among those there are no {subject(call.arguments, plural=True)}."
    what = subject(call.arguments, plural=True)
    return f"I found no {what} {_range(call.arguments, situation.now)}."


def _range(arguments: Mapping[str, Any], now: datetime) -> str:
    return day_range(str(arguments.get("start")), str(arguments.get("end")), now)


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _s(count: int) -> str:
    return "s" if count == 1 else ""


def _asking_for_a_time(situation: Situation) -> Reply:
    if situation.request.is_impossible_date:
        return Reply("I did not understand that date: no calendar has it. Which day do you mean?")
    if situation.wish.has_subject:
        what = subject(vars(situation.wish), plural=True)
        return Reply(f"I can look for {what}. When should it be?")
    return Reply("When should it be? I need a day or a range to look for events.")


def _about_one(situation: Situation) -> Reply:
    if situation.card is not None:
        place = situation.shown.ids.index(situation.card["id"]) + 1 if situation.shown else 1
        like = f"Something like number {place}"
        others = [
            pick for pick in picks_in_general(situation)[0] if not pick.startswith("Something")
        ]
        picks = (like, *others)[:MOST_PICKS]
        return Reply(details(situation.card), picks, "Another question about it?")
    if situation.shown is None:
        return Reply(f"I have not shown you any events yet. {WHEN}")
    count = len(situation.shown.cards)
    text = f"Which one do you mean? I showed {count}: say “number 1”, or a word of its title."
    return Reply(text, *picks_after(situation, situation.shown))


def _question_again(situation: Situation) -> Reply:
    asked = [turn.text for turn in situation.earlier if turn.text.strip()]
    if not asked:
        return Reply(f"This is your first message. {WHEN}")
    is_first = situation.request.kind is Kind.FIRST_QUESTION
    text = " ".join(asked[0 if is_first else -1].split())
    quoted = marked_down(text[:QUOTED]) + ("…" if len(text) > QUOTED else "")
    which = "first" if is_first else "last"
    return Reply(f"Your {which} message was: “{quoted}”", *picks_in_general(situation))


def _wish_text(situation: Situation) -> str:
    wish = situation.wish
    if not wish.has_range and not wish.has_subject:
        return f"We are not looking for anything yet. {WHEN}"
    what = subject(vars(wish), plural=True)
    if not wish.has_range:
        return f"We are looking for {what}; I do not know yet when."
    return f"We are looking for {what} {_range(vars(wish), situation.now)}."


def _about_prices(situation: Situation) -> Reply:
    if situation.shown is None:
        return Reply(f"{WHEN} I can't search by price, but I can keep the free events.")
    text = "By the prices that are known, none of the events that I showed is that cheap."
    return Reply(text, *picks_after(situation, situation.shown))


def _about_more(situation: Situation) -> Reply:
    if situation.last is None:
        return _asking_for_a_time(situation)
    if situation.last.is_complete:
        text = "That was all I found. I can look at another time, or for another subject."
        return Reply(text, picks_after_nothing(situation))
    return Reply("I can't list more at once: name a day or a subject to narrow it.", TIMES)
