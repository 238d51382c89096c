"""transfer.json_document: a session as a JSON document."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any

from django.contrib.auth.models import User
from django.test import TestCase, override_settings

from agent_sessions import Message, Session, Usage
from agent_sessions.transfer import document
from agent_sessions.transfer.batches import BATCH
from tests.contract import (
    ANSWER,
    TURN,
    USER,
    numbered,
)
from tests.exported_sessions import ALL, PRICES, session, step, store
from tests.statements import statements


class DocumentTests(TestCase):
    """document()."""

    def read(self, **options: Any) -> Any:
        def refuse(constant: str) -> None:
            raise AssertionError(f"{constant} is not JSON")

        text = "".join(document(session(), **options))
        text.encode()  # fails at a lone surrogate
        return json.loads(text, parse_constant=refuse)

    @override_settings(AGENT_SESSIONS_PRICES=PRICES)
    def test_whole_session(self) -> None:
        """The document has the session's columns, totals, messages and usage."""
        owner = User.objects.create_user("annelies")
        Session.objects.append("parent", TURN, user=owner)
        Session.objects.fork("parent", "one")
        Session.objects.append("one", [USER, ANSWER], step=step())
        Usage.objects.update(model="gpt-5-mini")
        row = session(title="Jazz", metadata={"tenant": 7})

        read = self.read()

        first, *_, last = Message.objects.filter(session="one").order_by("pk")
        usage = Usage.objects.get()
        about = ("session_id", "title", "owner", "parent", "metadata")
        self.assertEqual(
            [read[name] for name in about], ["one", "Jazz", "annelies", "parent", {"tenant": 7}]
        )
        for name in ("created_at", "updated_at", "forked_at"):
            self.assertEqual(read[name], getattr(row, name).isoformat())
        self.assertEqual(read["totals"]["messages"], 6)
        self.assertEqual(read["totals"]["total_tokens"], 15)
        self.assertEqual(read["totals"]["cost"], str(Usage.objects.total().cost))
        self.assertIsNone(read["totals"]["currency"])
        self.assertEqual([message["item"] for message in read["messages"]], [*TURN, USER, ANSWER])
        self.assertEqual(read["messages"][0]["id"], first.pk)
        self.assertEqual(read["messages"][0]["created_at"], first.created_at.isoformat())
        self.assertEqual(read["messages"][-1]["agent_name"], "Calendar Club")
        self.assertEqual(read["messages"][-1]["kind"], "message")
        self.assertEqual(read["usage"][0]["message_id"], last.pk)
        self.assertEqual(read["usage"][0]["output_tokens"], usage.output_tokens)
        self.assertEqual(read["usage"][0]["trace_id"], "trace_1")

    def test_empty_session(self) -> None:
        """An empty session without an owner has a document."""
        Session.objects.create(session_id="one")

        read = self.read()

        self.assertEqual((read["owner"], read["parent"], read["messages"]), (None, None, []))
        self.assertEqual((read["totals"]["cost"], read["usage"]), ("0", []))

    def test_unknown_cost(self) -> None:
        """An unknown cost is null, not 0."""
        Session.objects.append("one", TURN, step=step())

        self.assertIsNone(self.read()["totals"]["cost"])

    def test_strange_items(self) -> None:
        """Every item is exported unchanged: surrogates, NUL, integers of any length."""
        Session.objects.append("one", ALL)

        self.assertEqual([message["item"] for message in self.read()["messages"]], ALL)

    def test_strange_columns(self) -> None:
        """Titles and metadata are exported unchanged."""
        Session.objects.append("one", TURN)
        metadata = {"\x00": "\ud83d", "big": 10**400, "quotes": "\"'\u2028"}

        strange = session(title='"\\ \u202e</script>')
        strange.metadata = metadata  # as a database may return it

        read = json.loads("".join(document(strange)))
        self.assertEqual((read["metadata"], read["title"]), (metadata, strange.title))

    def test_unreadable_rows(self) -> None:
        """A row that is not strict JSON is exported as text, a purged one as null."""
        Session.objects.append("one", [USER])
        Session.objects.purge("one")
        unreadable = ["not JSON", '{"price": NaN}', "[" * 100_000, '{"cut": "\n']
        for text in unreadable:
            store(text)

        purged, *others = self.read()["messages"]

        self.assertEqual((purged["item"], purged["kind"]), (None, "message"))
        self.assertNotIn("unreadable", purged)
        self.assertEqual([message["unreadable"] for message in others], unreadable)
        self.assertEqual({message["item"] for message in others}, {None})

    def test_on_one_line(self) -> None:
        """With an empty `line_end` the document is one line, even if stored items have several."""
        Session.objects.append("one", ALL)
        store('{\n"role":\r\n"user"}')

        text = "".join(document(session(), line_end=""))

        self.assertNotRegex(text, "[\r\n]")
        self.assertEqual(json.loads(text)["messages"][-1]["item"], {"role": "user"})

    def test_in_pieces(self) -> None:
        """The document begins before the whole session has been read."""
        Session.objects.append("one", numbered(5 * BATCH))

        with statements() as sent:
            begun = "".join(islice(document(session()), BATCH))

        self.assertIn("item 98", begun)
        self.assertLess(len(sent), 7)
