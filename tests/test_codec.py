"""items: text that gives back the item, and columns of every kind of it."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from enum import IntEnum
from typing import Any

from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from agent_sessions.exceptions import ItemError
from agent_sessions.items.codec import UnreadableItemError, decode, encode, encode_all
from agent_sessions.items.columns import KIND_LENGTH, NAME_LENGTH, columns
from tests.sample_items import SAMPLES

# Text of every code point there is, halves of surrogate pairs included. Two halves in a row are
# one character to every JSON reader, so that no two halves stand beside each other here.
texts = st.text(st.characters(codec="utf-8") | st.just("\x00")) | st.sampled_from(
    ["\ud800", "a\udfffb", "\ud83d 日本語"]
)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=25,
)


class RoundTripTests(SimpleTestCase):
    """encode() and decode()."""

    @given(json_values)
    def test_every_json_value(self, value: Any) -> None:
        """What was encoded comes back equal, and any JSON reader reads it."""
        text = encode(value)

        self.assertEqual(decode(text), value)
        self.assertEqual(json.loads(text), value)

    @given(json_values)
    def test_databases_can_keep_the_text(self, value: Any) -> None:
        """The text is UTF-8 without NUL, which PostgreSQL refuses."""
        self.assertNotIn(b"\x00", encode(value).encode("utf-8"))

    def test_types_are_kept(self) -> None:
        """1, 1.0 and True are equal in Python and three values in JSON."""
        self.assertEqual(encode([1, 1.0, True, -0.0]), "[1,1.0,true,-0.0]")

    def test_text_stays_searchable(self) -> None:
        """Letters of any script are stored as themselves, not as escapes."""
        self.assertEqual(encode({"content": "naïve 日本語 🎷"}), '{"content":"naïve 日本語 🎷"}')

    def test_lone_surrogate_escapes_its_item(self) -> None:
        """An item that UTF-8 cannot write is escaped as a whole."""
        self.assertEqual(encode("é\ud83d"), '"\\u00e9\\ud83d"')

    def test_depth(self) -> None:
        """An item is as deep as Python writes and reads, hundreds of levels."""
        item: Any = "bottom"
        for _ in range(800):
            item = {"inner": [item]} if isinstance(item, str) else [item]

        self.assertEqual(decode(encode(item)), item)

    def test_read_deep_in_the_stack(self) -> None:
        """An item that could be written is read, however many calls are around the reader."""
        depth = 900
        text = encode(json.loads("[" * depth + "]" * depth))

        def called(calls: int) -> Any:
            return called(calls - 1) if calls else decode(text)

        self.assertEqual(json.dumps(called(300)), text)

    def test_tuples_and_named_numbers(self) -> None:
        """A tuple is stored as a list, a member of an IntEnum as its number."""
        number = IntEnum("number", ["ONE"]).ONE

        self.assertEqual(decode(encode({"a": (1, (2,))})), {"a": [1, [2]]})
        self.assertEqual(decode(encode([number])), [1])


class RefusalTests(SimpleTestCase):
    """What is not JSON."""

    def refused(self, item: Any, message: str) -> None:
        with self.assertRaisesMessage(ItemError, message):
            encode_all([{"role": "user"}, item])

    def test_value_of_another_type(self) -> None:
        """A value that JSON does not have is named by path and type, with what to do."""
        self.refused({"at": [0, {"price": Decimal(1)}]}, "items[1]['at'][1]['price'] is a Decimal")
        self.refused({"data": b"x"}, "items[1]['data'] is a bytes, which JSON does not have.")
        self.refused(object(), "items[1] is a object")

    def test_key_that_is_no_string(self) -> None:
        """json.dumps would write the keys 1 and "1" alike and lose one of them."""
        self.refused({"prices": {1: "a", "1": "b"}}, "items[1]['prices'] has the key 1")

    def test_numbers_that_json_lacks(self) -> None:
        """NaN and the infinities are refused, as a strict reader would refuse them."""
        for number in (float("nan"), float("inf"), float("-inf")):
            self.refused([number], f"items[1][0] is {number}, which JSON does not have")

    def test_integer_that_python_will_not_write(self) -> None:
        """An integer beyond Python's limit of digits is refused before it is stored."""
        digits = sys.get_int_max_str_digits()

        self.assertEqual(decode(encode(10 ** (digits - 1))), 10 ** (digits - 1))
        self.refused({"n": 10**digits}, "items[1]['n'] is an integer of too many digits")

    def test_nesting_without_end(self) -> None:
        """An item nested deeper than Python follows, or in itself, is refused."""
        deep: list[Any] = []
        for _ in range(100_000):
            deep = [deep]
        self.refused(deep, "nested too deeply")

        endless: dict[str, Any] = {}
        endless["again"] = [endless]
        self.refused(endless, "contains itself")

    def test_model_that_is_not_json(self) -> None:
        """A value inside a pydantic model is named by its path as well."""

        class Price(BaseModel):
            amount: float

        self.refused({"prices": [Price(amount=float("nan"))]}, "['prices'][0]['amount'] is nan")

    def test_text_that_is_not_json(self) -> None:
        """Text that cannot be read says so by an error of its own."""
        for text in ("", "not JSON", '{"cut": ', "[" * 100_000, "1" * 5_000):
            with self.assertRaises(UnreadableItemError):
                decode(text)


class ColumnsTests(SimpleTestCase):
    """columns()."""

    def test_every_kind(self) -> None:
        """Kind, role, tool and call are found in items of all kinds."""
        for name, sample in SAMPLES.items():
            with self.subTest(name):
                self.assertEqual(columns(sample.item)[:4], sample.columns)

    @given(
        st.dictionaries(
            st.sampled_from(["type", "role", "name", "call_id", "id", "approval_request_id"]),
            json_values | st.text(min_size=300, max_size=400),
        )
    )
    def test_always_fits(self, item: dict[str, Any]) -> None:
        """Whatever stands in an item, its columns fit every database."""
        *found, failed = columns(item)

        self.assertIn(failed, (True, False, None))
        for value, length in zip(found, (KIND_LENGTH, 32, NAME_LENGTH, NAME_LENGTH), strict=True):
            self.assertLessEqual(len(value), length)
            self.assertNotIn(b"\x00", value.encode("utf-8"))
