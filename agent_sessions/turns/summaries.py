"""Summaries of sessions, in a constant number of statements: a row of a list, a page's header."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Substr

from agent_sessions.items.columns import columns
from agent_sessions.items.kinds import is_user_message
from agent_sessions.items.truncated import completed
from agent_sessions.models import Session
from agent_sessions.models.message import FAILED, FROM_A_USER, WITHOUT_COLUMNS, Message
from agent_sessions.models.usage import Usage
from agent_sessions.transcript import text_of
from agent_sessions.usage.totals import UsageTotal

# Characters of an item that are fetched for its first words: it may contain a large image.
BEGINNING_LENGTH = 4_000
WORDS_LENGTH = 100


class Summary(NamedTuple):
    """The facts about a session that its columns tell.

    `turns` is None if the SDK wrote some of the messages, whose authors only the items tell.
    `agents` are sorted by name. `first_words` are those of the first user message, in one line.
    `failed_tools` counts the results of tools that are known to be failures.
    """

    messages: int = 0
    turns: int | None = 0
    agents: tuple[str, ...] = ()
    usage: UsageTotal = UsageTotal()
    first_words: str = ""
    failed_tools: int = 0


def title_of(session: Session, summary: Summary) -> str:
    """Return the title of a session, or else its first words, or else its id."""
    return session.title.strip() or summary.first_words or session.pk


class _Counts(NamedTuple):
    """The messages of a session: all, those of users, and those without columns."""

    messages: int = 0
    from_users: int = 0
    without_columns: int = 0

    @property
    def turns(self) -> int | None:
        return None if self.without_columns else self.from_users


def summaries(
    session_ids: Iterable[str], *, using: str | None = None, with_text: bool
) -> dict[str, Summary]:
    """Return the summary of each session, even if it does not exist.

    Four statements, and one more `with_text`; without it no content is read.
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
            # The index agent_messages_shape has all columns, so no item is read.
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
    """Count the failures, which have an index."""
    failed = Message.objects.using(using).filter(FAILED, session__in=ids).order_by()
    return dict(failed.values_list("session_id").annotate(failed=Count("pk")))


def _usage(ids: list[str], using: str | None) -> dict[str, UsageTotal]:
    usage = Usage.objects.using(using).filter(session__in=ids)
    # Grouping one session, the database would sort its rows by a value that all share.
    return {ids[0]: usage.total()} if len(ids) == 1 else usage.by("session")


def _first_words(ids: list[str], using: str | None) -> dict[str, str]:
    """Return the words of the first user message, which the SDK may have written."""
    sessions = Session.objects.using(using).filter(pk__in=ids).order_by()
    first = _beginning(FROM_A_USER | WITHOUT_COLUMNS)
    rows = sessions.values_list("pk", first, _beginning(FROM_A_USER))
    return {
        session_id: next(filter(None, map(_words, filter(None, beginnings))), "")
        for session_id, *beginnings in rows
    }


def _beginning(which: Q) -> Subquery:
    """Return the beginning of the first of such messages."""
    messages = Message.objects.filter(which, session=OuterRef("pk")).order_by("pk")
    return Subquery(messages.values_list(Substr("message_data", 1, BEGINNING_LENGTH))[:1])


def _words(beginning: str) -> str:
    """Return the beginning of the text of a user message; "" for any other item."""
    item = completed(beginning)
    if not is_user_message(columns(item)):
        return ""
    words = " ".join(text_of(item).split())
    return words if len(words) <= WORDS_LENGTH else f"{words[: WORDS_LENGTH - 1].rstrip()}…"
