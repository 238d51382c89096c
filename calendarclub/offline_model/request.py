"""What one message of the user asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import Enum, auto
from functools import lru_cache

from calendarclub.offline_model import time_range as when
from calendarclub.offline_model.spans import Span
from calendarclub.offline_model.vocabulary import GENRES, STOP_WORDS, SYNONYMS


class Kind(Enum):
    """What a message is for; a message that fits nothing else is UNCLEAR."""

    SEARCH = auto()
    SIMILAR = auto()
    DETAILS = auto()
    PRICE = auto()
    MORE = auto()
    FIRST_QUESTION = auto()
    LAST_QUESTION = auto()
    WISH = auto()
    SHOWN = auto()
    START_OVER = auto()
    GREETING = auto()
    THANKS = auto()
    GOODBYE = auto()
    AGREEMENT = auto()
    ABOUT = auto()
    HELP = auto()
    CALENDAR = auto()
    IMPOSSIBLE = auto()
    EXCLUSION = auto()
    UNCLEAR = auto()


# Looked for in this order, anywhere in the message.
PHRASES: list[tuple[Kind, re.Pattern[str]]] = [
    (kind, re.compile(pattern))
    for kind, pattern in [
        (
            Kind.START_OVER,
            r"\bstart (?:over|again|afresh|anew)|\bnew (?:search|conversation)\b|^reset\b"
            r"|\bforget (?:it|that|everything|all)\b|^clear\b",
        ),
        (
            Kind.FIRST_QUESTION,
            r"\b(?:did|do) i (?:first )?(?:ask|say|want|look)\b.*\bfirst\b|"
            r"\bi (?:first )?ask(?:ed)? first\b|\bmy first (?:question|message|request)\b"
            r"|\bdid i (?:first|begin|start)",
        ),
        (
            Kind.LAST_QUESTION,
            r"\bwhat (?:did|was) i (?:just )?(?:ask|say|want)|\bmy (?:last|previous) (?:question|"
            r"message|request)\b",
        ),
        (
            Kind.WISH,
            r"\bwhat (?:are|were) (?:we|you) (?:looking|searching)|\bwhat am i looking|"
            r"\bwhere were we\b|\bsum(?:marise|marize| up)\b|\bwhat do you (?:know|remember)",
        ),
        (
            Kind.SHOWN,
            r"\bwhat did you (?:find|show|suggest)|\bshow (?:me )?(?:them|it|the list|those) again"
            r"|\b(?:repeat|again) (?:the|that) list\b",
        ),
        (
            Kind.HELP,
            r"^help\b|\bcan you (?:help me|help)\??$|\bwhat can (?:you do|i (?:ask|say|do))"
            r"|\bhow (?:does|do) (?:this|you|it) work",
        ),
        (
            Kind.ABOUT,
            r"\b(?:who|what) are you\b|\bare you (?:a |an )?(?:bot|robot|human|person|ai|real|"
            r"offline|online|chatgpt|machine)\b|\byour name\b|\bhow are you\b",
        ),
        (
            Kind.IMPOSSIBLE,
            r"\b(?:book|buy|reserve|order|get)\b.*\b(?:tickets?|seats?|a table)\b"
            r"|\b(?:book|buy|reserve|order) (?:me |us )?(?:it|one|that|the"
            r" (?:first|second|third|last))\b"
            r"|\bweather\b|\bforecast\b|\btell (?:me )?(?:us )?a (?:joke|story)|\bjoke\b|\bpoem\b"
            r"|\btranslate\b|\be-?mail\b|\bremind me\b|\bdirections\b|\broute\b|\bhotel|\bflight"
            r"|\b(?:ignore|disregard|reveal|print)\b.*\b(?:instructions?|prompt|rules)\b",
        ),
        (
            Kind.CALENDAR,
            r"\b(?:my|google|apple|outlook) calendar\b|\bics\b|\b(?:export|download)\b",
        ),
        (
            Kind.SIMILAR,
            r"\bsimilar\b|\b(?:something|anything|more|others?|events?|ones?) (?:just )?like\b"
            r"|^like (?:the|that|this|number|no\b)|\bsame (?:kind|sort|style) (?:as|of)\b",
        ),
        (
            Kind.DETAILS,
            r"\btell me\b.*\babout\b|\bmore (?:about|info|information|details?|on)\b|\bdetails?\b"
            r"|^(?:and )?(?:when|where|what time|how much|how long|how expensive)\b"
            r"|\bwhat does\b.*\bcost|\b(?:link|website|url|address|price) (?:of|for|to)\b"
            r"|^what(?:'s| is) (?:the |that |number |no\b)",
        ),
    ]
]
THANKING = re.compile(r"\b(?:thank(?:s| you)|thx)\b")
MORE = re.compile(r"\bmore\b|\belse\b|\bnext page\b|\bothers\b")
# Looked for only when nothing else is left of the message.
COURTESIES: list[tuple[Kind, re.Pattern[str]]] = [
    (Kind.THANKS, re.compile(r"\b(?:great|perfect|cheers|lovely|awesome|nice)\b")),
    (Kind.GOODBYE, re.compile(r"\bbye\b|\bgoodbye\b|\bsee you\b|\bgood ?night\b")),
    (
        Kind.GREETING,
        re.compile(r"\b(?:hi|hello|hallo|hey|greetings|good (?:morning|afternoon|evening|day))\b"),
    ),
    (Kind.AGREEMENT, re.compile(r"^(?:yes|yeah|yep|sure|ok|okay|no|nope|fine|alright)\b")),
    (Kind.MORE, MORE),
]
FREE = re.compile(
    r"\b(?:free|gratis|no cost|without paying|costs? nothing)\b(?! (?:time|on|day|to)\b)"
)
NOT_FREE = re.compile(r"(?:\bnot|n't)\b.{0,20}\bfree\b|\b(?:paid|any price|all prices)\b")
AVAILABLE = re.compile(r"\b(?:i'm|im|i am|we are|we're|are you) free\b")
EVERYTHING = re.compile(
    r"\b(?:everything|all (?:kinds?|events|categories|types)|any (?:kind|category|type)|whatever"
    r"|no matter what|surprise me|what(?:'s| is) (?:on|happening|going on)|(?:how many|any) events"
    r"|what is there to do|what can (?:i|we) do|something to do"
    r"|events (?:are|this|next|on|in|for|today|tomorrow|tonight))\b"
)
ASKING = re.compile(r"\b(?:events?|activit(?:y|ies)|something|anything|to do|bored)\b")
NARROWS = re.compile(
    r"\b(?:only|just|filter|narrow|(?:of|from|among) (?:those|these|them)|which (?:of|ones?))\b"
)
CHEAP = re.compile(r"\b(?:cheap(?:er|est)?|less expensive|affordable|low budget)\b")
LIMIT = re.compile(
    r"\b(?:under|below|less than|cheaper than|at most|max(?:imum)?|up to|no more than)"
    r" ?(?:€|eur(?:os?)?)? ?(?P<amount>\d{1,4}(?:[.,]\d\d?)?)(?![\d.:])"
    r"(?! ?(?:people|persons|of us|days|pm\b|am\b))"
)
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth",
            "tenth", "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth")  # fmt: skip
ORDINAL = re.compile(
    rf"\b(?:the )?(?P<word>{'|'.join(ORDINALS)}|last)\b(?! (?:week|weekend|month|year|time))"
    r"|\b(?:the )?(?P<ordinal>\d{1,2})(?:st|nd|rd|th)\b"
    r"|(?:\b(?:number|no\.?|nr\.?|event|the) ?|#)(?P<number>\d{1,2})\b(?!:)"
    r"|^(?P<alone>\d{1,2})[.!?]?$"
)
NAMED = {name: (category, False) for category, names in SYNONYMS.items() for name in names} | {
    name: (category, True) for name, category in GENRES.items()
}
NAMES = re.compile(rf"\b(?:{'|'.join(sorted(NAMED, key=len, reverse=True))})\b")
# "no jazz", "without kids", "any day but monday": what should not be.
EXCLUDES = re.compile(
    r"\b(?:not|no|nor|without|except(?: for)?|but(?: not)?|other than|avoid)"
    r" (?:any |the |a |on |in |for |to )*"
    rf"(?:{NAMES.pattern}|(?:mon|tues|wednes|thurs|fri|satur|sun)day|to(?:day|night|morrow)"
    r"|(?:this |next )?week(?:end)?)\b"
)
WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
MOST_WORDS = 3
LONGEST_WORD = 40


@dataclass(frozen=True)
class Request:
    """One message, understood; `place` is 1 for the first event of a list, -1 for the last."""

    text: str
    kind: Kind
    when: Span | None = None
    is_impossible_date: bool = False
    category: str = ""
    words: str = ""
    free_only: bool | None = None
    drops_subject: bool = False
    narrows: bool = False
    place: int | None = None
    is_cheap: bool = False
    limit: Decimal | None = None

    @property
    def has_subject(self) -> bool:
        return bool(self.category or self.words)

    @property
    def cares_for_price(self) -> bool:
        return self.is_cheap or self.limit is not None


# Each step of a run reads the whole conversation again, and a long one takes its time.
@lru_cache(maxsize=2_000)
def understand(message: str, now: datetime) -> Request:
    """Read the message by itself; what it leaves open is for the conversation to say."""
    text = when.plain(message)
    if EXCLUDES.search(text):
        return Request(text=text, kind=Kind.EXCLUSION)
    time = when.find(message, now)
    rest = when.without_times(message)
    kind = next((kind for kind, pattern in PHRASES if pattern.search(text)), None)
    category, words = _subject(rest)
    limit = LIMIT.search(rest)
    request = Request(
        text=text,
        kind=kind or Kind.UNCLEAR,
        when=time,
        is_impossible_date=when.names_impossible_date(message, now),
        category=category,
        words=words,
        free_only=_free_only(rest),
        drops_subject=bool(EVERYTHING.search(rest)),
        narrows=bool(NARROWS.search(rest)),
        place=_place(rest),
        is_cheap=bool(CHEAP.search(rest)),
        limit=Decimal(limit["amount"].replace(",", ".")) if limit else None,
    )
    if kind is Kind.HELP and (time or category):
        kind = None  # "what can I do with the kids on sunday?" is no call for help
    return replace(request, kind=kind or _kind_by_content(request))


def _kind_by_content(request: Request) -> Kind:
    named = request.when or request.is_impossible_date
    if not named and not re.search(r"[a-z0-9]", request.text):
        return Kind.UNCLEAR
    if THANKING.search(request.text) and not named and not request.category:
        return Kind.THANKS
    if request.place and not named:
        return Kind.DETAILS
    if named or request.has_subject or request.free_only is not None or request.drops_subject:
        return Kind.SEARCH
    if request.cares_for_price:
        return Kind.PRICE
    if ASKING.search(request.text) and not MORE.search(request.text):
        return Kind.SEARCH
    found = (kind for kind, pattern in COURTESIES if pattern.search(request.text))
    return next(found, Kind.UNCLEAR)


def _subject(text: str) -> tuple[str, str]:
    """Read the category and the words to search for, neither of which need be there."""
    category, genres, end = "", [], -1
    for match in NAMES.finditer(text):
        named, is_genre = NAMED[match[0]]
        category = category or named
        # "jazz brunch" is one subject; of "jazz or ballet" only the first can be searched for.
        if is_genre and (named == category or match.start() == end + 1):
            genres.append(match[0])
        end = match.end()
    for pattern in (LIMIT, EVERYTHING, FREE, NAMES):
        text = pattern.sub(" ", text)
    others = [word[:LONGEST_WORD] for word in WORD.findall(text) if _says_something(word)]
    # Many words are a sentence, and no event has all of them.
    words = genres + (others if len(others) <= MOST_WORDS else [])
    return category, " ".join(dict.fromkeys(words))


def _says_something(word: str) -> bool:
    return len(word) > 1 and not word.isdigit() and word not in STOP_WORDS and word not in ORDINALS


def _place(text: str) -> int | None:
    match = ORDINAL.search(text)
    if match is None:
        return None
    if match["word"]:
        return -1 if match["word"] == "last" else ORDINALS.index(match["word"]) + 1
    return int(match["ordinal"] or match["number"] or match["alone"])


def _free_only(text: str) -> bool | None:
    if NOT_FREE.search(text):
        return False
    return True if FREE.search(AVAILABLE.sub(" ", text)) else None
