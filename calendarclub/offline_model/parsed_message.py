"""The meaning of one message of the user."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from functools import lru_cache

from calendarclub.offline_model import time_range
from calendarclub.offline_model.time_range import TimeRange
from calendarclub.offline_model.vocabulary import CATEGORIES, STOP_WORDS

MOST_CHARACTERS = 2_000
MOST_WORDS = 3
LONGEST_WORD = 40
ORDINALS = ("first", "second", "third", "fourth", "fifth")


class Intent(Enum):
    """The purpose of a message."""

    FIRST_QUESTION = auto()
    CURRENT_SEARCH = auto()
    SIMILAR = auto()
    DETAILS = auto()
    SEARCH = auto()
    UNCLEAR = auto()


# The first one that is found anywhere in the message decides.
INTENTS = {
    Intent.FIRST_QUESTION: re.compile(r"\bwhat did i ask first\b"),
    Intent.CURRENT_SEARCH: re.compile(r"\bwhat are we looking for\b"),
    Intent.SIMILAR: re.compile(r"\bsimilar\b|\bsomething like\b"),
    Intent.DETAILS: re.compile(r"\bmore about\b|\bdetails\b"),
}
CATEGORY_NAMES = {name: category for category, names in CATEGORIES.items() for name in names}
CATEGORY = re.compile(rf"\b(?:{'|'.join(sorted(CATEGORY_NAMES, key=len, reverse=True))})\b")
FREE = re.compile(r"(?<!i'm )\bfree\b")
EVERYTHING = re.compile(r"\b(?:all kinds|everything|what's on|(?:something|things) to do)\b")
ONLY = re.compile(r"\b(?:only|just)\b")
ORDINAL = re.compile(rf"\b(?P<word>{'|'.join(ORDINALS)})\b|\bnumber (?P<number>\d{{1,2}})\b")
WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")


@dataclass(frozen=True)
class ParsedMessage:
    """A message, understood. `number` is 1 for the first event of the last list."""

    intent: Intent
    time: TimeRange | None = None
    category: str = ""
    words: str = ""
    free_only: bool = False
    wants_everything: bool = False
    is_narrower: bool = False
    number: int | None = None

    @property
    def has_subject(self) -> bool:
        return bool(self.category or self.words or self.free_only)


# Each step of a run reads the whole conversation again.
@lru_cache(maxsize=2_000)
def parse(message: str, now: datetime) -> ParsedMessage:
    """Read a message by itself. The conversation may say more about what it means."""
    text = time_range.plain(message[:MOST_CHARACTERS])
    time, rest = time_range.find(text, now), time_range.without_time(text)
    categories = [CATEGORY_NAMES[name] for name in CATEGORY.findall(rest)]
    words, free = _words(rest), bool(FREE.search(rest))
    everything = bool(EVERYTHING.search(rest))
    is_search = bool(time or categories or words or free or everything)
    otherwise = Intent.SEARCH if is_search else Intent.UNCLEAR
    intents = (intent for intent, pattern in INTENTS.items() if pattern.search(text))
    return ParsedMessage(
        intent=next(intents, otherwise),
        time=time,
        category=next(iter(categories), ""),
        words=words,
        free_only=free,
        wants_everything=everything,
        is_narrower=bool(ONLY.search(rest)),
        number=_number(rest),
    )


def _words(text: str) -> str:
    """Return the words to search for: those that are neither a category nor a stop word."""
    for pattern in (CATEGORY, FREE, EVERYTHING, ORDINAL):
        text = pattern.sub(" ", text)
    found = [word[:LONGEST_WORD] for word in WORD.findall(text) if _is_searched(word)]
    # Many words are a sentence, and no event contains all of them.
    return " ".join(found) if len(found) <= MOST_WORDS else ""


def _is_searched(word: str) -> bool:
    return len(word) > 1 and not word.isdigit() and word not in STOP_WORDS


def _number(text: str) -> int | None:
    match = ORDINAL.search(text)
    if match is None:
        return None
    return int(match["number"]) if match["number"] else ORDINALS.index(match["word"]) + 1
