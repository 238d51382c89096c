"""reading: nothing that an item holds is lost, whoever invented it."""

from __future__ import annotations

from typing import Any

from django.test import SimpleTestCase
from hypothesis import given

from agent_sessions.items import Item
from agent_sessions.items.reading import OPAQUE, QUIET, USUAL, Reading
from agent_sessions.transcript import text_of
from tests.browser import ROOT
from tests.item_strategies import items, places, shown_leaves


def rest(reading: Reading) -> dict[str, Any]:
    return dict(reading.rest())


class ReadingTests(SimpleTestCase):
    """Reading."""

    def test_what_is_left(self) -> None:
        """Values that are not taken are left under their path, those of unexpected types too."""
        reading = Reading({"text": 1, "action": {"query": "jazz", "depth": 2}, "words": ["a", 1]})

        self.assertEqual(reading.text("text"), "")
        self.assertEqual(reading.inside("action").text("query"), "jazz")
        self.assertEqual(reading.texts("words"), [])
        self.assertEqual(rest(reading), {"text": 1, "words": ["a", 1], "action.depth": 2})

    def test_lists(self) -> None:
        """Dicts of a list are readings under their places; a list of other values is left."""
        reading = Reading({"results": [{"text": "a", "score": 1}, {"text": "b"}], "tools": [1]})

        texts = [result.text("text") for result in reading.dicts("results")]

        self.assertEqual((texts, reading.dicts("tools")), (["a", "b"], []))
        self.assertEqual(rest(reading), {"tools": [1], "results.0.score": 1})

    def test_empty_dicts(self) -> None:
        """An empty dict says nothing, alone or in a list."""
        reading = Reading({"results": [{}, {"text": "a"}], "output": {}})

        self.assertEqual(reading.each("output"), [{}])
        self.assertEqual([one.text("text") for one in reading.dicts("results")], ["a"])
        self.assertEqual(rest(reading), {})

    def test_untouched_dict(self) -> None:
        """A dict is shown whole if nothing of it is taken: its type may be all that it says."""
        reading = Reading({"outcome": {"type": "killed"}})
        reading.inside("outcome").text("signal")

        self.assertEqual(rest(reading), {"outcome": {"type": "killed"}})

    def test_what_is_left_out(self) -> None:
        """Names, places and encrypted content are left out, and what is usual or empty."""
        self.assertEqual(
            {*QUIET, *OPAQUE, *USUAL},
            {
                *("type", "phase", "id", "call_id", "caller", "caller_id", "approval_request_id"),
                *("file_id", "container_id", "fingerprint", "index", "start_index", "end_index"),
                *("encrypted_content", "logprobs", "status", "detail"),
            },
        )
        docs = (ROOT / "docs" / "admin.md").read_text(encoding="utf-8")
        self.assertEqual(
            [name for name in {*QUIET, *OPAQUE, *USUAL} if f"`{name}`" not in docs], []
        )
        usual = {"status": "completed", "detail": "auto", "caller": {"type": "direct"}}
        unusual = {"status": "queued", "detail": "high", "caller": {"name": "cron"}, "id": [1]}
        empty = {"error": None, "text": "", "sources": [], "environment": {}, "action": {}}
        search = Reading({"action": {}})
        self.assertEqual(search.inside("action").text("query"), "")

        self.assertEqual(rest(search), {})
        self.assertEqual(rest(Reading({**usual, **empty, "id": "x", "logprobs": [{"a": 1}]})), {})
        self.assertEqual(rest(Reading(unusual)), unusual)


class LeavesTests(SimpleTestCase):
    """transcript.text_of(), of items that hold more than the code knows."""

    def test_search_of_several_queries(self) -> None:
        """A search shows each of its queries, and the sources that it found."""
        action = {
            "type": "search",
            "query": "a",
            "queries": ["a", "b"],
            "sources": [{"type": "url", "url": "https://x.example/1"}],
        }
        item = {"type": "web_search_call", "id": "w", "status": "completed", "action": action}

        self.assertEqual(text_of(item), "a\nb\nhttps://x.example/1")

    def test_what_models_add(self) -> None:
        """Sources, errors that are dicts, places of tools, warnings and results are shown."""
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
        """Every leaf is in the text, except those that are left out on purpose."""
        text = text_of(item)

        lost = {leaf for leaf in shown_leaves(item) if leaf not in text} - places(item)
        self.assertEqual(lost, set(), text)

    def test_no_envelope(self) -> None:
        """An item that calls itself encrypted and is not an envelope is shown."""
        self.assertEqual(text_of({"type": "encrypted"}), '{\n  "type": "encrypted"\n}')
