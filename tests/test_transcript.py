"""transcript: every item as readable text."""

from __future__ import annotations

from typing import Any

from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from agent_sessions.items import Item
from agent_sessions.transcript import entries, entry, text_of
from tests.item_strategies import items, places, shown_leaves
from tests.json_values import json_values
from tests.sample_items import SAMPLES

FIELDS = ["type", "role", "content", "output", "outputs", "arguments", "action", "tools", "summary"]
KINDS = [sample.columns[0] for sample in SAMPLES.values()]


class TextTests(SimpleTestCase):
    """text_of()."""

    def test_every_kind(self) -> None:
        """Items of every kind have the expected text."""
        for name, sample in SAMPLES.items():
            with self.subTest(name):
                self.assertIn(sample.text, text_of(sample.item))

    def test_images_are_not_shown(self) -> None:
        """The data and addresses of images and files are not in the text."""
        for name in ("a message in parts", "a computer's screenshot", "an image made"):
            text = text_of(SAMPLES[name].item)
            for hidden in ("base64", "https:", "AAAA", "JVBER"):
                self.assertNotIn(hidden, text)

    @given(st.sampled_from(KINDS), st.dictionaries(st.sampled_from(FIELDS), json_values))
    def test_never_fails(self, kind: str, fields: dict[str, Any]) -> None:
        """An item with any values in its fields has a text."""
        self.assertIsInstance(text_of({**fields, "type": kind}), str)

    def test_lone_surrogates(self) -> None:
        """A lone surrogate, which cannot be encoded, becomes the replacement character."""
        self.assertEqual(text_of({"role": "user", "content": "half \ud83d"}), "half \ufffd")

    def test_depth(self) -> None:
        """An item nested too deeply for Python is shown as a note."""
        item: Any = "bottom"
        for _ in range(100_000):
            item = [item]

        self.assertEqual(text_of({"role": "user", "content": item}), "[nested too deeply to show]")


class EntryTests(SimpleTestCase):
    """entries()."""

    def test_labels(self) -> None:
        """The label has the role or kind, and the tool unless the kind names it."""
        labels = {name: entry(sample.item).label for name, sample in SAMPLES.items()}

        self.assertEqual(labels["a user's words"], "User")
        self.assertEqual(labels["a function call"], "Function call: search")
        self.assertEqual(labels["a web search"], "Web search call")
        self.assertEqual(labels["a server's tool called"], "Mcp call: buy")
        self.assertEqual(labels["nothing"], "Unknown item")
        self.assertEqual(entry({"type": "message", "role": ""}).label, "Message")

    def test_one_entry_per_item(self) -> None:
        """Each item has an entry, in the same order."""
        found = entries(sample.item for sample in SAMPLES.values())

        self.assertEqual([one.kind for one in found], KINDS)


class LeavesTests(SimpleTestCase):
    """text_of(), of items with fields that the code does not know."""

    def test_search_of_several_queries(self) -> None:
        """The text of a web search has each query and each source."""
        action = {
            "type": "search",
            "query": "a",
            "queries": ["a", "b"],
            "sources": [{"type": "url", "url": "https://x.example/1"}],
        }
        item = {"type": "web_search_call", "id": "w", "status": "completed", "action": action}

        self.assertEqual(text_of(item), "a\nb\nhttps://x.example/1")

    def test_added_fields(self) -> None:
        """Citations, errors, namespaces, servers, safety checks and exit codes are shown."""
        citation = {"type": "url_citation", "url": "https://x.example", "title": "Ferry"}
        said = {"type": "output_text", "text": "At 9.", "annotations": [citation]}
        checks = [{"code": "malicious", "message": "Odd site"}]
        cases: dict[str, dict[str, Any]] = {
            "At 9.\nFerry: https://x.example": {"role": "assistant", "content": [said]},
            'buy({})\n{\n  "code": 7\n}\nserver_label: shop': {
                "type": "mcp_call",
                "name": "buy",
                "arguments": "{}",
                "server_label": "shop",
                "error": {"code": 7},
            },
            "crm.find({})": {
                "type": "function_call",
                "call_id": "c",
                "status": "completed",
                "name": "find",
                "namespace": "crm",
                "arguments": "{}",
            },
            'wait\npending_safety_checks: [{"code": "malicious", "message": "Odd site"}]': {
                "type": "computer_call",
                "pending_safety_checks": checks,
                "action": "wait",
            },
            "no\n[exit code 2]": {
                "type": "shell_call_output",
                "output": [{"stderr": "no", "outcome": {"type": "exit", "exit_code": 2}}],
            },
            "approve: maybe": {"type": "mcp_approval_response", "approve": "maybe"},
            "yes": {
                "type": "shell_call_output",
                "output": [{"stdout": "yes", "outcome": {"type": "exit", "exit_code": 0}}],
            },
        }

        for text, item in cases.items():
            self.assertEqual(text_of(item), text)

    @given(items)
    def test_every_leaf(self, item: Item) -> None:
        """Every leaf is in the text, except those left out on purpose."""
        text = text_of(item)

        lost = {leaf for leaf in shown_leaves(item) if leaf not in text} - places(item)
        self.assertEqual(lost, set(), text)

    def test_fake_envelope(self) -> None:
        """An item of type "encrypted" that is not an envelope is shown."""
        self.assertEqual(text_of({"type": "encrypted"}), '{\n  "type": "encrypted"\n}')
