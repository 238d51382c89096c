"""items.columns: kind, role, tool and call of an item."""

from __future__ import annotations

from typing import Any

from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from agent_sessions.items.columns import KIND_LENGTH, NAME_LENGTH, columns
from tests.json_values import json_values
from tests.sample_items import SAMPLES


class ColumnsTests(SimpleTestCase):
    """columns()."""

    def test_every_kind(self) -> None:
        """Kind, role, tool and call are found in items of every kind."""
        for name, sample in SAMPLES.items():
            with self.subTest(name):
                self.assertEqual(columns(sample.item)[:4], sample.columns)

    def test_program(self) -> None:
        """A program, which calls tools, is the model's."""
        program = {"type": "program", "call_id": "p", "code": "await search()"}

        self.assertEqual(columns(program)[:4], ("program", "assistant", "", "p"))

    @given(
        st.dictionaries(
            st.sampled_from(["type", "role", "name", "call_id", "id", "approval_request_id"]),
            json_values | st.text(min_size=300, max_size=400),
        )
    )
    def test_always_fits(self, item: dict[str, Any]) -> None:
        """The columns of any item fit every database."""
        *found, failed = columns(item)

        self.assertIn(failed, (True, False, None))
        for value, length in zip(found, (KIND_LENGTH, 32, NAME_LENGTH, NAME_LENGTH), strict=True):
            self.assertLessEqual(len(value), length)
            self.assertNotIn(b"\x00", value.encode("utf-8"))
