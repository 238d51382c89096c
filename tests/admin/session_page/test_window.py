"""session_page.window: the messages that a page shows."""

from __future__ import annotations

import json
from typing import Any

from django.db import connection
from django.test import TestCase, override_settings
from django.test.utils import CaptureQueriesContext

from agent_sessions import Message, Session
from agent_sessions.admin.session_page.window import HEAD_LENGTH, Window, window
from tests.contract import TURN, numbered
from tests.statements import statements

ANSWER = {"role": "assistant", "content": "yes"}
SIZE = override_settings(AGENT_SESSIONS_ADMIN_PAGE_SIZE=10)


class WindowTestCase(TestCase):
    """A session, and the indices of its messages in a window."""

    def fill(self, *items: Any) -> None:
        Session.objects.append("one", items)
        self.ids = list(Message.objects.order_by("pk").values_list("pk", flat=True))

    def window(self, **query: Any) -> Window:
        messages = Message.objects.filter(session_id="one")
        return window(messages, {name: str(value) for name, value in query.items()})

    def places(self, found: Window) -> list[int]:
        return [self.ids.index(row.pk) for row in found.rows]


@SIZE
class PlaceTests(WindowTestCase):
    """The beginning and the end of a window."""

    def test_newest(self) -> None:
        """Without parameters, the newest messages are shown."""
        self.fill(*numbered(45))

        found = self.window()

        self.assertEqual(self.places(found), list(range(35, 45)))
        self.assertEqual((bool(found.before), found.after, found.number), (True, [], 36))
        self.assertEqual((found.first_id, found.last_id), (self.ids[35], self.ids[44]))

    def test_counted_from_the_end(self) -> None:
        """The numbers are the same whether turns are counted or passed."""
        self.fill(ANSWER, *TURN * 20, *numbered(3))
        messages = Message.objects.filter(session="one")

        for query in ({}, {"before": str(messages.latest("pk").pk + 1)}, {"after": "0"}):
            counted, given = (window(messages, query, turns=turns) for turns in (None, 23))
            self.assertEqual(counted.number, given.number, query)

    def test_earlier_and_later(self) -> None:
        """Windows follow each other in both directions without a gap."""
        self.fill(*numbered(45))

        self.assertEqual(self.places(self.window(before=self.ids[35])), list(range(25, 35)))
        self.assertEqual(self.places(self.window(after=self.ids[24])), list(range(25, 35)))
        self.assertEqual(self.places(self.window(after=0)), list(range(10)))

    def test_whole_turns(self) -> None:
        """A window grows until its turns are complete."""
        self.fill(*TURN * 10)

        self.assertEqual(self.places(self.window()), list(range(28, 40)))
        self.assertEqual(self.places(self.window(after=self.ids[3])), list(range(4, 16)))
        self.assertFalse(self.window().begins_inside)

    def test_long_turn(self) -> None:
        """A turn longer than two windows is split, and its pieces say so."""
        self.fill({"role": "user", "content": "go"}, *[ANSWER] * 60)

        newest = self.window()
        earlier = self.window(before=newest.first_id)

        self.assertEqual(self.places(newest), list(range(51, 61)))
        self.assertEqual((newest.begins_inside, newest.ends_inside), (True, False))
        self.assertEqual((earlier.begins_inside, earlier.ends_inside), (True, True))
        self.assertEqual((newest.number, earlier.number), (1, 1))

    def test_at_a_message(self) -> None:
        """A link to a message shows its turn and the next ones."""
        self.fill(*TURN * 10)

        found = self.window(at=self.ids[6])

        self.assertEqual(self.places(found), list(range(4, 16)))
        self.assertEqual(found.number, 2)

    def test_at_a_message_far_inside(self) -> None:
        """If the turn began too far before, the window begins with the message."""
        self.fill({"role": "user", "content": "go"}, *[ANSWER] * 60)

        found = self.window(at=self.ids[40])

        self.assertEqual(self.places(found), list(range(40, 50)))
        self.assertTrue(found.begins_inside)

    def test_at_what_is_gone(self) -> None:
        """A link to a deleted message shows the messages next to it."""
        self.fill(ANSWER, *numbered(20))

        self.assertEqual(self.places(self.window(at=0)), list(range(10)))
        self.assertEqual(self.places(self.window(at=self.ids[0])), list(range(10)))
        self.assertEqual(self.places(self.window(at=10**17)), [20])

    def test_a_turn(self) -> None:
        """A turn is found by its number; too large a number finds the last turn."""
        self.fill(ANSWER, *TURN * 10)
        messages = Message.objects.filter(session="one")

        for turn, start in (("1", 1), ("7", 25), ("10", 37), ("11", 37), ("9" * 18, 37), ("0", 0)):
            found = window(messages, {"turn": turn}, turns=10)
            self.assertEqual(self.places(found)[0], start, turn)
            self.assertEqual(found.number, min(int(turn), 10), turn)

    def test_no_turn(self) -> None:
        """The newest window is shown if `turn` is not a number, or turns cannot be counted."""
        self.fill(*TURN * 10)
        messages = Message.objects.filter(session="one")
        newest = self.places(self.window())

        for turn, turns in (("x", 10), ("", 10), ("-1", 10), ("9" * 19, 10), ("3", None)):
            self.assertEqual(self.places(window(messages, {"turn": turn}, turns=turns)), newest)
        messages.delete()
        self.assertEqual(window(messages, {"turn": "3"}, turns=10).rows, [])

    def test_bad_values(self) -> None:
        """The newest window is shown for invalid ids and ids beyond both ends."""
        self.fill(*numbered(25))

        for value in ("x", "-1", "1e3", "9" * 30, "٣", ""):
            self.assertEqual(self.places(self.window(before=value)), list(range(15, 25)), value)
        self.assertEqual(self.places(self.window(before=0)), list(range(15, 25)))
        self.assertEqual(self.places(self.window(after=10**17)), list(range(15, 25)))

    def test_empty_session(self) -> None:
        """A session without messages has an empty window."""
        found = self.window()

        self.assertEqual((found.rows, found.first_id, found.last_id), ([], None, None))
        self.assertEqual(
            (found.begins_inside, found.ends_inside, found.number), (False,) * 2 + (None,)
        )


@SIZE
class ReadingTests(WindowTestCase):
    """The queries and the data that they read."""

    def test_rows_of_the_sdk(self) -> None:
        """Rows of the SDK begin turns as well, but the turns before them are not counted."""
        for item in TURN * 10:
            Message.objects.create(session=self.session(), message_data=json.dumps(item))
        self.ids = list(Message.objects.order_by("pk").values_list("pk", flat=True))

        found = self.window()

        self.assertEqual(self.places(found), list(range(28, 40)))
        self.assertEqual((found.number, self.window(after=0).number), (None, 1))

    def session(self) -> Session:
        return Session.objects.get_or_create(session_id="one")[0]

    def test_long_row_of_the_sdk(self) -> None:
        """A row of the SDK is read again if its role is at the end of a long item."""
        item = {"content": "x" * 30_000, "role": "user"}
        Message.objects.create(session=self.session(), message_data=json.dumps(item))

        self.assertEqual(self.window().rows[0].role, "user")

    def test_long_items(self) -> None:
        """Long items are read completely up to a limit, the others only at the beginning."""
        self.fill({"a": "x" * 100_000}, *[{"a": "y" * 2_000_000}] * 2, {"a": "z"})

        texts = [*self.window().texts.values()]

        self.assertEqual([text.is_whole for text in texts].count(False), 1)
        [cut] = [text for text in texts if not text.is_whole]
        self.assertEqual(len(cut.text), HEAD_LENGTH)
        self.assertGreater(cut.size, 2_000_000)

    def test_statements(self) -> None:
        """A long session takes as many queries and rows as a short one."""
        Session.objects.append("one", numbered(30))
        Session.objects.append("two", numbered(3_000))
        counts = []
        for session_id in ("one", "two"):
            with statements() as sent:
                found = window(Message.objects.filter(session_id=session_id), {})
            counts.append((len(sent), len(found.rows), len(found.before)))

        self.assertEqual(counts[0][0], counts[1][0])
        self.assertEqual(counts[1], (4, 10, 21))

    def test_limits(self) -> None:
        """Queries with a LIMIT read ids only, which an index has in order."""
        Session.objects.append("one", numbered(30))
        messages = Message.objects.filter(session_id="one")
        middle = messages.order_by("pk")[15].pk

        with CaptureQueriesContext(connection) as captured:
            window(messages, {"before": str(middle)})

        limited = [query["sql"] for query in captured if " LIMIT " in query["sql"]]
        self.assertEqual(len(limited), 2)
        for sql in limited:
            self.assertRegex(sql, r"^SELECT \S+id\S*( AS \S+)? FROM")
