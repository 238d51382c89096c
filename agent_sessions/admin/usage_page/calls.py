"""How often tools were called in a period."""

from __future__ import annotations

from typing import NamedTuple

from django.db.models import Count, QuerySet

from agent_sessions.admin.usage_page.buckets import Period
from agent_sessions.admin.usage_page.numbers import is_restricted
from agent_sessions.admin.usage_page.report import LISTED
from agent_sessions.models import Message, Session


class Calls(NamedTuple):
    """The calls of one kind of a tool. `tool` and `sessions` are None for all other tools."""

    tool: str | None
    kind: str
    calls: int
    sessions: int | None


def calls_of(sessions: QuerySet[Session], period: Period) -> list[Calls]:
    """Count the calls of each tool in the messages of sessions, the most frequent first.

    Messages that the SDK's own sessions stored have no `tool_name` and are not counted. The
    database reads nothing but the index agent_messages_tool, which contains all of these columns.
    """
    moments = period.moments()
    messages = Message.objects.using(sessions.db).filter(
        tool_name__gt="",
        kind__endswith="_call",  # approvals name their tool too, and so do some outputs
        created_at__gte=moments[0],
        created_at__lt=moments[-1],
    )
    if is_restricted(sessions):
        messages = messages.filter(session__in=sessions.values("pk"))
    rows = (
        messages.order_by()
        .values_list("tool_name", "kind")
        .annotate(calls=Count("pk"), sessions=Count("session_id", distinct=True))
    )
    found = sorted((Calls(*row) for row in rows), key=lambda one: (-one.calls, *one[:2]))
    listed, others = found[:LISTED], found[LISTED:]
    if others:
        listed.append(Calls(None, "", sum(one.calls for one in others), None))
    return listed
