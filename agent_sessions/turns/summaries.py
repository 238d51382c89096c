"""What a few sessions are, in numbers and a few words: a row of a list, the head of a page.

However many sessions and messages there are, the database is asked as often.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Substr

from agent_sessions.items.columns import columns
from agent_sessions.items.kinds import is_user_message
from agent_sessions.items.truncated import begun
from agent_sessions.models import Session
from agent_sessions.models.message import FAILED, FROM_A_USER, WITHOUT_COLUMNS, Message
from agent_sessions.models.usage import Usage
from agent_sessions.transcript import text_of
from agent_sessions.usage.totals import UsageTotal

# How much of an item is fetched for its first words: a message may hold megabytes of a picture.
HEAD_LENGTH = 4_000
WORDS_LENGTH = 100


class Summary(NamedTuple):
    """What is known of a session without reading it.

    `turns` is None where the SDK wrote messages of which only their items tell whose they are.
    `agents` are sorted by name. `first_words` are those of the first user message, in one line.
    `failed_tools` is how many results of tools are known to be failures.
    """

    messages: int = 0
    turns: int | None = 0
    agents: tuple[str, ...] = ()
    usage: UsageTotal = UsageTotal()
    first_words: str = ""
    failed_tools: int = 0


def title_of(session: Session, summary: Summary) -> str:
    """Return what a session is called: its title, or its user's first words, or else its id."""
    return session.title.strip() or summary.first_words or session.pk


class _Counts(NamedTuple):
    """How many messages a session has, how many of users, and how many that the SDK wrote."""

    messages: int = 0
    from_users: int = 0
    without_columns: int = 0

    @property
    def turns(self) -> int | None:
        return None if self.without_columns else self.from_users


def summaries(
    session_ids: Iterable[str], *, using: str | None = None, with_text: bool
) -> dict[str, Summary]:
    """Return the summary of each session, also of one that is not there.

    Four statements, and one more `with_text`; without it nothing that anybody said is read.
    """
    ids = list(session_ids)
    counts, agents, usage = _counts(ids, using), _agents(ids, using), _usage(ids, using)
    failed = _failed_tools(ids, using)
    words = _first_words(ids, using) if with_text else {}
    return {
        session_id: Summary(
            messages=counts[session_id].messages,
            turns=counts[session_id].turns,
            agents=agents[session_id],
            usage=usage.get(session_id, UsageTotal()),
            first_words=words.get(session_id, ""),
            failed_tools=failed.get(session_id, 0),
        )
        for session_id in ids
    }


def _counts(ids: list[str], using: str | None) -> dict[str, _Counts]:
    rows = (
        Message.objects.using(using)
        .filter(session__in=ids)
        .order_by()
        .values_list("session_id")
        .annotate(
            # Of what the index agent_messages_shape holds, so that no item is read.
            messages=Count("pk"),
            from_users=Count("pk", filter=FROM_A_USER),
            without_columns=Count("pk", filter=WITHOUT_COLUMNS),
        )
    )
    nothing = dict.fromkeys(ids, _Counts())
    return nothing | {session_id: _Counts(*numbers) for session_id, *numbers in rows}


def _agents(ids: list[str], using: str | None) -> dict[str, tuple[str, ...]]:
    rows = (
        Message.objects.using(using)
        .filter(session__in=ids)
        .exclude(agent_name="")
        .order_by()
        .values_list("session_id", "agent_name")
        .distinct()
    )
    names: defaultdict[str, list[str]] = defaultdict(list)
    for session_id, name in rows:
        names[session_id].append(name)
    return {session_id: tuple(sorted(names[session_id])) for session_id in ids}


def _failed_tools(ids: list[str], using: str | None) -> dict[str, int]:
    """Count the failures. They have an index of their own."""
    failed = Message.objects.using(using).filter(FAILED, session__in=ids).order_by()
    return dict(failed.values_list("session_id").annotate(failed=Count("pk")))


def _usage(ids: list[str], using: str | None) -> dict[str, UsageTotal]:
    usage = Usage.objects.using(using).filter(session__in=ids)
    # Of one session the database would sort every row by what is the same in all.
    return {ids[0]: usage.total()} if len(ids) == 1 else usage.by("session")


def _first_words(ids: list[str], using: str | None) -> dict[str, str]:
    """Return the words of the first user message; a message of the SDK's may be one."""
    sessions = Session.objects.using(using).filter(pk__in=ids).order_by()
    first = _head(FROM_A_USER | WITHOUT_COLUMNS)
    rows = sessions.values_list("pk", first, _head(FROM_A_USER))
    return {
        session_id: next(filter(None, map(_words, filter(None, heads))), "")
        for session_id, *heads in rows
    }


def _head(which: Q) -> Subquery:
    """Return how the item of the first of such messages of a session begins."""
    messages = Message.objects.filter(which, session=OuterRef("pk")).order_by("pk")
    return Subquery(messages.values_list(Substr("message_data", 1, HEAD_LENGTH))[:1])


def _words(head: str) -> str:
    """Return how the text of a user message begins; nothing of anything else."""
    item = begun(head)
    if not is_user_message(columns(item)):
        return ""
    words = " ".join(text_of(item).split())
    return words if len(words) <= WORDS_LENGTH else f"{words[: WORDS_LENGTH - 1].rstrip()}…"
