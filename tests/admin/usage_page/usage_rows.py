"""Rows of usage, and items that are counted as calls, for the tests of the usage page."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from agent_sessions.models import Usage

PRICES = {"small": {"input": 1, "cached": "0.1", "output": 2}}
NOON = datetime(2026, 4, 2, 12, tzinfo=UTC)


def step(session_id: str = "one", **values: Any) -> Usage:
    """Return a row that is not stored."""
    known = {
        "created_at": NOON,
        "agent_name": "Bot",
        "model": "small",
        "requests": 1,
        "input_tokens": 100,
        "cached_tokens": 10,
        "output_tokens": 20,
        "reasoning_tokens": 5,
        "total_tokens": 120,
    }
    return Usage(session_id=session_id, **{**known, **values})


def unknown(session_id: str = "one", **values: Any) -> Usage:
    """Return a row whose tokens are unknown."""
    tokens = ("input", "cached", "output", "reasoning", "total")
    return step(session_id, **{**values, **{f"{name}_tokens": None for name in tokens}})


def store(rows: Iterable[Usage]) -> None:
    Usage.objects.bulk_create(rows)


def now(session_id: str = "one", **values: Any) -> Usage:
    """Return a row of this moment, which is not stored."""
    return step(session_id, **{"created_at": timezone.now(), **values})


def days_ago(number: int) -> datetime:
    """Return noon of a day, or the current moment for today."""
    noon = timezone.localtime().replace(hour=12) - timedelta(days=number)
    return noon if number else timezone.now()


def call(name: str) -> dict[str, str]:
    return {"type": "function_call", "name": name, "call_id": "1", "arguments": "{}"}


def output() -> dict[str, str]:
    return {"type": "shell_call_output", "call_id": "1", "output": "done"}
