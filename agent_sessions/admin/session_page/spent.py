"""Recorded usage and traces of the steps of a window."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from agent_sessions.models.usage import Usage
from agent_sessions.models.usage_sums import UsageQuerySet

if TYPE_CHECKING:
    from agent_sessions.admin.session_page.window import Window
    from agent_sessions.models import Session
    from agent_sessions.usage.totals import Group

# Usage stays when messages are popped, so a window of few messages may have any number of steps.
MOST_STEPS = 2_000


class Spent(NamedTuple):
    """Usage and trace ids, each with the id of the last message of its step."""

    groups: list[Group]
    traces: list[tuple[int, str]]


def spent_in(shown: Window, session: Session) -> Spent:
    """Read the usage and the traces of a window, with two queries."""
    if shown.first_id is None:
        return Spent([], [])
    steps = steps_in(shown, session).order_by("message")
    traced = steps.exclude(trace_id="").values_list("message_id", "trace_id").distinct()
    return Spent([*steps[:MOST_STEPS].by_message()], [*traced[:MOST_STEPS]])


def steps_in(shown: Window, session: Session) -> UsageQuerySet:
    """Return the steps that end in a window.

    A step whose last message is gone counts for the window before the gap.
    """
    steps = Usage.objects.using(session._state.db).filter(session_id=session.pk)
    steps = steps.filter(message__gte=shown.first_id)
    return steps.filter(message__lt=shown.after[0].pk) if shown.after else steps
