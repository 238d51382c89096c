"""Sessions found by what their messages say, which is JSON in the database."""

from __future__ import annotations

import json
from functools import reduce
from operator import and_, or_

from django.db.models import Exists, OuterRef, Q

from agent_sessions.messages import Message


def saying(words: str) -> Exists:
    """Return a condition of sessions: one of their messages has each of the words in its item.

    Upper and lower case of plain letters are alike.
    """
    has_all = reduce(and_, map(_has, words.split()), Q())
    return Exists(Message.objects.filter(has_all, session=OuterRef("pk")))


def _has(word: str) -> Q:
    # Ours is JSON with text as it is; the SDK, and ours with half characters, escapes the rest.
    written = {json.dumps(word, ensure_ascii=is_escaped)[1:-1] for is_escaped in (False, True)}
    return reduce(or_, (Q(message_data__icontains=form) for form in sorted(written)))
