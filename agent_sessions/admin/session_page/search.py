"""Words sought in what messages say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import reduce
from operator import or_
from typing import NamedTuple

from django.db.models import Q, QuerySet
from django.db.models.functions import Length, Substr

from agent_sessions.items.codec import UnreadableItemError, decode
from agent_sessions.models.message import Message
from agent_sessions.text.visible import visible
from agent_sessions.transcript import entry

MOST_HITS = 50
# Words of whole paragraphs are no search, and databases limit how long a pattern may be.
MOST_WORDS = 200
READ_LENGTH = 65_536
AROUND = 80


def written(words: str) -> list[str]:
    """Return how words stand in the JSON of items: one way, or two.

    JSON writes quotes, line ends and the like in another way than people do, and some sessions of
    the SDK, and ours with half characters, write every letter beyond ASCII as its code.
    """
    return sorted(
        {json.dumps(words, ensure_ascii=is_escaped)[1:-1] for is_escaped in (False, True)}
    )


def holding(words: str) -> Q:
    """Return the condition of messages that their items hold `words`, upper or lower case."""
    return reduce(or_, (Q(message_data__icontains=form) for form in written(words)))


class Hit(NamedTuple):
    """A message that holds the words, and the words with what stands around them."""

    pk: int
    label: str
    before: str
    words: str
    after: str


class Hits(NamedTuple):
    """What a search has found; `is_cut` if there may be more."""

    words: str
    found: list[Hit]
    is_cut: bool

    @property
    def shown_words(self) -> str:
        return visible(self.words)


def sought(value: str) -> str:
    """Return the words that somebody looks for, without what no database takes."""
    return value.strip().replace("\x00", "")[:MOST_WORDS]


def search(messages: QuerySet[Message], words: str) -> Hits:
    """Return the first messages whose text, or whose tool, holds the words, in one statement.

    It reads every item of the session, so that it takes the longer the more there is.
    """
    rows = (
        messages.filter(holding(words))
        .order_by("pk")
        .values_list("pk", Substr("message_data", 1, READ_LENGTH), Length("message_data"))
    )
    # The keys of JSON hold words as well: "content", "role". So some are found in vain.
    candidates = list(rows[: 4 * MOST_HITS + 1])
    found = list(_hits(candidates[: 4 * MOST_HITS], words))
    is_cut = len(found) > MOST_HITS or len(candidates) > 4 * MOST_HITS
    return Hits(words, found[:MOST_HITS], is_cut)


def _hits(rows: list[tuple[int, str, int]], words: str) -> Iterator[Hit]:
    pattern = re.compile(re.escape(words), re.IGNORECASE)
    for pk, head, size in rows:
        label, text = _read(head)
        if match := pattern.search(text):
            yield _hit(pk, label, text, match.start(), match.end())
        elif size > READ_LENGTH:
            yield Hit(pk, label, text[:AROUND], "", "")


def _read(head: str) -> tuple[str, str]:
    try:
        found = entry(decode(head))
    except UnreadableItemError:
        return "", head
    return found.label, f"{found.text}\n{found.tool_name} {found.call_id}"


def _hit(pk: int, label: str, text: str, start: int, end: int) -> Hit:
    before, after = text[max(0, start - AROUND) : start], text[end : end + AROUND]
    return Hit(
        pk,
        visible(label),
        visible(f"{'…' if start > AROUND else ''}{before}"),
        visible(text[start:end]),
        visible(f"{after}{'…' if len(text) > end + AROUND else ''}"),
    )
