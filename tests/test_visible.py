"""visible: what is not seen is named."""

from __future__ import annotations

from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from agent_sessions.text.visible import visible


class VisibleTests(SimpleTestCase):
    """visible()."""

    def test_unseen_characters(self) -> None:
        """Controls, overrides, isolates, zero widths and tags show as their number."""
        for code in (0x00, 0x1B, 0x7F, 0x85, 0x202E, 0x2066, 0x200B, 0x2060, 0xFEFF, 0xE0041):
            with self.subTest(hex(code)):
                self.assertEqual(visible(f"a{chr(code)}b"), f"a⟨U+{code:04X}⟩b")

    def test_half_characters(self) -> None:
        """A lone surrogate is shown as what is missing, and can be sent."""
        self.assertEqual(visible("half \ud83d"), "half \ufffd")

    def test_what_languages_need(self) -> None:
        """Lines, joiners and the marks of a direction stay as they are."""
        text = "a\tb\r\nc 👩\u200d💻 نمی\u200cرود \u200e\u200f 日本語"

        self.assertEqual(visible(text), text)

    @given(st.text(st.characters(codec=None)))
    def test_any_text(self, text: str) -> None:
        """Whatever comes in, what goes out can be sent, and holds nothing more to be named."""
        found = visible(text)

        self.assertEqual(visible(found), found)
        found.encode()
