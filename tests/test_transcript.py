"""transcript: every item as a person reads it."""

from __future__ import annotations

from typing import Any

from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from agent_sessions.transcript import entries, entry, text_of
from tests.sample_items import SAMPLES
from tests.test_codec import json_values

FIELDS = ["type", "role", "content", "output", "outputs", "arguments", "action", "tools", "summary"]
KINDS = [sample.columns[0] for sample in SAMPLES.values()]


class TextTests(SimpleTestCase):
    """text_of()."""

    def test_every_kind(self) -> None:
        """Items of all kinds say what is in them."""
        for name, sample in SAMPLES.items():
            with self.subTest(name):
                self.assertIn(sample.text, text_of(sample.item))

    def test_images_are_not_shown(self) -> None:
        """Neither data nor addresses of images and files stand in the text."""
        for name in ("a message in parts", "a computer's screenshot", "an image made"):
            text = text_of(SAMPLES[name].item)
            for hidden in ("base64", "https:", "AAAA", "JVBER"):
                self.assertNotIn(hidden, text)

    @given(st.sampled_from(KINDS), st.dictionaries(st.sampled_from(FIELDS), json_values))
    def test_never_fails(self, kind: str, fields: dict[str, Any]) -> None:
        """An item whose fields hold anything at all still has a text."""
        self.assertIsInstance(text_of({**fields, "type": kind}), str)

    def test_half_characters(self) -> None:
        """A lone surrogate, which no page can be sent with, is shown as what is missing."""
        self.assertEqual(text_of({"role": "user", "content": "half \ud83d"}), "half \ufffd")

    def test_bottomless_item(self) -> None:
        """An item nested deeper than Python follows is shown as what it is."""
        item: Any = "bottom"
        for _ in range(100_000):
            item = [item]

        self.assertEqual(text_of({"role": "user", "content": item}), "[nested too deeply to show]")


class EntryTests(SimpleTestCase):
    """entries()."""

    def test_labels(self) -> None:
        """The label says who or what, and which tool unless the kind says that too."""
        labels = {name: entry(sample.item).label for name, sample in SAMPLES.items()}

        self.assertEqual(labels["a user's words"], "User")
        self.assertEqual(labels["a function call"], "Function call: search")
        self.assertEqual(labels["a web search"], "Web search call")
        self.assertEqual(labels["a server's tool called"], "Mcp call: buy")
        self.assertEqual(labels["nothing"], "Unknown item")
        self.assertEqual(entry({"type": "message", "role": ""}).label, "Message")

    def test_one_entry_per_item(self) -> None:
        """No item is left out, and the order is kept."""
        found = entries(sample.item for sample in SAMPLES.values())

        self.assertEqual([one.kind for one in found], KINDS)
