"""items.reading: the values of an item that were read, and the rest."""

from __future__ import annotations

from typing import Any

from django.test import SimpleTestCase

from agent_sessions.items.reading import OPAQUE, QUIET, USUAL, Reading
from tests.browser import ROOT


def rest(reading: Reading) -> dict[str, Any]:
    return dict(reading.rest())


class ReadingTests(SimpleTestCase):
    """Reading."""

    def test_what_is_left(self) -> None:
        """Values that were not read, or have another type, are left under their path."""
        reading = Reading({"text": 1, "action": {"query": "jazz", "depth": 2}, "words": ["a", 1]})

        self.assertEqual(reading.text("text"), "")
        self.assertEqual(reading.inside("action").text("query"), "jazz")
        self.assertEqual(reading.texts("words"), [])
        self.assertEqual(rest(reading), {"text": 1, "words": ["a", 1], "action.depth": 2})

    def test_lists(self) -> None:
        """The dicts of a list are readings with their own rest; a list of other values is left."""
        reading = Reading({"results": [{"text": "a", "score": 1}, {"text": "b"}], "tools": [1]})

        texts = [result.text("text") for result in reading.dicts("results")]

        self.assertEqual((texts, reading.dicts("tools")), (["a", "b"], []))
        self.assertEqual(rest(reading), {"tools": [1], "results.0.score": 1})

    def test_empty_dicts(self) -> None:
        """An empty dict is not part of the rest, alone or in a list."""
        reading = Reading({"results": [{}, {"text": "a"}], "output": {}})

        self.assertEqual(reading.each("output"), [{}])
        self.assertEqual([one.text("text") for one in reading.dicts("results")], ["a"])
        self.assertEqual(rest(reading), {})

    def test_untouched_dict(self) -> None:
        """A dict of which nothing was read is left whole, with its type."""
        reading = Reading({"outcome": {"type": "killed"}})
        reading.inside("outcome").text("signal")

        self.assertEqual(rest(reading), {"outcome": {"type": "killed"}})

    def test_what_is_left_out(self) -> None:
        """Ids, indexes, encrypted content, usual values and empty values are left out."""
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
        empty: dict[str, Any] = {
            "error": None,
            "text": "",
            "sources": [],
            "environment": {},
            "action": {},
        }
        search = Reading({"action": {}})
        self.assertEqual(search.inside("action").text("query"), "")

        self.assertEqual(rest(search), {})
        self.assertEqual(rest(Reading({**usual, **empty, "id": "x", "logprobs": [{"a": 1}]})), {})
        self.assertEqual(rest(Reading(unusual)), unusual)
