"""items.codec: items as text and back."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from enum import IntEnum
from typing import Any

from django.test import SimpleTestCase
from hypothesis import given
from pydantic import BaseModel

from agent_sessions.exceptions import ItemError
from agent_sessions.items.codec import UnreadableItemError, decode, encode, encode_all
from tests.json_values import json_values


class RoundTripTests(SimpleTestCase):
    """encode() and decode()."""

    @given(json_values)
    def test_every_json_value(self, value: Any) -> None:
        """An encoded value is decoded to an equal one, by any JSON reader."""
        text = encode(value)

        self.assertEqual(decode(text), value)
        self.assertEqual(json.loads(text), value)

    @given(json_values)
    def test_databases_can_keep_the_text(self, value: Any) -> None:
        """The text can be encoded in UTF-8 and has no NUL, which PostgreSQL rejects."""
        self.assertNotIn(b"\x00", encode(value).encode("utf-8"))

    def test_types_are_kept(self) -> None:
        """1, 1.0 and True, which are equal in Python, are encoded as three values."""
        self.assertEqual(encode([1, 1.0, True, -0.0]), "[1,1.0,true,-0.0]")

    def test_text_stays_searchable(self) -> None:
        """Letters of any script are stored unescaped."""
        self.assertEqual(encode({"content": "naïve 日本語 🎷"}), '{"content":"naïve 日本語 🎷"}')

    def test_lone_surrogate_escapes_its_item(self) -> None:
        """An item with a lone surrogate, which UTF-8 lacks, is escaped whole."""
        self.assertEqual(encode("é\ud83d"), '"\\u00e9\\ud83d"')

    def test_depth(self) -> None:
        """Items may be nested hundreds of levels deep."""
        item: Any = "bottom"
        for _ in range(800):
            item = {"inner": [item]} if isinstance(item, str) else [item]

        self.assertEqual(decode(encode(item)), item)

    def test_depth_of_the_stack(self) -> None:
        """A stored item is decoded even if the reader is itself called at great depth."""
        depth = 900
        text = encode(json.loads("[" * depth + "]" * depth))

        def called(calls: int) -> Any:
            return called(calls - 1) if calls else decode(text)

        self.assertEqual(json.dumps(called(300)), text)

    def test_tuples_and_named_numbers(self) -> None:
        """A tuple is encoded as a list, a member of an IntEnum as its number."""

        class Number(IntEnum):
            ONE = 1

        self.assertEqual(decode(encode({"a": (1, (2,))})), {"a": [1, [2]]})
        self.assertEqual(decode(encode([Number.ONE])), [1])


class RefusalTests(SimpleTestCase):
    """Values that are not JSON."""

    def assert_refused(self, item: Any, message: str) -> None:
        with self.assertRaisesMessage(ItemError, message):
            encode_all([{"role": "user"}, item])

    def test_value_of_another_type(self) -> None:
        """The error names the path and the type of the value."""
        self.assert_refused(
            {"at": [0, {"price": Decimal(1)}]}, "items[1]['at'][1]['price'] is a Decimal"
        )
        self.assert_refused(
            {"data": b"x"}, "items[1]['data'] is a bytes, which JSON does not have."
        )
        self.assert_refused(object(), "items[1] is a object")

    def test_key_that_is_not_a_string(self) -> None:
        """A key that is not text is refused: json.dumps would write 1 and "1" alike."""
        self.assert_refused({"prices": {1: "a", "1": "b"}}, "items[1]['prices'] has the key 1")

    def test_numbers_that_json_lacks(self) -> None:
        """NaN and the infinities are refused, since JSON lacks them."""
        for number in (float("nan"), float("inf"), float("-inf")):
            self.assert_refused([number], f"items[1][0] is {number}, which JSON does not have")

    def test_long_integer(self) -> None:
        """An integer with more digits than Python converts is refused."""
        digits = sys.get_int_max_str_digits()

        self.assertEqual(decode(encode(10 ** (digits - 1))), 10 ** (digits - 1))
        self.assert_refused({"n": 10**digits}, "items[1]['n'] is an integer of too many digits")

    def test_nesting_without_end(self) -> None:
        """An item nested too deeply, or inside itself, is refused."""
        deep: list[Any] = []
        for _ in range(100_000):
            deep = [deep]
        self.assert_refused(deep, "nested too deeply")

        endless: dict[str, Any] = {}
        endless["again"] = [endless]
        self.assert_refused(endless, "contains itself")

    def test_model_that_is_not_json(self) -> None:
        """The path leads to the value inside a pydantic model."""

        class Price(BaseModel):
            amount: float

        self.assert_refused(
            {"prices": [Price(amount=float("nan"))]}, "['prices'][0]['amount'] is nan"
        )

    def test_text_that_is_not_json(self) -> None:
        """Decoding text that is not JSON raises UnreadableItemError."""
        for text in ("", "not JSON", '{"cut": ', "[" * 100_000, "1" * 5_000):
            with self.assertRaises(UnreadableItemError):
                decode(text)
