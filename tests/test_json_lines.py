"""transfer.json_lines: items as lines, and lines as items."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

from asgiref.sync import sync_to_async
from django.test import TestCase

from agent_sessions import DjangoSession, Message, Session
from agent_sessions.items.codec import UnreadableItemError, encode
from agent_sessions.transfer import imported, lines
from tests.contract import (
    ANSWER,
    TURN,
    USER,
)
from tests.exported_sessions import ALL, session, store


class LinesTests(TestCase):
    """lines() and imported()."""

    def test_as_stored(self) -> None:
        """A line is the text of a message; purged and unreadable messages have none."""
        Session.objects.append("one", TURN)
        Session.objects.purge("one")
        Session.objects.append("one", [USER])
        store("not JSON")
        store('{\n"role":\r\n"user"}')

        self.assertEqual(list(lines(session())), [encode(USER) + "\n", '{ "role":  "user"}\n'])

    async def test_round_trip(self) -> None:
        """Exported items can be imported unchanged, with json.loads() or imported()."""
        await DjangoSession("one").add_items(ALL)
        exported = await Session.objects.aget(pk="one")
        text = await sync_to_async(lambda: "".join(lines(exported)))()
        first, second = DjangoSession("first"), DjangoSession("second")

        await first.add_items([*map(json.loads, StringIO(text))])
        await second.add_items([*imported(StringIO(text))])

        self.assertEqual(await first.get_items(), ALL)
        self.assertEqual(await second.get_items(), ALL)
        kinds = Message.objects.order_by("pk").values_list("kind", "role", "tool_name", "call_id")
        self.assertEqual(
            [row async for row in kinds.filter(session="one")],
            [row async for row in kinds.filter(session="second")],
        )

    async def test_generator(self) -> None:
        """add_items() takes the generator, and blank lines are skipped."""
        items: Any = imported([encode(USER), "", " \n", encode(ANSWER)])

        await DjangoSession("one").add_items(items)

        self.assertEqual(await DjangoSession("one").get_items(), [USER, ANSWER])

    async def test_line_that_is_not_json(self) -> None:
        """A line that is not JSON raises an error with its number, and nothing is stored."""
        items: Any = imported([encode(USER), "", "{"])

        with self.assertRaisesMessage(UnreadableItemError, "Line 3 is not JSON. JSONDecodeError"):
            await DjangoSession("one").add_items(items)

        self.assertFalse(await Message.objects.aexists())
