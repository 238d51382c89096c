"""heads: items of which only the beginning was fetched."""

from __future__ import annotations

import json

from django.test import SimpleTestCase

from agent_sessions.items.truncated import completed
from tests.sample_items import SAMPLES


class BegunTests(SimpleTestCase):
    """completed()."""

    def test_whole(self) -> None:
        """An item that is whole is what it is."""
        for sample in SAMPLES.values():
            self.assertEqual(completed(json.dumps(sample.item)), sample.item)

    def test_cut(self) -> None:
        """Strings, lists and dicts that are open end where the text ends."""
        cases = {
            '{"a": ["b", "c': {"a": ["b", "c"]},
            '{"a": [{}, {"b": "c\\': {"a": [{}, {"b": "c"}]},
            '{"a": "\\ud83': {"a": ""},
            '{"a": "]}': {"a": "]}"},
            '{"a": "': {"a": ""},
        }
        for head, item in cases.items():
            self.assertEqual(completed(head), item, head)

    def test_no_item(self) -> None:
        """Where a key or a number was cut nothing is known, nor of what is no JSON."""
        for head in ('{"a', '{"a": 1, ', "not JSON", "]", ""):
            self.assertIsNone(completed(head), head)
