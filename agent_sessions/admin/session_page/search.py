"""Search in the messages of one session."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import reduce
from operator import or_
from typing import NamedTuple

from django.db.models import Q, QuerySet
from django.db.models.functions import Length, Substr

from agent_sessions.admin.json_forms import json_forms
from agent_sessions.items.codec import UnreadableItemError, decode
from agent_sessions.models.message import Message
from agent_sessions.text.visible import visible
from agent_sessions.transcript import entry

MOST_HITS = 50
LONGEST_WORDS = 200  # characters: databases limit the length of a pattern
READ_LENGTH = 65_536  # characters read of each item
AROUND = 80  # characters shown before and after the words


def holding(words: str) -> Q:
    """Return the condition that a message's item contains `words`, upper or lower case."""
    return reduce(or_, (Q(message_data__icontains=form) for form in json_forms(words)))


class Hit(NamedTuple):
    """A message that contains the words, and the text around them."""

    pk: int
    label: str
    before: str
    words: str
    after: str


class Hits(NamedTuple):
    """The result of a search; `is_cut` if there may be more."""

    words: str
    found: list[Hit]
    is_cut: bool

    @property
    def shown_words(self) -> str:
        return visible(self.words)


def sought(value: str) -> str:
    """Return the words to search for, without NUL, which PostgreSQL rejects."""
    return value.strip().replace("\x00", "")[:LONGEST_WORDS]


def search(messages: QuerySet[Message], words: str) -> Hits:
    """Return the first messages whose text, tool name or call id contains the words, in one query.

    The query reads every item of the session, so its time grows with the session.
    """
    rows = (
        messages.filter(holding(words))
        .order_by("pk")
        .values_list("pk", Substr("message_data", 1, READ_LENGTH), Length("message_data"))
    )
    # Words such as "content" and "role" are keys of JSON too, so not every candidate is a hit.
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
