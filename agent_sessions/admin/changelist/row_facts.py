"""Facts that the rows of the list show beside the fields of their sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from agent_sessions.admin.base import without_content
from agent_sessions.admin.owners import user_url
from agent_sessions.turns.session_state import SessionState, states
from agent_sessions.turns.summaries import Summary, summaries

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

    from agent_sessions.admin.base import SessionAdminBase
    from agent_sessions.models import Session


class RowFacts(NamedTuple):
    """The facts about one session. `owner_url` is "" if the owner has no page to link to."""

    summary: Summary
    state: SessionState
    owner_url: str = ""


def facts_of(session: Session) -> RowFacts:
    """Return what attach_facts() has found out about a session."""
    facts: RowFacts = vars(session)["row_facts"]
    return facts


def attach_facts(
    model_admin: SessionAdminBase, request: HttpRequest, sessions: QuerySet[Session]
) -> list[Session]:
    """Attach its facts to each session of a page, and return those that the request may read.

    The others lose their title, their metadata and their first words.
    """
    readable = {session.pk for session in sessions if model_admin.may_read(request, session)}
    ids = [session.pk for session in sessions]
    summary_by_id = summaries(ids, using=sessions.db, with_text=bool(readable))
    state_by_id = states(ids, using=sessions.db)
    for session in sessions:
        summary = summary_by_id[session.pk]
        if session.pk not in readable:
            without_content(session)
            summary = summary._replace(first_words="")
        vars(session)["row_facts"] = RowFacts(
            summary=summary,
            state=state_by_id.get(session.pk, "empty"),
            owner_url=user_url(model_admin, request, session.user),
        )
    return [session for session in sessions if session.pk in readable]
