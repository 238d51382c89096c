"""text.visible: invisible characters are named."""

from __future__ import annotations

from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from agent_sessions.text.visible import visible


class VisibleTests(SimpleTestCase):
    """visible()."""

    def test_invisible_characters(self) -> None:
        """Controls, overrides, isolates, zero widths and tags are shown as their code points."""
        for code in (0x00, 0x1B, 0x7F, 0x85, 0x202E, 0x2066, 0x200B, 0x2060, 0xFEFF, 0xE0041):
            with self.subTest(hex(code)):
                self.assertEqual(visible(f"a{chr(code)}b"), f"a⟨U+{code:04X}⟩b")

    def test_lone_surrogates(self) -> None:
        """A lone surrogate becomes the replacement character, which can be encoded."""
        self.assertEqual(visible("half \ud83d"), "half \ufffd")

    def test_joiners_and_marks(self) -> None:
        """Line breaks, joiners and directional marks stay."""
        text = "a\tb\r\nc 👩\u200d💻 نمی\u200cرود \u200e\u200f 日本語"

        self.assertEqual(visible(text), text)

    @given(st.text(st.characters(codec=None)))
    def test_any_text(self, text: str) -> None:
        """The result for any text can be encoded, and stays the same if it is passed again."""
        found = visible(text)

        self.assertEqual(visible(found), found)
        found.encode()
