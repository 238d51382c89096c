"""What to do next: call a tool, or say something."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from calendarclub.chat.offline import wording
from calendarclub.chat.offline.events_text import price_of
from calendarclub.chat.offline.memory import Call, Listing, Turn
from calendarclub.chat.offline.request import Kind, Request, understand
from calendarclub.chat.offline.vocabulary import SYNONYMS
from calendarclub.chat.offline.wish import Wish, wish_after
from calendarclub.chat.offline.wording import Situation

MOST_LOOKUPS = 4


def next_step(turns: Sequence[Turn], tools: Collection[str], now: datetime) -> Call | str:
    """
    Choose the next call, or the final text, from the conversation alone.

    Look up what is needed, look again if nothing was found, offer quick picks, then answer.
    """
    situation = read_situation(turns, now)
    done = situation.turn.lookups
    lookup = _next_lookup(situation) if len(done) < MOST_LOOKUPS else None
    if lookup and lookup.name in tools:
        return lookup
    reply = wording.reply(situation)
    if "offer_quick_picks" in tools and not _called(situation.turn, "offer_quick_picks"):
        arguments = {"picks": list(reply.picks), "placeholder": reply.placeholder}
        return Call("offer_quick_picks", arguments)
    return reply.text


def read_situation(turns: Sequence[Turn], now: datetime) -> Situation:
    earlier, turn = turns[:-1], turns[-1] if turns else Turn("")
    since = _since_start_over(earlier, now)
    listings = [past.listing for past in since if past.listing is not None]
    last = listings[-1] if listings else None
    shown = next((listing for listing in reversed(listings) if listing.cards), None)
    request = understand(turn.text, now)
    card = _card_meant(request, shown, since, now)
    if request.kind in (Kind.DETAILS, Kind.SIMILAR) and card is None and _asks_anew(request):
        request = replace(request, kind=Kind.SEARCH)
    before = wish_after(since, now)
    wish = before.merged(request) if request.kind is Kind.SEARCH else before
    return Situation(
        now=now, earlier=earlier, turn=turn, request=request, wish=wish, last=last, shown=shown,
        card=card,
    )  # fmt: skip


def _since_start_over(turns: Sequence[Turn], now: datetime) -> Sequence[Turn]:
    places = [
        place for place, turn in enumerate(turns)
        if understand(turn.text, now).kind is Kind.START_OVER
    ]  # fmt: skip
    return turns[places[-1] + 1 :] if places else turns


def _asks_anew(request: Request) -> bool:
    """Tell "when is the next jazz concert" from "when is the second"."""
    return request.place is None and bool(request.when or request.has_subject)


def _card_meant(
    request: Request, shown: Listing | None, earlier: Sequence[Turn], now: datetime
) -> dict[str, Any] | None:
    """Find the event of the last list that the user points at."""
    if shown is None:
        return None
    if request.place is not None:
        return _at(shown, request.place)
    if request.kind not in (Kind.DETAILS, Kind.SIMILAR, Kind.CALENDAR):
        return None
    by_title = _titled(shown, request.text)
    if by_title or request.has_subject or request.when:
        return by_title
    if len(shown.cards) == 1:
        return dict(shown.cards[0])
    # "it" is the event that the turn before was about.
    before = understand(earlier[-1].text, now) if earlier else None
    return _at(shown, before.place) if before and before.place is not None else None


def _at(shown: Listing, place: int) -> dict[str, Any] | None:
    index = place - 1 if place > 0 else place
    return dict(shown.cards[index]) if -1 <= index < len(shown.cards) else None


def _titled(shown: Listing, text: str) -> dict[str, Any] | None:
    """Find the one event with most words of its title in the text; none where two have as many."""
    said = wording.words_of(text)
    scores = [len(wording.words_of(card["title"]) & said) for card in shown.cards]
    best = max(scores)
    return dict(shown.cards[scores.index(best)]) if best and scores.count(best) == 1 else None


def _next_lookup(situation: Situation) -> Call | None:
    done = situation.turn.lookups
    if not done:
        return _first_lookup(situation)
    last = done[-1]
    if "error" in last.output:
        return _without_unknown_category(last)
    if last.listing is None:
        return None
    if not last.listing.cards and last.name == "search_events" and last.arguments.get("words"):
        return Call("search_events", last.arguments | {"words": ""})
    if last.name == "search_events" and situation.request.limit is not None:
        return _within_limit(last.listing, situation.request.limit)
    return None


def _first_lookup(situation: Situation) -> Call | None:
    request, wish, last = situation.request, situation.wish, situation.last
    match request.kind:
        case Kind.SIMILAR if situation.card:
            return Call("find_similar", {"event_id": situation.card["id"]})
        case Kind.PRICE if situation.shown:
            return _within_limit(situation.shown, wording.limit_for(request, situation.shown))
        case Kind.MORE if last and not last.is_complete:
            start = str(last.cards[-1].get("start"))
            return _search(replace(wish, start=start)) if start > wish.start else None
        case Kind.SEARCH if not request.is_impossible_date:
            if last and _refines(request, last):
                return _refine(last.ids, request)
            return _search(wish) if wish.has_range else None
    return None


def _refines(request: Request, last: Listing) -> bool:
    """Tell whether the request narrows the last list, and that list is all there is."""
    if request.when or request.drops_subject or not (last.cards and last.is_complete):
        return False
    return request.narrows or (request.free_only is True and not request.has_subject)


def _search(wish: Wish) -> Call:
    return Call("search_events", asdict(wish))


def _refine(ids: list[int], request: Request) -> Call:
    return Call(
        "refine_results",
        {
            "event_ids": ids,
            "words": request.words,
            "category": request.category,
            "free_only": request.free_only is True,
        },
    )


def _within_limit(listing: Listing, limit: Decimal | None) -> Call | None:
    """Choose by the prices on the cards: the tools cannot search by price."""
    if limit is None:
        return None
    ids = [
        card["id"] for card in listing.cards
        if (price := price_of(card)) is not None and price <= limit
    ]  # fmt: skip
    arguments = {"event_ids": ids, "words": "", "category": "", "free_only": False}
    return Call("refine_results", arguments) if ids else None


def _without_unknown_category(failed: Call) -> Call | None:
    """Take the calendar's own name of the category, or else look for it as a word."""
    asked, known = failed.arguments.get("category"), failed.output.get("categories")
    if not asked or not isinstance(known, list):
        return None
    same = [name for name in known if isinstance(name, str) and name in SYNONYMS.get(asked, ())]
    words = failed.arguments.get("words") or ("" if same else asked)
    change = {"category": same[0] if same else "", "words": words}
    return Call(failed.name, failed.arguments | change)


def _called(turn: Turn, name: str) -> bool:
    return any(call.name == name for call in turn.calls)
