"""What to do next: call a tool, or say something."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from decimal import Decimal

from calendarclub.offline_model import wording
from calendarclub.offline_model.conversation import Call, Listing, Turn
from calendarclub.offline_model.events_text import price_of
from calendarclub.offline_model.request import Kind, Request
from calendarclub.offline_model.search_arguments import Wish
from calendarclub.offline_model.situation import Situation, read_situation
from calendarclub.offline_model.vocabulary import GENRES, SYNONYMS

MOST_LOOKUPS = 5


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


def _next_lookup(situation: Situation) -> Call | None:
    done = situation.turn.lookups
    if not done:
        return _first_lookup(situation)
    last = done[-1]
    if "error" in last.output:
        return _without_unknown_category(last)
    if last.listing is None:
        return None
    if not last.listing.cards:
        return _wider(situation, last)
    if last.name == "search_events" and situation.request.limit is not None:
        return _within_limit(last.listing, situation.request.limit)
    return None


def _first_lookup(situation: Situation) -> Call | None:
    request, wish, last = situation.request, situation.wish, situation.last
    match request.kind:
        case Kind.SIMILAR if situation.card:
            return Call("find_similar", {"event_id": situation.card["id"]})
        case Kind.PRICE if situation.shown:
            return _within_limit(situation.shown, limit_for(request, situation.shown))
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
    if request.when or request.drops_subject or request.free_only is False:
        return False
    if not (last.cards and last.is_complete):
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


def _wider(situation: Situation, last: Call) -> Call | None:
    """Look again where nothing was found: outside the last list, or with fewer words."""
    if last.name == "refine_results" and situation.request.has_subject:
        return _search(situation.wish) if situation.wish.has_range else None
    if last.name != "search_events":
        return None
    searches = [call for call in situation.turn.lookups if call.name == "search_events"]
    tried = [str(call.arguments.get("words") or "") for call in searches]
    words = next((words for words in _fewer(tried[0]) if words not in tried), None)
    return None if words is None else Call("search_events", last.arguments | {"words": words})


def _fewer(words: str) -> list[str]:
    """Drop the genre first, whose category is still asked for, then what is no genre, then all."""
    genres = [word for word in words.split() if word in GENRES]
    others = [word for word in words.split() if word not in GENRES]
    return [" ".join(others), " ".join(genres), ""]


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


def limit_for(request: Request, listing: Listing) -> Decimal | None:
    """Take the price that was named, or the third lowest when only "cheap" was said."""
    if request.limit is not None:
        return request.limit
    prices = sorted(price for card in listing.cards if (price := price_of(card)) is not None)
    return prices[min(2, len(prices) - 1)] if prices and request.is_cheap else None
