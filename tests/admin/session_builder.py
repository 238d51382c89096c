"""Builds stored sessions from steps, with agents, times and usage, without running an agent."""

from __future__ import annotations

import base64
import struct
import zlib
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from agent_sessions import Message, Session, Usage
from agent_sessions.items.codec import encode
from agent_sessions.items.columns import columns


class Step(NamedTuple):
    """Items that are stored together; `tokens` are input, cached, output and reasoning tokens."""

    items: list[Any]
    agent: str = ""
    tokens: tuple[int, int, int, int] | None = None
    model: str = "gpt-5-mini"
    seconds: float = 2.5


def build_session(session_id: str, start: datetime, steps: list[Step], **facts: Any) -> Session:
    """Store a session of steps, the first at `start`, and return it."""
    session = Session.objects.create(session_id=session_id, **facts)
    moment = start
    for number, step in enumerate(steps):
        moment += timedelta(seconds=step.seconds)
        last = [_message(session, item, step, moment) for item in step.items][-1]
        if step.tokens:
            _spent(session, last, step, moment, f"trace_{session_id}_{number}")
    Session.objects.filter(pk=session_id).update(created_at=start, updated_at=moment)
    return session


def _message(session: Session, item: Any, step: Step, moment: datetime) -> Message:
    """Store an item; a string is the raw text of a row, perhaps not JSON."""
    known = {} if isinstance(item, str) else columns(item)._asdict()
    is_users = known.get("role") in ("user", "system", "developer")
    return Message.objects.create(
        session=session,
        message_data=item if isinstance(item, str) else encode(item),
        created_at=moment,
        agent_name="" if is_users else step.agent,
        **known,
    )


def _spent(session: Session, last: Message, step: Step, moment: datetime, trace: str) -> None:
    read, cached, written, reasoning = step.tokens or (0, 0, 0, 0)
    Usage.objects.create(
        session=session,
        message=last,
        created_at=moment,
        agent_name=step.agent,
        model=step.model,
        requests=1,
        input_tokens=read,
        cached_tokens=cached,
        output_tokens=written,
        reasoning_tokens=reasoning,
        total_tokens=read + written,
        trace_id=trace,
    )


def user(text: str, *parts: Any) -> dict[str, Any]:
    content = [{"type": "input_text", "text": text}, *parts] if parts else text
    return {"role": "user", "content": content}


def answer(text: str, *annotations: Any) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": [*annotations]}
    return {"type": "message", "role": "assistant", "status": "completed", "content": [part]}


def thought(text: str) -> dict[str, Any]:
    return {"type": "reasoning", "summary": [{"type": "summary_text", "text": text}]}


def call(name: str, arguments: str, call_id: str) -> dict[str, Any]:
    return {"type": "function_call", "name": name, "arguments": arguments, "call_id": call_id}


def output(value: Any, call_id: str) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": value}


@cache
def picture(width: int = 320, height: int = 180) -> str:
    """Return a PNG of an evening sky over the sea, as base64."""
    lines = b"".join(
        b"\x00" + b"".join(_pixel(x, y, width, height) for x in range(width)) for y in range(height)
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b"")]
    written = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + written).decode()


def _pixel(x: int, y: int, width: int, height: int) -> bytes:
    horizon, sun = height * 2 // 3, (width * 2 // 3, height // 2)
    if y > horizon:
        return bytes((30, 60 + (y * 7 + x) % 12, 110))
    if (x - sun[0]) ** 2 + (y - sun[1]) ** 2 < (height // 7) ** 2:
        return bytes((255, 214, 120))
    return bytes((250 - 120 * (horizon - y) // horizon, 140 - 60 * (horizon - y) // horizon, 120))
