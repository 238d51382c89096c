"""What is being looked for, as it grows with the conversation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from calendarclub.offline_model.conversation import Call, Turn
from calendarclub.offline_model.request import Kind, Request, understand
from calendarclub.offline_model.vocabulary import GENRES


@dataclass(frozen=True)
class Wish:
    """The arguments of a search; `start` and `end` are ISO moments, empty when unknown."""

    start: str = ""
    end: str = ""
    words: str = ""
    category: str = ""
    free_only: bool = False

    @property
    def has_range(self) -> bool:
        return bool(self.start and self.end)

    @property
    def has_subject(self) -> bool:
        return bool(self.words or self.category or self.free_only)

    def merged(self, request: Request) -> Wish:
        """
        Change what the request names and keep the rest.

        A new time keeps the subject and a new subject keeps the time. Words belong to the
        category they were named with. Both a new time and a new subject are a new wish, unless
        an "and" ties it to the old one.
        """
        is_new = bool(request.when and request.has_subject and not request.text.startswith("and "))
        wish = self
        if is_new or request.drops_subject:
            wish = replace(self, words="", category="", free_only=False)
        if request.category:
            wish = replace(wish, category=request.category, words=request.words)
        elif request.words:
            wish = replace(wish, words=request.words)
        if request.when:
            start, end = request.when.start, request.when.end
            wish = replace(wish, start=start.isoformat(), end=end.isoformat())
        if request.free_only is not None:
            wish = replace(wish, free_only=request.free_only)
        return wish


def wish_after(turns: Iterable[Turn], now: datetime) -> Wish:
    """
    Fold the turns into what is being looked for.

    Times come from the searches, not from the texts: what "tomorrow" meant yesterday is known to
    the call that was made then.
    """
    wish = Wish()
    for turn in turns:
        request = understand(turn.text, now)
        if turn.lookups and request.kind is not Kind.MORE:
            wish = _after_lookups(wish, turn)
        elif request.kind is Kind.SEARCH:
            wish = wish.merged(replace(request, when=None))
    return wish


def _after_lookups(wish: Wish, turn: Turn) -> Wish:
    """Take the first call of the turn: later ones only widen it when nothing was found."""
    call = turn.lookups[0]
    if call.name == "search_events":
        return _after_search(call)
    if call.name == "refine_results" and call.listing is not None and not call.listing.cards:
        # "Any of them free?" is no condition once the answer was no.
        searches = [call for call in turn.lookups if call.name == "search_events"]
        return _after_search(searches[0]) if searches else wish
    if call.name == "refine_results":
        # A condition that is not given goes on to hold.
        return replace(
            wish, **{name: value for name, value in _usable(call.arguments).items() if value}
        )
    return wish


def _after_search(call: Call) -> Wish:
    wish = Wish(**_usable(call.arguments))
    if call.listing is None or call.listing.cards:
        return wish
    # A genre that was not on this time may be on another; other words were of no use.
    genres = (word for word in wish.words.split() if word in GENRES)
    return replace(wish, words=" ".join(genres))


def _usable(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Drop what a model may have given under another name or in another type."""
    given = {name: arguments.get(name) for name in Wish.__dataclass_fields__}
    texts = {name: value for name, value in given.items() if isinstance(value, str)}
    return texts | {"free_only": given.get("free_only") is True}
