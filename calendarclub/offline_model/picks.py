"""What the offline model offers the user to say next."""

from __future__ import annotations

from collections import Counter

from calendarclub.offline_model import time_range as when
from calendarclub.offline_model.conversation import Listing
from calendarclub.offline_model.situation import Situation

WHEN = "When are you free?"
TIMES = ("Today", "This weekend", "Next week", "In the next 30 days")
MOST_PICKS = 4


def picks_in_general(situation: Situation) -> tuple[tuple[str, ...], str]:
    if situation.shown is None:
        return TIMES, WHEN
    return picks_after(situation, situation.shown)


def picks_after(situation: Situation, listing: Listing) -> tuple[tuple[str, ...], str]:
    """Offer what can follow a list."""
    prices = {card.get("price") for card in listing.cards}
    here = Counter(card.get("category") for card in listing.cards if card.get("category"))
    picks = []
    if "free" in prices and len(prices) > 1:
        picks.append("Only free ones")
    if len(here) > 1:
        picks.append(f"Only {here.most_common(1)[0][0]}")
    picks += ["Something like the first", _another_time(situation)]
    others = sorted(situation.categories - set(here))
    if others:
        # Another one after each turn, so that all of them are offered in time.
        picks.append(f"What about {others[len(situation.earlier) % len(others)]}?")
    elif situation.wish.has_subject:
        picks.append("All kinds of events")
    return tuple(picks[:MOST_PICKS]), "Narrow it, or ask about one of them"


def _another_time(situation: Situation) -> str:
    following = when.find("next weekend", situation.now)
    if following and situation.wish.start == following.start.isoformat():
        return "And this weekend?"
    return "And next weekend?"


def picks_after_nothing(situation: Situation) -> tuple[str, ...]:
    picks = [_another_time(situation), "In the next 30 days"]
    if situation.wish.has_subject:
        picks.append("All kinds of events")
    return (*picks, "Start over")
