"""A corpus of hostile content for sessions; each entry has a name and one idea."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from django.contrib.auth import get_user_model

from agent_sessions import Message, Session, Usage
from agent_sessions.items.codec import encode
from agent_sessions.items.columns import columns
from tests.admin.hostile_items import FILE_NAMES, ITEMS, call, output
from tests.admin.hostile_texts import AWAY, OUT_OF_ATTRIBUTE, SCRIPT, TEXTS


@dataclass(frozen=True)
class Hostile:
    """The content of a session: items, raw rows of the table, and fields of the session."""

    items: tuple[Any, ...] = ()
    rows: tuple[dict[str, Any], ...] = ()
    usage: tuple[dict[str, Any], ...] = ()
    session_id: str = ""
    owner: str = ""
    agent_name: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


def said(text: str) -> Hostile:
    """Return a session in which the user, the agent and a tool say `text`."""
    user, tool = {"role": "user", "content": text}, output(text)
    if len(text) > 1_000_000:
        return Hostile(items=(user, tool))
    reasoning = {"type": "reasoning", "summary": [{"type": "summary_text", "text": text}]}
    answer = {"role": "assistant", "content": [{"type": "output_text", "text": text}]}
    return Hostile(items=(user, reasoning, call("search", text), tool, answer))


def row(data: str, **known: str) -> dict[str, Any]:
    return {"message_data": data, **known}


def deep(value: str, depth: int = 1_000) -> str:
    """Return JSON of nested lists and dicts, perhaps too deep for Python."""
    return '{"deeper":[' * (depth // 2) + value + "]}" * (depth // 2)


FACTS = {
    "a script as title": Hostile(facts={"title": SCRIPT}),
    "out of an attribute as title": Hostile(facts={"title": OUT_OF_ATTRIBUTE}),
    "template syntax as title": Hostile(facts={"title": "{{ 7|add:7 }}{% debug %}"}),
    "a bidi override as title": Hostile(facts={"title": "invoice\u202efdp.exe\u2066\u200b"}),
    "a title of lines": Hostile(facts={"title": "a\r\nSet-Cookie: hacked=1\r\n\r\n" + SCRIPT}),
    "a script as metadata": Hostile(
        facts={"metadata": {SCRIPT: [SCRIPT, {"a": OUT_OF_ATTRIBUTE}]}}
    ),
    "metadata that is not a dict": Hostile(facts={"metadata": [SCRIPT, None, 1.5, "\u202e"]}),
    "metadata that is a text": Hostile(facts={"metadata": SCRIPT}),
    "metadata of a megabyte": Hostile(facts={"metadata": {"a": "words " * 200_000}}),
    "a script as owner": Hostile(owner=SCRIPT),
    "a script as agent": Hostile(items=({"role": "assistant", "content": "x"},), agent_name=SCRIPT),
    "a bidi override as agent": Hostile(
        items=({"role": "assistant", "content": "x"},), agent_name="bot\u202etnega\u2066"
    ),
    "a script as model": Hostile(usage=({"model": SCRIPT, "agent_name": SCRIPT},)),
    "a hostile trace": Hostile(
        usage=(
            {"trace_id": "javascript:window.hacked=1", "model": "m"},
            {"trace_id": f'"><img src={AWAY}/x onerror=window.hacked=1>', "response_id": SCRIPT},
            {"trace_id": "../../../x?y#z", "run_id": "<b>"},
        )
    ),
    "huge numbers of tokens": Hostile(
        usage=(
            {"total_tokens": 2**62, "input_tokens": 2**62, "model": "gpt-5-mini"},
            {"total_tokens": 0, "requests": 2**31 - 1},
        )
    ),
    "a script as id": Hostile(session_id=SCRIPT),
    "a header as id": Hostile(session_id="x\r\nSet-Cookie: hacked=1\r\n\r\n" + SCRIPT),
    "a path as id": Hostile(session_id="../../../../etc/passwd\\..\\x"),
    "quotes and separators as id": Hostile(session_id='a";filename="b.exe\';%0d%0a?x=1&y#z/_2F'),
    "a bidi override as id": Hostile(session_id="nosses\u202etxt.exe\u2066 日本"),
    "a template as id": Hostile(session_id="{{ 7|add:7 }}{% debug %}${7*7}"),
    "an address as id": Hostile(session_id="javascript:window.hacked=1"),
    "a word of an address as id": Hostile(session_id="add"),
    "file names as titles": Hostile(facts={"title": FILE_NAMES[2]}),
}

ROWS = {
    "damaged rows": Hostile(
        rows=(
            row("{"),
            row('{"role": "user", "content": "cut of'),
            row(f"not JSON {SCRIPT}"),
            row(f"not JSON {SCRIPT}", kind="message", role="user"),
            row("NaN", kind="function_call", call_id="c1", tool_name=SCRIPT),
            row("\ufeff{}"),
            row(" "),
            row("[" * 100_000),
            row('{"n": ' + "9" * 5_000 + "}"),
            row('{"n": 1e999999, "m": -Infinity}'),
            row('{"a": 1, "a": 2}', kind="message", role="assistant"),
        )
    ),
    "JSON a thousand deep": Hostile(
        rows=(
            row(f'{{"type":"function_call","name":"x","call_id":"c","arguments":{deep("1")}}}'),
            row(f'{{"type":"function_call_output","call_id":"c","output":{deep("2")}}}'),
            row(f'{{"role":"user","content":{deep("3")}}}', kind="message", role="user"),
            row(f'{{"role":"assistant","content":[{deep("4")}]}}', kind="message"),
            row(f'{{"type":"telepathy","thought":{deep("5")}}}', kind="telepathy"),
            row(f'{{"type":"telepathy","thought":{deep("6", 100_000)}}}', kind="telepathy"),
        )
    ),
    "purged rows": Hostile(
        rows=(
            row("", kind="message", role="user"),
            row("", kind="function_call", role="assistant", tool_name=SCRIPT, call_id="c1"),
            row("", kind="function_call_output", role="tool", call_id="c1"),
            row("", kind=SCRIPT, role=SCRIPT, agent_name=SCRIPT),
            row("", kind="message", role="assistant", agent_name=OUT_OF_ATTRIBUTE),
            row(""),
        )
    ),
    "columns that lie": Hostile(
        rows=(
            row('{"role": "user", "content": "x"}', kind="function_call", tool_name=SCRIPT),
            row('["x"]', kind="message", role="user"),
            row("null", kind="message", role="assistant"),
            row('"text"', kind="reasoning"),
            row("1", kind="function_call_output", call_id=SCRIPT),
            row("{}", kind="image_generation_call"),
            row('{"role": "user", "content": "x"}', kind=SCRIPT, role=OUT_OF_ATTRIBUTE),
            row('{"type": "message", "role": "user"}', kind="encrypted"),
        )
    ),
}

CORPUS: dict[str, Hostile] = {
    **{name: said(text) for name, text in TEXTS.items()},
    **{name: Hostile(items=tuple(items)) for name, items in ITEMS.items()},
    **FACTS,
    **ROWS,
}


def store(name: str, hostile: Hostile) -> str:
    """Store the session of an entry, and return its id."""
    session_id = hostile.session_id or name
    owner = get_user_model().objects.create_user(hostile.owner) if hostile.owner else None
    Session.objects.create(session_id=session_id, user=owner, **hostile.facts)
    store_in(session_id, [hostile])
    return session_id


def store_all(session_id: str) -> str:
    """Store the whole corpus as one session."""
    Session.objects.create(session_id=session_id, title=OUT_OF_ATTRIBUTE, metadata={SCRIPT: SCRIPT})
    store_in(session_id, CORPUS.values())
    return session_id


def store_in(session_id: str, entries: Iterable[Hostile]) -> None:
    made = [Message(session_id=session_id, **row) for entry in entries for row in rows_of(entry)]
    for is_large, rows in groupby(made, key=lambda message: len(message.message_data) > 10_000):
        # MariaDB rejects statements of more than 16 MB.
        Message.objects.bulk_create(rows, batch_size=1 if is_large else 100)
    newest = Message.objects.filter(session=session_id).order_by("pk").last()
    Usage.objects.bulk_create(
        Usage(session_id=session_id, message=newest, **known)
        for entry in entries
        for known in entry.usage
    )


def rows_of(hostile: Hostile) -> Iterator[dict[str, Any]]:
    """Yield the rows of an entry: its items as the app writes them, then its raw rows."""
    # The page of a session without messages shows less of its hostile fields.
    for item in hostile.items or [{"role": "user", "content": "Any jazz?"}]:
        yield row(encode(item), **columns(item)._asdict(), agent_name=hostile.agent_name)
    yield from hostile.rows
