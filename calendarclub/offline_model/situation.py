"""All that a turn of the offline model depends on, read from the conversation."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from calendarclub.offline_model.conversation import Listing, Turn
from calendarclub.offline_model.request import Kind, Request, understand
from calendarclub.offline_model.search_arguments import Wish, wish_after


@dataclass(frozen=True)
class Situation:
    """
    Hold the turn to answer, what it asks for, and what came before it.

    `last` is the last list of the conversation and `shown` the last that had events, which
    "the second" refers to; `card` is the event of it that the user means.
    """

    now: datetime
    earlier: Sequence[Turn]
    turn: Turn
    request: Request
    wish: Wish
    last: Listing | None
    shown: Listing | None
    card: Mapping[str, Any] | None

    @property
    def categories(self) -> set[str]:
        """Name the categories of all events that the conversation has seen."""
        listings = [call.listing for turn in self.earlier for call in turn.lookups]
        cards = (card for listing in listings if listing for card in listing.cards)
        return {card["category"] for card in cards if isinstance(card.get("category"), str)} - {""}

    @property
    def is_first_answer(self) -> bool:
        return not any(turn.answer for turn in self.earlier)


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
    said = _words_of(text)
    scores = [len(_words_of(card["title"]) & said) for card in shown.cards]
    best = max(scores)
    return dict(shown.cards[scores.index(best)]) if best and scores.count(best) == 1 else None


def _words_of(text: str) -> frozenset[str]:
    """Return the words by which a title is told from others."""
    return frozenset(re.findall(r"[^\W_]{4,}", text.lower()))
