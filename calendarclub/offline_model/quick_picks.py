"""The suggestions that the offline model makes for the user's next message."""

from __future__ import annotations

from collections import Counter

from calendarclub.offline_model.conversation import EventList
from calendarclub.offline_model.situation import Situation

TIMES = ("Today", "This weekend", "Next week", "In the next 30 days")
MOST_PICKS = 4


def picks_after(situation: Situation, shown: EventList | None) -> tuple[str, ...]:
    """Return suggestions for a message that follows the list."""
    if shown is None:
        return TIMES
    if not shown.events:
        return ("And next weekend?", "In the next 30 days", "All kinds of events")
    prices = {event.get("price") for event in shown.events}
    categories = Counter(event["category"] for event in shown.events if event.get("category"))
    picks = []
    if "free" in prices and len(prices) > 1:
        picks.append("Only free ones")
    if len(categories) > 1:
        picks.append(f"Only {categories.most_common(1)[0][0]}")
    picks += ["Something like the first", "And next weekend?"]
    if situation.search.has_subject:
        picks.append("All kinds of events")
    return tuple(picks[:MOST_PICKS])
