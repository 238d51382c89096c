"""The view that runs the agent: messages that are answered, rejected and tried again."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import ClassVar
from unittest.mock import patch

from django.test import AsyncClient
from django.utils import timezone

from agent_sessions import Session
from calendarclub.events.models import Event
from tests.calendarclub.chat.visits import ChatTestCase

# No server listens on the discard port.
API_DOWN = {"OPENAI_API_KEY": "sk-dummy", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}


class MessagesTests(ChatTestCase):
    event: ClassVar[Event]

    @classmethod
    def setUpTestData(cls) -> None:
        start = timezone.now() + timedelta(hours=1)
        cls.event = Event.objects.create(
            uid="trio",
            title="Late Trio",
            category="music",
            start=start,
            end=start + timedelta(hours=2),
            timezone="Europe/Amsterdam",
        )

    async def test_turn(self) -> None:
        """A message is answered in a stream, and the page shows both afterwards."""
        url = await self.begin()
        question = f"Music on {timezone.localdate(self.event.start)}?"

        response = await self.post(url, {"message": question})
        events = await self.events(response)

        self.assertEqual(response["Content-Type"], "text/event-stream")
        self.assertEqual(response["Cache-Control"], "no-store")
        self.assertEqual([card["title"] for card in events["events"]["events"]], ["Late Trio"])
        self.assertTrue(events["quick_picks"]["quick_picks"])
        self.assertTrue(events["done"]["answered"])
        page = await self.async_client.get(url)
        self.assertContains(page, question)
        self.assertContains(page, events["done"]["html"])
        self.assertContains(page, f"/events/{self.event.pk}.ics")
        for pick in events["quick_picks"]["quick_picks"]:
            self.assertContains(page, pick)

    async def test_title(self) -> None:
        """The first message, shortened, is the title. The second one does not change it."""
        url = await self.begin()
        first = "Something  with\nmusic " + "and dancing " * 20

        for message in [first, "Tonight"]:
            await self.events(await self.post(url, {"message": message}))

        session = await Session.objects.aget()
        self.assertTrue(session.title.startswith("Something with music and dancing"))
        self.assertLessEqual(len(session.title), 60)

    async def test_bad_requests(self) -> None:
        """A request without a message gets a 400 with a sentence, and nothing is stored."""
        url = await self.begin()
        bad = [
            b"",
            b"not json",
            b"\xff",
            b"[" * 100_000,
            [],
            {},
            {"message": None},
            {"message": 5},
            {"message": " \n"},
            {"message": "half \ud83d"},
            {"retry": "yes"},
        ]

        for body in bad:
            with self.subTest(repr(body)[:30]):
                response = await self.post(url, body)
                self.assertEqual(response.status_code, 400)
                self.assertTrue(response.json()["error"])
        self.assertEqual(await self.items(url), [])

    async def test_too_long(self) -> None:
        """Messages of 8,001 characters, 100 kB and 3 MB get a 413."""
        url = await self.begin()

        for characters in [8_001, 100_000, 3_000_000]:
            with self.subTest(characters):
                response = await self.post(url, {"message": "x" * characters})
                self.assertEqual(response.status_code, 413)
                self.assertIn("8,000", response.json()["error"])
        self.assertEqual(await self.items(url), [])

    async def test_longest(self) -> None:
        """A message of 8,000 characters is answered."""
        url = await self.begin()

        events = await self.events(await self.post(url, {"message": "é" * 8_000}))

        self.assertTrue(events["done"]["answered"])

    async def test_wrong_method(self) -> None:
        """A GET request gets a 405 in JSON."""
        url = await self.begin()

        response = await self.async_client.get(f"{url}messages/")

        self.assertEqual(response.status_code, 405)
        self.assertEqual(response["Allow"], "POST")
        self.assertTrue(response.json()["error"])

    async def test_forged(self) -> None:
        """A request without a CSRF token gets a 403: JSON for the script, a page for people."""
        client = AsyncClient(enforce_csrf_checks=True)

        with self.assertLogs("django.security.csrf", "WARNING"):
            run = await self.post("/conversations/any/", {"message": "hi"}, client)
            form = await client.post("/conversations/any/reset/", headers={"accept": "text/html"})

        self.assertEqual(run.status_code, 403)
        self.assertIn("Reload", run.json()["error"])
        self.assertContains(form, "Please send that again", status_code=403)


class RetryTests(ChatTestCase):
    async def test_api_down(self) -> None:
        """A message whose run failed is kept, and answered once when it is tried again."""
        url = await self.begin()
        with patch.dict(os.environ, API_DOWN), self.assertLogs("calendarclub.chat", "ERROR"):
            failed = await self.events(await self.post(url, {"message": "Music tonight"}))
        kept = await self.items(url)
        page = await self.async_client.get(url)

        again = await self.events(await self.post(url, {"retry": True}))

        self.assertIn("cannot be reached", failed["error"]["message"])
        self.assertFalse(failed["done"]["answered"])
        self.assertEqual(kept, [{"role": "user", "content": "Music tonight"}])
        self.assertContains(page, "This message has no answer yet.")
        self.assertTrue(again["done"]["answered"])
        roles = [item.get("role") for item in await self.items(url)]
        self.assertEqual(roles.count("user"), 1)
        self.assertEqual(roles[-1], "assistant")

    async def test_nothing_to_try(self) -> None:
        """Trying again in an answered conversation, or in an empty one, gets a 409."""
        empty, answered = await self.begin(), await self.begin()
        await self.events(await self.post(answered, {"message": "hi"}))

        for url in [empty, answered]:
            before = await self.items(url)
            response = await self.post(url, {"retry": True})
            self.assertEqual(response.status_code, 409)
            self.assertEqual(await self.items(url), before)
