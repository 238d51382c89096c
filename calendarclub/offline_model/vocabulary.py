"""The words that the offline model knows."""

from __future__ import annotations

import re

# What people call the events of a category. A word that says more than the category, such as
# "jazz", is in GENRES and is searched for as well.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "music": (
        "music", "musical performance", "live music", "concert", "concerts", "gig", "gigs", "band",
        "bands", "recital",
    ),
    "comedy": ("comedy", "comedies", "comedian", "comedians", "funny", "laugh"),
    "theatre": ("theatre", "theater", "theatres", "plays", "a play", "drama", "stage"),
    "film": ("film", "films", "movie", "movies", "cinema", "screening", "screenings"),
    "art": (
        "art", "arts", "exhibition", "exhibitions", "exhibit", "gallery", "galleries", "museum",
        "museums",
    ),
    "dance": ("dance", "dances", "dancing"),
    "food": ("food", "food and drink", "eating", "dinner", "dinners", "tasting", "tastings"),
    "market": ("market", "markets", "flea market", "bazaar"),
    "family": ("family", "families", "kids", "kid", "children", "child"),
    "sports": ("sport", "sports", "sporty"),
    "workshop": ("workshop", "workshops", "course", "courses", "lesson", "lessons"),
    "literature": ("literature", "literary", "books"),
    "talk": ("talk", "talks", "lecture", "lectures", "debate", "debates"),
    "festival": ("festival", "festivals"),
    "party": ("party", "parties", "nightlife", "clubbing", "club night"),
    "tech": ("tech", "technology"),
    "outdoors": ("outdoors", "outdoor", "nature", "hiking"),
}  # fmt: skip

GENRES: dict[str, str] = {
    **dict.fromkeys(
        ("jazz", "rock", "pop", "blues", "folk", "techno", "punk", "metal", "classical", "choir",
         "orchestra", "opera", "hip-hop", "hiphop", "salsa", "reggae", "indie", "piano", "organ"),
        "music",
    ),
    **dict.fromkeys(("hackathon", "programming", "python"), "tech"),
    **dict.fromkeys(("stand-up", "standup", "improv", "cabaret"), "comedy"),
    **dict.fromkeys(("musical", "musicals", "shakespeare"), "theatre"),
    **dict.fromkeys(("documentary", "documentaries"), "film"),
    **dict.fromkeys(("photography", "sculpture", "painting"), "art"),
    **dict.fromkeys(("ballet", "tango", "swing"), "dance"),
    **dict.fromkeys(("poetry", "author", "authors", "novel"), "literature"),
    **dict.fromkeys(("wine", "beer", "brunch"), "food"),
    **dict.fromkeys(("football", "marathon", "yoga"), "sports"),
}  # fmt: skip

# Words that say nothing about which events are meant.
STOP_WORDS = frozenset(
    re.findall(
        r"\S+",
        """
    a about after again all also am an and any anybody anyone anything are around as ask at
    available be been before between bit both but by can check club could day days did do does
    doing don't else event events exactly favourite favorite few find for free from fun get give
    go going good got great had happen happening happenings happens has have he hello her hey hi
    him his hour hours how i i'd i'll i'm i've idea ideas if in interested interesting is isn't it
    it's its just kind kinds know let let's lets like list listen local look looking lot lovely
    love make many may maybe me might mind more month months most much must my near nearby need
    next nice no nothing now of off ok okay on one ones only open or other others our out over
    perhaps place places planned please possible prefer really recommend recommendations right
    same say search see shall she should show shows some somebody someone something somewhere
    still stuff suggest suggestion suggestions take tell than thanks that that's the their them
    then there there's these they thing things think this those time to today together tomorrow
    too town tonight try until up upcoming us very visit want wanna was watch way we we'd we'll
    we're week weekend weeks well were what what's whats whatever when where which who why will
    with within without wonder wondering would yes yet you your cool awesome amazing city area
    filter narrow category type sort any-thing experience attend plan plans night evening morning
    afternoon year years euro euros eur cheap cheaper cheapest under below less price priced cost
    costs number special exciting happened entertain entertainment
    thank thx cheers perfect bye goodbye greetings yeah yep sure nope fine alright sorry lol haha
    wow page help hallo paid remaining similar hear enjoy join meet spend bring eat drink
    listening watching seeing friend friends girlfriend boyfriend wife husband partner date
    evenings nights so lots instead start starts starting begin begins ticket tickets not entry
    entrance admission surprise bored activity activities
    """,
    )
)
