"""items.truncated: items of which only the beginning was read."""

from __future__ import annotations

import json

from django.test import SimpleTestCase

from agent_sessions.items.truncated import completed
from tests.sample_items import SAMPLES


class BegunTests(SimpleTestCase):
    """completed()."""

    def test_whole(self) -> None:
        """A whole item is returned unchanged."""
        for sample in SAMPLES.values():
            self.assertEqual(completed(json.dumps(sample.item)), sample.item)

    def test_cut(self) -> None:
        """Open strings, lists and dicts end where the text ends."""
        cases = {
            '{"a": ["b", "c': {"a": ["b", "c"]},
            '{"a": [{}, {"b": "c\\': {"a": [{}, {"b": "c"}]},
            '{"a": "\\ud83': {"a": ""},
            '{"a": "]}': {"a": "]}"},
            '{"a": "': {"a": ""},
        }
        for head, item in cases.items():
            self.assertEqual(completed(head), item, head)

    def test_unknown(self) -> None:
        """A text that ends in a key or a number, or is not JSON, returns None."""
        for head in ('{"a', '{"a": 1, ', "not JSON", "]", ""):
            self.assertIsNone(completed(head), head)
