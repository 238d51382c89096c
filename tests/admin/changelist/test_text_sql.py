"""The filter by words in messages."""

from __future__ import annotations

import json

from agent_sessions import Message, Session
from agent_sessions.admin.changelist.text_sql import saying
from tests.admin.changelist.testcase import ListTestCase
from tests.contract import TURN


class TextTests(ListTestCase):
    """TextFilter and saying()."""

    def said(self, session_id: str, text: str, *, by_the_sdk: bool = False) -> None:
        item = {"role": "user", "content": text}
        if not by_the_sdk:
            Session.objects.append(session_id, [item])
            return
        Session.objects.create(session_id=session_id)
        Message.objects.create(session_id=session_id, message_data=json.dumps(item))

    def test_words(self) -> None:
        """One message has to contain all words, in any order and case."""
        self.said("one", "Any Jazz tonight?")
        self.said("two", "Any jazz?")
        self.said("two", "Not tonight.")

        self.assertEqual(self.found(says="tonight JAZZ"), ["one"])
        self.assertCountEqual(self.found(says="jazz"), ["two", "one"])
        self.assertEqual(self.found(says="blues"), [])

    def test_json(self) -> None:
        """Words with characters that JSON escapes are found."""
        texts = [
            'the "quoted" word',
            "back\\slash",
            "één café",
            "日本語",
            "100%_sure",
            "it's",
            "a/b",
        ]
        for text in texts:
            for by_the_sdk in (False, True):
                self.said(f"{text} {by_the_sdk}", text, by_the_sdk=by_the_sdk)

        for text in texts:
            for words in (text, *text.split()):
                found = {session.pk for session in Session.objects.filter(saying(words))}
                self.assertEqual(found, {f"{text} False", f"{text} True"}, words)
            self.assertFalse(Session.objects.filter(saying(f"{text} but")))

    def test_boilerplate(self) -> None:
        """Words that are in the JSON of every item are found only where somebody wrote them."""
        for by_the_sdk in (False, True):
            Session.objects.all().delete()
            Session.objects.append("boilerplate", TURN)
            self.said("said", "The User's role: content of type text", by_the_sdk=by_the_sdk)
            for word in ("User", "role", "content", "Type", "text"):
                self.assertEqual(self.found(says=word), ["said"], word)

    def test_half_characters(self) -> None:
        """An item with a lone surrogate, whose JSON is escaped, is found by its other words."""
        self.said("one", "half \ud83d and één")

        self.assertEqual(self.found(says="één"), ["one"])

    def test_patterns(self) -> None:
        """Wildcards of SQL are searched for as they are."""
        self.said("one", "plain")

        for word in ("%", "_____", "p%n", "\\", '"'):
            self.assertEqual(self.found(says=f"plain {word}" if word == '"' else word), [], word)

    def test_nothing(self) -> None:
        """A search without words finds all sessions."""
        self.said("one", "plain")

        for words in ("", " ", "\x00"):
            self.assertEqual(self.found(says=words), ["one"])

    def test_form(self) -> None:
        """The form keeps its words and the other filters, and can be cleared."""
        page = self.get(says='a"b', state="complete")

        self.assertContains(page, 'name="says" value="a&quot;b"')
        self.assertContains(page, '<input type="hidden" name="state" value="complete">')
        self.assertContains(page, 'href="?state=complete">Clear</a>')

    def test_without_content(self) -> None:
        """A user who may not read content gets no form, and its parameter is ignored."""
        self.said("one", "Any jazz?")
        self.login_without_content()

        self.assertNotContains(self.get(), "Search in messages")
        self.assertEqual(self.found(says="blues"), ["one"])

    def test_purged(self) -> None:
        """Purged messages are not found."""
        self.said("one", "Any jazz?")
        Message.objects.update(message_data="")

        self.assertEqual(self.found(says="jazz"), [])
