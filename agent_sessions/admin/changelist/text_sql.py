"""Sessions found by words in their messages, which are JSON in the database."""

from __future__ import annotations

import re
from functools import reduce
from operator import and_, or_
from typing import Any

from django.db.models import F, OuterRef, Q, Subquery, TextField, Value
from django.db.models.functions import Replace
from django.db.models.lookups import IContains, IsNull

from agent_sessions.admin.json_forms import json_forms
from agent_sessions.models.message import Message

# Words that most items contain as JSON keys or constants, though nobody wrote them. A search for
# "user" would find every session by `"role": "user"`. Quotes inside a JSON string are escaped, so
# these pieces are never part of a message's text.
_ROLES = ("user", "assistant", "system", "developer")
_KINDS = ("message", "input_text", "output_text", "reasoning", "summary_text")
_KEYS = ("annotations", "arguments", "content", "id", "logprobs", "name", "output", "text")
_BOILERPLATE = [
    f"{left}:{space}{right}"
    for space in ("", " ")  # as DjangoSession writes JSON, and as the SDK's own sessions do
    for left, right in (
        *(('"role"', f'"{role}"') for role in _ROLES),
        *(('"type"', f'"{kind}"') for kind in _KINDS),
        *((f'"{key}"', "") for key in (*_KEYS, "role", "status", "summary", "type")),
    )
]

MOST_WORDS = 10
MOST_LENGTH = 200
"""The limits of a search, in words and in characters: each word searches every message again."""


def bounded(words: str) -> str:
    """Return the words that a search looks for: all, or the first of too many."""
    kept = words[:MOST_LENGTH]
    return kept if len(kept.split()) <= MOST_WORDS else " ".join(kept.split()[:MOST_WORDS])


def saying(words: str) -> IsNull:
    """Return the condition of sessions with a message that contains all of the words.

    It ignores the case of ASCII letters, and searches ids and names of tools too.
    """
    has_all = reduce(and_, map(_has, bounded(words).split()), Q())
    found = Message.objects.filter(has_all, session=OuterRef("pk")).order_by()
    # Not Exists: PostgreSQL may turn that into a semijoin, and then searches every message of the
    # database. See https://github.com/postgres/postgres/blob/master/src/backend/optimizer/README
    return IsNull(Subquery(found.values("pk")[:1]), False)


def _has(word: str) -> Q:
    text = _without_boilerplate(word)
    return reduce(or_, (Q(IContains(text, form)) for form in json_forms(word)))


def _without_boilerplate(word: str) -> Any:
    """Return the item's JSON without the boilerplate that contains the whole word."""
    text: Any = F("message_data")
    for piece in _BOILERPLATE:
        if word.lower() in re.findall("[a-z]+", piece):
            text = Replace(text, Value(piece), Value(""), output_field=TextField())
    return text
