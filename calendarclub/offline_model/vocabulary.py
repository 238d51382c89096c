"""The words that the offline model knows."""

from __future__ import annotations

# The names of each category in a message.
CATEGORIES: dict[str, tuple[str, ...]] = {
    "music": ("live music", "music", "concert", "concerts", "gig", "gigs", "band", "bands"),
    "comedy": ("comedy", "stand-up"),
    "theatre": ("theatre", "theater", "play", "plays"),
    "film": ("film", "films", "movie", "movies", "cinema"),
    "art": ("art", "exhibition", "exhibitions", "museum", "museums"),
    "food": ("food", "dinner", "tasting"),
    "market": ("market", "markets"),
    "family": ("family", "children", "kids"),
    "sports": ("sports", "sport"),
    "outdoors": ("outdoors", "walk", "walks"),
    "tech": ("tech", "technology"),
}

# Words that say nothing about which events are meant.
STOP_WORDS = frozenset(
    """
    a about after again all also am an and any anybody anyone anything are around as ask at be
    been before but by can check could day days did do does doing don't else event events find
    first for free friend friends from fun get give go going good great had happen happening has
    have hear hello help her hey hi him his how i i'd i'll i'm i've idea ideas if in interested
    is it it's its just kind kinds know last let let's like list local look looking love make
    many may maybe me might mind month more most much must my near nearby need next nice no not
    nothing now of off ok okay on one ones only open or other others our out over perhaps place
    planned please possible really right same say search see shall she should show so some
    somebody someone something somewhere still stuff suggest take tell than thank thanks that
    that's the their them then there there's these they thing things think this those time to
    together too town until up us very visit want was watch way we we'd we'll we're week weeks
    well were what what's when where which who why will with would yes you your
    """.split()  # noqa: SIM905  # a list would take 180 lines
)
