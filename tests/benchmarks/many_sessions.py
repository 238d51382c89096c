"""100,000 sessions with 1,000,000 messages and usage rows, for benchmarks of the admin."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection, transaction

from agent_sessions.items.reported_errors import TOOL_FAILED

SESSIONS = 100_000
TURN = 5  # messages, of two steps
LENGTHS = {"ten": 10, "hundred": 100, "long": 100_000}
APART = timedelta(seconds=270)  # spreads the sessions over the last ten months
WORDS = ["jazz", "music", "tonight", "weekend", "free", "concert", "museum", "film", "food"]

SESSION = (
    "INSERT INTO agent_sessions (session_id, created_at, updated_at, user_id, title, metadata, "
    "forked_at) VALUES (%s, %s, %s, %s, %s, '{}', %s)"
)
MESSAGE = (
    "INSERT INTO agent_messages (id, session_id, created_at, kind, role, tool_name, call_id, "
    "agent_name, tool_failed, message_data) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
USAGE = (
    "INSERT INTO agent_usage (session_id, message_id, created_at, agent_name, model, requests, "
    "input_tokens, cached_tokens, output_tokens, reasoning_tokens, total_tokens, run_id, trace_id, "
    "response_id) VALUES (%s, %s, %s, %s, 'gpt-5-mini', 1, %s, 0, %s, 0, %s, '', '', '')"
)
# Two agents used as tools: one has usage in most sessions, the other in some.
DEEPER = (
    "INSERT INTO agent_usage (session_id, created_at, agent_name, model, requests, input_tokens, "
    "cached_tokens, output_tokens, reasoning_tokens, total_tokens, run_id, trace_id, response_id) "
    "SELECT session_id, created_at, %s, 'gpt-5', requests, input_tokens, 0, output_tokens, 0, "
    "total_tokens, '', '', '' FROM agent_usage WHERE agent_name = 'Calendar Club' AND id %% 11 < %s"
)


def make() -> None:
    """Fill the tables of an empty database, with common and with rare values."""
    seed = random.Random(1)
    User.objects.create_superuser("root")
    User.objects.bulk_create(User(username=f"user{number}") for number in range(1_000))
    ids = [str(UUID(int=seed.getrandbits(128))) for _ in range(SESSIONS - len(LENGTHS))]
    lengths = LENGTHS | dict.fromkeys(ids, TURN * 2)  # oldest first
    began = datetime.now(UTC).replace(tzinfo=None) - len(lengths) * APART
    whens = {pk: str(began + at * APART) for at, pk in enumerate(lengths)}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(SESSION, [_session(seed, pk, when) for pk, when in whens.items()])
        number = 0
        for pk, length in lengths.items():
            messages, steps = _conversation(seed, pk, number, length, whens[pk])
            cursor.executemany(MESSAGE, messages)
            cursor.executemany(USAGE, steps)
            number += length
        for agent, share in (("Event Finder", 11), ("Translator", 3)):
            cursor.execute(DEEPER, [agent, share])


def _session(seed: random.Random, pk: str, when: str) -> tuple[Any, ...]:
    owner = seed.choice([None, seed.randint(2, 1_001), seed.randint(2, 1_001)])
    title = seed.choice(["", _text(seed, 4)])
    return pk, when, when, owner, title, when if _is_rare(seed) else None


def _conversation(
    seed: random.Random, pk: str, number: int, length: int, when: str
) -> tuple[list[Any], list[Any]]:
    """Return the rows of messages, whose ids follow `number`, and of usage."""
    messages: list[Any] = []
    steps: list[Any] = []
    while len(messages) < length:
        for columns in _turn(seed, f"call_{number + len(messages)}"):
            messages.append((number + len(messages) + 1, pk, when, *columns))
        last = messages[-1][0]
        for message_id in (last - 2, last):
            given, made = seed.randint(100, 5_000), seed.randint(10, 500)
            given *= 1_000 if _is_rare(seed) else 1
            steps.append((pk, message_id, when, "Calendar Club", given, made, given + made))
    if _is_rare(seed):
        messages.pop()  # a turn without its answer
    return messages, steps


def _turn(seed: random.Random, call_id: str) -> Iterator[tuple[Any, ...]]:
    """Yield the columns and items of a turn's messages."""
    agent = "Triage" if _is_rare(seed) else "Calendar Club"
    tool = "refund" if _is_rare(seed) else "search_events"
    said = _text(seed, 12) + " zebra" * _is_rare(seed)
    call = {"name": tool, "call_id": call_id, "arguments": json.dumps({"q": _text(seed, 3)})}
    failed = _is_rare(seed)
    output = {"call_id": call_id, "output": f"{TOOL_FAILED}." if failed else _text(seed, 40)}
    answer = {"role": "assistant", "content": [{"type": "output_text", "text": _text(seed, 60)}]}
    kind = "function_call"
    yield "message", "user", "", "", "", None, _written(role="user", content=said)
    yield kind, "assistant", tool, call_id, agent, None, _written(type=kind, **call)
    kind = "function_call_output"
    yield kind, "tool", "", call_id, agent, failed, _written(type=kind, **output)
    yield "reasoning", "assistant", "", "", agent, None, _written(type="reasoning", summary=[])
    yield "message", "assistant", "", "", agent, None, _written(type="message", **answer)


def _text(seed: random.Random, count: int) -> str:
    return " ".join(seed.choices(WORDS, k=count))


def _written(**item: Any) -> str:
    return json.dumps(item, separators=(",", ":"))


def _is_rare(seed: random.Random) -> bool:
    return seed.random() < 0.001
