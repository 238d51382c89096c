"""The app on the Turso engine: requests per operation, and models that take long."""

from __future__ import annotations

import asyncio
import os
import unittest
from collections.abc import Callable

from agents import Agent, Runner
from agents.items import TResponseOutputItem
from agents.testing import ModelCall, ModelStep, ScriptedModel, assistant_message
from django.contrib.auth.models import User
from django.db import connection
from django.test import TransactionTestCase

from agent_sessions import DjangoSession, Session
from agent_sessions.items import Item
from agent_sessions.usage.steps import Step, Tokens
from tests.turso.proxy import through_proxy

HELLO: Item = {"role": "user", "content": "Hello"}
STEP = Step("Calendar Club", "run", "trace", Tokens(1, 20, 0, 10, 0, 30))
# The server forgets a stream after 10 idle seconds.
THINKING_SECONDS = 15


@unittest.skipUnless(
    os.environ.get("TEST_DATABASE") == "turso", "It tests Turso: run with TEST_DATABASE=turso."
)
class TursoTests(TransactionTestCase):
    """Sessions on a libSQL server."""

    def test_round_trips(self) -> None:
        """Reading and adding take one request each, with or without an owner."""
        user = User.objects.create_user("annelies")
        Session.objects.append("hers", [HELLO], user=user)
        proxy = through_proxy(self, connection)
        operations: dict[str, tuple[Callable[[], object], int]] = {
            "items": (lambda: Session.objects.items("one"), 1),
            "append": (lambda: Session.objects.append("one", [HELLO] * 3), 1),
            "step": (lambda: Session.objects.append("one", [HELLO] * 3, step=STEP), 1),
            "replace": (lambda: Session.objects.replace("one", [HELLO]), 3),
            "pop": (lambda: Session.objects.pop("one"), 4),
            "owner's items": (lambda: Session.objects.items("hers", user=user), 1),
            "owner's replace": (lambda: Session.objects.replace("hers", [HELLO], user=user), 4),
            "owner's append": (lambda: Session.objects.append("hers", [HELLO], user=user), 1),
        }

        for name, (operation, expected) in operations.items():
            with self.subTest(name):
                proxy.reset()
                operation()
                self.assertEqual(len(proxy.requests), expected)

        self.assertTrue(proxy.requests[-1].closes)

    async def test_slow_model(self) -> None:
        """A run whose model takes longer than the life of a stream is stored."""

        async def think(call: ModelCall) -> list[TResponseOutputItem]:
            await asyncio.sleep(THINKING_SECONDS)
            return [assistant_message("The Copper Lantern.")]

        agent = Agent("Calendar Club", model=ScriptedModel([ModelStep.respond(think)]))
        session = DjangoSession("patient")

        result = await Runner.run(agent, "Any jazz?", session=session)

        self.assertEqual(result.final_output, "The Copper Lantern.")
        self.assertEqual(len(await session.get_items()), 2)
