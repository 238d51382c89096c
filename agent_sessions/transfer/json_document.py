"""A session as one complete JSON document."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any, NoReturn

from agent_sessions.conf import conf
from agent_sessions.items.codec import encode
from agent_sessions.models import Session
from agent_sessions.models.message import Message
from agent_sessions.models.usage import Usage
from agent_sessions.models.usage_sums import UsageQuerySet
from agent_sessions.transfer.batches import messages_of, usage_of
from agent_sessions.usage.steps import Tokens

ABOUT_A_STEP = ("message_id", "agent_name", "model", "run_id", "trace_id", "response_id")


def document(session: Session, *, line_end: str = "\n") -> Iterator[str]:
    """Yield the JSON document of a session.

    It contains the session's columns, sums, messages with their items, and usage by step. An item
    is written as it is stored. It is null if the message is purged, or if the row is not JSON: then
    its text follows as "unreadable". A cost is a string, as a Decimal is, or null. With an empty
    `line_end` the document is a single line.
    """
    yield _opened(_about(session)) + f',"messages":[{line_end}'
    yield from _listed(map(_message, messages_of(session)), line_end)
    yield f'],"usage":[{line_end}'
    yield from _listed((encode(_step(step)) for step in usage_of(session)), line_end)
    yield f"]}}{line_end}"


def _about(session: Session) -> dict[str, Any]:
    return {
        "session_id": session.pk,
        "title": session.title,
        "owner": session.user.get_username() if session.user else None,
        "created_at": session.created_at.isoformat(),
        "updated_at": session.updated_at.isoformat(),
        "parent": session.parent_id,
        "forked_at": session.forked_at and session.forked_at.isoformat(),
        "metadata": session.metadata,
        "totals": _totals(session),
    }


def _totals(session: Session) -> dict[str, Any]:
    using = session._state.db
    messages = Message.objects.using(using).filter(session_id=session.pk).count()
    usage: UsageQuerySet = Usage.objects.using(using).filter(session_id=session.pk)
    sums = asdict(usage.total())
    cost = sums.pop("cost")
    costs = {"cost": None if cost is None else str(cost), "currency": conf.currency or None}
    return {"messages": messages, **sums, **costs}


def _message(message: Message) -> str:
    about: dict[str, Any] = {
        "id": message.pk,
        "created_at": message.created_at.isoformat(),
        "agent_name": message.agent_name,
        "kind": message.kind,
    }
    if _is_json(message.message_data):
        # As it is stored: the reader of the document decides how to read its numbers.
        return f'{_opened(about)},"item":{one_line(message.message_data)}}}'
    if message.is_purged:
        return encode(about | {"item": None})
    return encode(about | {"item": None, "unreadable": message.message_data})


def _step(step: Usage) -> dict[str, Any]:
    names = (*ABOUT_A_STEP, *Tokens._fields)
    values = {name: getattr(step, name) for name in names}
    return {"created_at": step.created_at.isoformat(), **values}


def one_line(text: str) -> str:
    """Return JSON without line ends, which occur only between values."""
    return text.replace("\r", " ").replace("\n", " ")


def _opened(value: dict[str, Any]) -> str:
    """Return the JSON of a dict without the closing brace."""
    return encode(value).removesuffix("}")


def _listed(values: Iterable[str], line_end: str) -> Iterator[str]:
    """Yield values, separated by commas, each on a line."""
    for number, value in enumerate(values):
        yield f",{line_end}{value}" if number else value


def _is_json(text: str) -> bool:
    """Tell whether it is JSON for every reader: Python's accepts NaN as well."""
    try:
        json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
