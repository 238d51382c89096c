"""session_page.parts: the content of messages as parts."""

from __future__ import annotations

from typing import Any

from django.test import SimpleTestCase

from agent_sessions.admin.session_page.parts import (
    CardPart,
    said,
    text_part,
    whole,
)
from agent_sessions.items.reading import Reading
from agent_sessions.text.markdown import LONGEST


def texts(parts: list[CardPart]) -> list[str]:
    return [part.text for part in parts]


class MessageTests(SimpleTestCase):
    """said()."""

    def said(self, content: Any, *, is_prose: bool = True) -> list[CardPart]:
        return said(Reading({"content": content}), is_prose=is_prose)

    def test_words(self) -> None:
        """Text is Markdown if it is prose, and plain text otherwise."""
        [prose] = self.said("*a*")
        [text] = self.said([{"type": "input_text", "text": "*a*"}], is_prose=False)

        self.assertEqual(prose.html, "<p><em>a</em></p>\n")
        self.assertEqual((text.shape, text.text), ("text", "*a*"))

    def test_nothing(self) -> None:
        """A message without words has no parts."""
        self.assertEqual(self.said(None) + self.said("") + self.said([]), [])

    def test_attachments(self) -> None:
        """Attachments are numbered, and the transcript of audio is shown."""
        parts = self.said(
            [
                {"type": "input_image", "image_url": "data:,x"},
                {"type": "input_text", "text": "and"},
                {"type": "output_audio", "data": "AAAA", "transcript": "hello"},
            ]
        )

        self.assertEqual([part.place for part in parts if part.attachment], [0, 1])
        self.assertEqual(texts(parts), ["", "and", "", "hello"])

    def test_refusal(self) -> None:
        """A refusal is text."""
        [part] = self.said([{"type": "refusal", "refusal": "No."}])

        self.assertEqual((part.shape, part.text), ("text", "No."))

    def test_citations(self) -> None:
        """Sources on the web are links; files and addresses of other schemes are text."""
        annotations = [
            {"type": "url_citation", "url": "https://example.org/", "title": "Example\u202e"},
            {"type": "url_citation", "url": "HTTP://example.org/"},
            {"type": "url_citation", "url": "javascript:alert(1)"},
            {"type": "file_citation", "filename": "a.pdf"},
            {"type": "file_path", "title": 1},
        ]
        parts = self.said([{"type": "output_text", "text": "a", "annotations": annotations}])[1:]

        self.assertEqual(
            [(part.shape, part.text, part.label) for part in parts],
            [
                ("link", "https://example.org/", "Example⟨U+202E⟩"),
                ("link", "HTTP://example.org/", ""),
                ("text", "javascript:alert(1)", "Source"),
                ("text", "a.pdf", "Source"),
            ],
        )

    def test_unknown_parts(self) -> None:
        """A part of an unknown type is shown as JSON."""
        self.assertEqual(texts(self.said([{"a": 1}, 2])), ['{"a": 1}', "2"])


class LengthTests(SimpleTestCase):
    """Folding and cutting."""

    def test_long(self) -> None:
        """A part of many characters or lines is long, and has a beginning of one line."""
        self.assertTrue(text_part("text", "x" * 2_000).is_long)
        self.assertTrue(text_part("text", "x\n" * 20).is_long)
        self.assertFalse(text_part("text", "x\n" * 3).is_long)
        self.assertEqual(text_part("text", "a\n b" * 9).beginning, "a b" + "a b" * 8)

    def test_cut(self) -> None:
        """A long text is cut."""
        part = text_part("prose", "x" * (LONGEST + 1))

        self.assertEqual((len(part.text), part.is_cut), (LONGEST, True))

    def test_deep(self) -> None:
        """A sentence replaces JSON that is nested too deeply."""
        item: Any = []
        for _ in range(100_000):
            item = [item]

        self.assertEqual(texts(whole(item)), ["Nested too deeply to be shown."])
