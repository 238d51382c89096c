"""session_page.search: the search in a session."""

from __future__ import annotations

import json
from typing import Any

from django.test import TestCase

from agent_sessions import Message, Session
from agent_sessions.admin.session_page.search import MOST_HITS, Hits, search, sought


class SearchTests(TestCase):
    """search()."""

    def found(self, words: str, *items: Any) -> Hits:
        Session.objects.append("one", items)
        with self.assertNumQueries(1):
            return search(Message.objects.filter(session_id="one"), words)

    def test_snippets(self) -> None:
        """A hit shows the words and the text around them, in upper or lower case."""
        text = f"{'a' * 100} Any JAZZ\u202e tonight? {'b' * 100}"
        [hit] = self.found("jazz", {"role": "user", "content": text}).found

        self.assertEqual((hit.label, hit.words), ("User", "JAZZ"))
        self.assertTrue(hit.before.startswith("…a"))
        self.assertTrue(hit.after.startswith("⟨U+202E⟩ tonight?"))
        self.assertTrue(hit.after.endswith("b…"))

    def test_words_that_json_writes_otherwise(self) -> None:
        """Quotes, backslashes, wildcards of LIKE and letters beyond ASCII are found."""
        text = 'say "hi" \\ 100% of_x über'
        Session.objects.append("one", [{"role": "user", "content": text}])
        sdk = json.dumps({"role": "user", "content": text})
        Message.objects.create(session_id="one", message_data=sdk)

        for words in ('"hi"', "\\", "100%", "of_x", "über", text):
            hits = search(Message.objects.filter(session_id="one"), words)
            self.assertEqual(len(hits.found), 2, words)
        self.assertEqual(search(Message.objects.all(), "of?x").found, [])

    def test_keys(self) -> None:
        """Keys of the JSON are not found; the name of a tool is."""
        call = {"type": "function_call", "name": "search", "call_id": "c1", "arguments": "{}"}

        self.assertEqual(self.found("content", {"role": "user", "content": "Hi"}).found, [])
        self.assertEqual(len(self.found("SEARCH", call).found), 1)

    def test_strange_rows(self) -> None:
        """Damaged rows are searched as text; a hit far inside a long row has no excerpt."""
        Session.objects.append("one", [{"role": "user", "content": "x" * 70_000 + "needle"}])
        Message.objects.create(session_id="one", message_data="a needle, not JSON")

        hits = search(Message.objects.all(), "needle")

        self.assertEqual([hit.words for hit in hits.found], ["", "needle"])

    def test_many(self) -> None:
        """A search stops after MOST_HITS, and says so."""
        hits = self.found("jazz", *[{"role": "user", "content": "jazz"}] * (MOST_HITS + 1))

        self.assertEqual(
            (len(hits.found), hits.is_cut, hits.shown_words), (MOST_HITS, True, "jazz")
        )

    def test_sought(self) -> None:
        """Spaces around the words and NUL are removed, and long searches are cut."""
        self.assertEqual(sought(" a\x00b "), "ab")
        self.assertEqual(len(sought("x" * 1_000)), 200)
