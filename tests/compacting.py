"""Sessions to compact, and a client whose summary is always the same."""

from __future__ import annotations

import json
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from agents import (
    Agent,
    RunConfig,
    Runner,
    SQLiteSession,
)
from agents.extensions.memory import EncryptedSession
from agents.memory import SessionSettings
from agents.testing import ScriptedModel, assistant_message
from openai.types.responses import ResponseUsage
from openai.types.responses.response_usage import InputTokensDetails, OutputTokensDetails

from agent_sessions import DjangoSession, Message
from agent_sessions.compaction import CompactionSession
from agent_sessions.items import Item
from tests.contract import ANSWER, numbered
from tests.mixins import Mixin

COMPACTION = "compaction"
INSIDE = "compaction around encryption"
AROUND = "encryption around compaction"
WRAPPINGS = (COMPACTION, INSIDE, AROUND)
ENCRYPTED = (INSIDE, AROUND)
KEY, WRONG_KEY = "the key", "another key"
TTL_SECONDS = 600
SUMMARY: Item = {"type": "compaction", "id": "cmp_1", "encrypted_content": "what was said so far"}
REASONING: Item = {"type": "reasoning", "id": "rs_1", "summary": []}


class Client:
    """A stand-in for the OpenAI client with `responses.compact`, the only call of compaction."""

    def __init__(self, meanwhile: Callable[[], Awaitable[Any]] | None = None) -> None:
        self.responses = self
        self.meanwhile = meanwhile
        self.asked: list[dict[str, Any]] = []

    async def compact(self, **asked: Any) -> Any:
        self.asked.append(asked)
        if self.meanwhile:
            await self.meanwhile()
        spent = ResponseUsage(
            input_tokens=70,
            input_tokens_details=InputTokensDetails(cached_tokens=0, cache_write_tokens=0),
            output_tokens=7,
            output_tokens_details=OutputTokensDetails(reasoning_tokens=0),
            total_tokens=77,
        )
        return SimpleNamespace(output=[SUMMARY], usage=spent)


def always(context: Any) -> bool:
    return True


def compacting(session_id: str, inner: Any, **options: Any) -> CompactionSession:
    """Return a CompactionSession that gets its summaries from a stand-in."""
    client: Any = Client()
    return CompactionSession(session_id, inner, client=client, **options)


def encrypted(inner: Any, key: str = KEY) -> EncryptedSession:
    """Wrap any session in encryption whose envelopes expire."""
    return EncryptedSession(inner.session_id, inner, encryption_key=key, ttl=TTL_SECONDS)


def expired(store: Any, item: Item) -> Item:
    """Return the envelope of an item that was stored an hour ago and has expired since."""
    envelope = encrypted(store)._wrap(item)
    payload = json.dumps(item).encode()
    token = encrypted(store).cipher.encrypt_at_time(payload, int(time.time()) - 3600)
    return {**envelope, "payload": token.decode()}


def pair(number: int, *reasoning: Item) -> list[Item]:
    """Return a user message and its answer, with reasoning in between."""
    return [numbered(number + 1)[number], *reasoning, {**ANSWER, "id": f"msg_{number}"}]


async def run(
    session: Any, *steps: Any, tools: Any = (), limit: int | None = None
) -> ScriptedModel:
    """Run an agent whose model takes these steps and gets `limit` items of the history."""
    model = ScriptedModel(steps or [[assistant_message("The Copper Lantern.", item_id="new")]])
    agent = Agent("Calendar Club", model=model, tools=list(tools))
    config = RunConfig(session_settings=SessionSettings(limit=limit))
    await Runner.run(agent, "Any jazz tonight?", session=session, run_config=config)
    return model


class Store(Mixin):
    """A session of any kind, around which the SDK compacts."""

    def make_store(self, session_id: str, **settings: Any) -> Any:
        raise NotImplementedError

    async def store_text(self, store: Any, text: str) -> None:
        """Append a row whose data is exactly `text` to a session that exists."""
        raise NotImplementedError


class DjangoStore(Store):
    """A DjangoSession."""

    def make_store(self, session_id: str, **settings: Any) -> DjangoSession:
        return DjangoSession(session_id, **settings)

    async def store_text(self, store: Any, text: str) -> None:
        await Message.objects.acreate(session_id=store.session_id, message_data=text)


class SQLiteStore(Store):
    """The SDK's own SQLiteSession."""

    def setUp(self) -> None:
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.path = Path(folder) / "conversations.db"

    def make_store(self, session_id: str, **settings: Any) -> SQLiteSession:
        store = SQLiteSession(session_id, self.path, **settings)
        self.addCleanup(store.close)
        return store

    async def store_text(self, store: Any, text: str) -> None:
        with sqlite3.connect(self.path) as writer:
            writer.execute(
                "INSERT INTO agent_messages (session_id, message_data) VALUES (?, ?)",
                (store.session_id, text),
            )
        writer.close()
