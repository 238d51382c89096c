"""turns.summaries: the numbers and first words of sessions."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from django.test import TestCase, override_settings

from agent_sessions import Message, Session
from agent_sessions.models.usage import Usage
from agent_sessions.turns.summaries import BEGINNING_LENGTH, WORDS_LENGTH, Summary, summaries
from agent_sessions.usage.steps import Step, Tokens
from tests.contract import ANSWER, LONE_SURROGATES, STRANGE_ITEMS, TURN, USER, numbered
from tests.sample_items import SAMPLES
from tests.statements import statements

PRICES = {"gpt-5-mini": {"input": "0.25", "cached": "0.025", "output": "2.00"}}
LONG = "word " * 2_000


def said(*items: Any) -> str:
    """Return the first words of a new session of these items."""
    Session.objects.all().delete()
    Session.objects.append("one", list(items))
    return summaries(["one"], with_text=True)["one"].first_words


def by_the_sdk(*items: Any) -> None:
    """Store items as the SDK's own sessions do: escaped, with blank columns."""
    Session.objects.get_or_create(session_id="one")
    for item in items:
        Message.objects.create(session_id="one", message_data=json.dumps(item))


class NumbersTests(TestCase):
    """The numbers of summaries()."""

    def test_numbers(self) -> None:
        """Messages, turns and agents are counted for each session."""
        Session.objects.append("one", TURN * 3)
        Session.objects.append("two", TURN)
        newest = Message.objects.filter(session="one").latest("pk").pk
        Message.objects.filter(pk=newest).update(agent_name="Triage")
        Message.objects.filter(pk=newest - 2).update(agent_name="Booking")

        found = summaries(["one", "two"], with_text=False)

        self.assertEqual(found["one"].messages, 12)
        self.assertEqual(found["one"].turns, 3)
        self.assertEqual(found["one"].agents, ("Booking", "Triage"))
        self.assertEqual(found["two"], Summary(messages=4, turns=1))

    def test_nothing(self) -> None:
        """An empty or missing session has an empty summary."""
        Session.objects.create(session_id="empty")

        found = summaries(["empty", "unknown"], with_text=True)

        self.assertEqual(found, {"empty": Summary(), "unknown": Summary()})
        self.assertEqual(summaries([], with_text=True), {})

    @override_settings(AGENT_SESSIONS_PRICES=PRICES)
    def test_usage(self) -> None:
        """The usage of a session's steps is summed."""
        for tokens in (Tokens(1, 1_000_000, 0, 0, 0, 1_000_000), Tokens(1)):
            Session.objects.append("one", [ANSWER], step=Step(tokens=tokens))
        Usage.objects.update(model="gpt-5-mini")

        usage = summaries(["one"], with_text=False)["one"].usage

        self.assertEqual((usage.steps, usage.unknown_steps), (2, 1))
        self.assertEqual(usage.cost, Decimal("0.25"))

    def test_rows_of_the_sdk(self) -> None:
        """The number of turns is unknown if a row has blank columns."""
        Session.objects.append("one", TURN)
        by_the_sdk(ANSWER)

        found = summaries(["one"], with_text=False)["one"]

        self.assertEqual((found.messages, found.turns), (5, None))

    def test_statements(self) -> None:
        """The number of statements depends only on whether text is asked for."""
        for number in range(30):
            Session.objects.append(f"session {number}", [*TURN, *numbered(number)])

        for ids in (["session 0"], [f"session {number}" for number in range(30)]):
            for with_text in (False, True):
                with statements() as sent:
                    summaries(ids, with_text=with_text)
                self.assertEqual(len(sent), 4 + with_text)

    def test_another_database(self) -> None:
        """Sessions are read from the database of `using`."""
        with self.assertRaisesMessage(AssertionError, "archive"):
            summaries(["one"], using="archive", with_text=False)


class FirstWordsTests(TestCase):
    """The first words of summaries()."""

    def test_first_user_message(self) -> None:
        """The first words are those of the first user message, after any other messages."""
        system = {"role": "system", "content": "Be kind."}

        self.assertEqual(said(system, *TURN, *numbered(3)), USER["content"])

    def test_no_user_message(self) -> None:
        """Without a user message there are no words."""
        self.assertEqual(said(ANSWER), "")

    def test_not_asked_for(self) -> None:
        """Without `with_text` no words are read."""
        Session.objects.append("one", TURN)

        self.assertEqual(summaries(["one"], with_text=False)["one"].first_words, "")

    def test_one_short_line(self) -> None:
        """Words are on one line, and shortened if they are long."""
        self.assertEqual(said({"role": "user", "content": " Any\n\n jazz\t? "}), "Any jazz ?")

        words = said({"role": "user", "content": LONG[:1_000]})

        self.assertLessEqual(len(words), WORDS_LENGTH)
        self.assertTrue(words.endswith("word…"), words)

    def test_rows_of_the_sdk(self) -> None:
        """A user message is found among rows with blank columns."""
        by_the_sdk({"role": "user", "content": "Één concert?"})
        self.assertEqual(summaries(["one"], with_text=True)["one"].first_words, "Één concert?")

        Message.objects.all().delete()
        by_the_sdk(ANSWER)
        Session.objects.append("one", TURN)
        self.assertEqual(summaries(["one"], with_text=True)["one"].first_words, USER["content"])

    def test_huge_items(self) -> None:
        """The words of a huge message are read from its beginning, wherever that is cut."""
        text = [{"type": "input_text", "text": LONG}]
        for padding in range(60):
            for content in ("é" * padding + LONG, [{"pad": "\\" * padding}, *text]):
                self.assertTrue(said({"role": "user", "content": content}), padding)

    def test_huge_pictures(self) -> None:
        """A huge picture is a placeholder, with the text before it."""
        picture = {"type": "input_image", "image_url": "data:image/png;base64," + "A" * 9_000}
        text = {"type": "input_text", "text": "What is this?"}

        self.assertEqual(said({"role": "user", "content": [picture, text]}), "[image]")
        self.assertEqual(
            said({"role": "user", "content": [text, picture]}), "What is this? [image]"
        )

    def test_cut_anywhere(self) -> None:
        """JSON may be cut at any character."""
        text = 'q"\\é🎷 ' * 4
        content = [{"type": "input_text", "text": text}, {"a": [1, None, {}], "b": ""}]
        item = json.dumps({"role": "user", "content": content, "n": -1.5})
        filler = " " * (BEGINNING_LENGTH - len(item))
        Session.objects.create(session_id="one")
        message = Message.objects.create(session_id="one", kind="message", role="user")

        for end in range(len(item)):  # the last character that is fetched
            message.message_data = filler + " " * (len(item) - end) + item
            message.save()
            found = summaries(["one"], with_text=True)["one"].first_words
            found = found.rstrip("\N{REPLACEMENT CHARACTER}")  # half of a character
            self.assertTrue(text.startswith(found) or found.startswith((text[:20], "[")), found)

    def test_damaged_items(self) -> None:
        """A purged, damaged or strange message has no words and raises no error."""
        message = {"kind": "message", "role": "user"}
        for text in ("", "not JSON", '"', "[" * 100_000, "}]" * 5_000, "null", "1" * 5_000):
            Session.objects.all().delete()
            Session.objects.create(session_id="one")
            Message.objects.create(session_id="one", message_data=text, **message)
            self.assertEqual(summaries(["one"], with_text=True)["one"].first_words, "", text[:9])

    def test_every_kind_of_item(self) -> None:
        """No item raises an error."""
        for item in [*STRANGE_ITEMS, *LONE_SURROGATES, *(s.item for s in SAMPLES.values())]:
            said(item).encode()
