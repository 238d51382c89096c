"""Visits to the chat over HTTP, with the offline model."""

from __future__ import annotations

import json
import os
from typing import Any
from unittest.mock import patch

from django.test import AsyncClient, TestCase

from agent_sessions import DjangoSession


class ChatTestCase(TestCase):
    def setUp(self) -> None:
        self.enterContext(patch.dict(os.environ, {"OPENAI_API_KEY": ""}))

    async def begin(self, client: AsyncClient | None = None) -> str:
        """Create a conversation and return its URL."""
        response = await (client or self.async_client).post("/conversations/")
        return str(response.json()["url"])

    async def post(self, url: str, body: object, client: AsyncClient | None = None) -> Any:
        """Post a message as the page's script does."""
        data = body if isinstance(body, bytes) else json.dumps(body)
        return await (client or self.async_client).post(
            f"{url}messages/",
            data,
            content_type="application/json",
            headers={"accept": "application/json, text/event-stream"},
        )

    async def events(self, response: Any) -> dict[str, dict[str, Any]]:
        """Return the stream's events by name, the last one of each."""
        text = b"".join([part async for part in response.streaming_content]).decode()
        blocks = [block.split("\n") for block in text.removesuffix("\n\n").split("\n\n")]
        self.assertEqual(blocks[-1][0], "event: done")
        return {name[len("event: ") :]: json.loads(data[len("data: ") :]) for name, data in blocks}

    async def items(self, url: str) -> list[Any]:
        return list(await DjangoSession(url.split("/")[2]).get_items())
