"""Sessions found by what their messages say, which is JSON in the database."""

from __future__ import annotations

import re
from functools import reduce
from operator import and_, or_
from typing import Any

from django.db.models import F, OuterRef, Q, Subquery, TextField, Value
from django.db.models.functions import Replace
from django.db.models.lookups import IContains, IsNull

from agent_sessions.admin.session_page.search import written
from agent_sessions.models.message import Message

# What stands in most items and nobody said. A string in JSON has its quotes escaped, so that these
# are never within one.
_ROLES = ("user", "assistant", "system", "developer")
_KINDS = ("message", "input_text", "output_text", "reasoning", "summary_text")
_KEYS = ("annotations", "arguments", "content", "id", "logprobs", "name", "output", "text")
_FORM = [
    f"{left}:{space}{right}"
    for space in ("", " ")  # ours, and what the SDK writes
    for left, right in (
        *(('"role"', f'"{role}"') for role in _ROLES),
        *(('"type"', f'"{kind}"') for kind in _KINDS),
        *((f'"{key}"', "") for key in (*_KEYS, "role", "status", "summary", "type")),
    )
]


MOST_WORDS = 10
MOST_LENGTH = 200
"""Of the words, in characters: each word is one more look at every message."""


def bounded(words: str) -> str:
    """Return the words, or the first of them, if they are more than a search looks for."""
    kept = words[:MOST_LENGTH]
    return kept if len(kept.split()) <= MOST_WORDS else " ".join(kept.split()[:MOST_WORDS])


def saying(words: str) -> IsNull:
    """Return a condition of sessions: one of their messages has each of the words in its item.

    Upper and lower case of plain letters are alike. Ids and names of tools are found as well.
    """
    has_all = reduce(and_, map(_has, bounded(words).split()), Q())
    such = Message.objects.filter(has_all, session=OuterRef("pk")).order_by()
    # Not Exists: PostgreSQL would join it, and so search every message of the database.
    return IsNull(Subquery(such.values("pk")[:1]), False)


def _has(word: str) -> Q:
    text = _without_form(word)
    return reduce(or_, (Q(IContains(text, form)) for form in written(word)))


def _without_form(word: str) -> Any:
    """Return the item less what would have the whole word in it though nobody said it."""
    text: Any = F("message_data")
    for piece in _FORM:
        if word.lower() in re.findall("[a-z]+", piece):
            text = Replace(text, Value(piece), Value(""), output_field=TextField())
    return text
