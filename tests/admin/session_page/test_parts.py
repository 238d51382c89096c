"""admin.parts: what an item says, in parts."""

from __future__ import annotations

from typing import Any

from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from agent_sessions.admin.session_page.parts import (
    Part,
    answered,
    asked_for,
    said,
    text_part,
    thought,
    whole,
)
from agent_sessions.items.reading import Reading
from agent_sessions.text.markdown import LONGEST
from tests.sample_items import SAMPLES
from tests.test_codec import json_values

FIELDS = [
    *("content", "output", "outputs", "arguments", "action", "tools", "summary", "results"),
    *("error", "code", "revised_prompt", "result", "queries", "input", "operation"),
]
KINDS = sorted({sample.columns[0] for sample in SAMPLES.values()} | {"program", "program_output"})


def texts(parts: list[Part]) -> list[str]:
    return [part.text for part in parts]


class MessageTests(SimpleTestCase):
    """said()."""

    def said(self, content: Any, *, is_prose: bool = True) -> list[Part]:
        return said(Reading({"content": content}), is_prose=is_prose)

    def test_words(self) -> None:
        """Words are Markdown where people and agents speak, and plain text elsewhere."""
        [prose] = self.said("*a*")
        [text] = self.said([{"type": "input_text", "text": "*a*"}], is_prose=False)

        self.assertEqual(prose.html, "<p><em>a</em></p>\n")
        self.assertEqual((text.shape, text.text), ("text", "*a*"))

    def test_nothing(self) -> None:
        """A message without words has no parts."""
        self.assertEqual(self.said(None) + self.said("") + self.said([]), [])

    def test_attachments(self) -> None:
        """Images and files are numbered; what is said in a sound stands beside it."""
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
        """Sources on the web are links; files, and addresses of other sorts, are text."""
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
        """A part that nobody knows is its JSON."""
        self.assertEqual(texts(self.said([{"a": 1}, 2])), ['{"a": 1}', "2"])


class ToolTests(SimpleTestCase):
    """asked_for() and answered()."""

    def test_arguments(self) -> None:
        """Arguments that are JSON stand in lines, unless they fit on one; others as they are."""
        long = '{"a": "%s", "b": [1]}' % ("x" * 70)
        cases = {
            '{"q":"jazz"}': ['{"q": "jazz"}'],
            long: ['{\n  "a": "%s",\n  "b": [\n    1\n  ]\n}' % ("x" * 70)],
            "{}": [],
            '{"cut': ['{"cut'],
            "[" * 100_000: ["[" * LONGEST],
            '{"half": "\\ud83d"}': ['{"half": "\ufffd"}'],
        }

        for arguments, expected in cases.items():
            parts = asked_for("function_call", Reading({"arguments": arguments}))
            self.assertEqual(texts(parts), expected)

    def test_every_kind(self) -> None:
        """What the kinds of tools are asked and answer has a label each."""
        found = {}
        for name, sample in SAMPLES.items():
            if isinstance(sample.item, dict):
                kind = sample.columns[0]
                reading = Reading(sample.item)
                parts = asked_for(kind, reading) + answered(kind, reading)
                found[name] = [(part.label, part.text) for part in parts]

        self.assertEqual(found["code run"][:2], [("Code", "print(6 * 7)"), ("Result", "42")])
        self.assertEqual(found["a web search"], [("Search", "jazz")])
        self.assertEqual(
            found["a file search"], [("Search", "opening hours"), ("hours.txt", "Open at nine.")]
        )
        self.assertEqual(found["commands' output"][0], ("stdout", "/home"))
        self.assertEqual(found["commands' output as text"], [("Result", "/home")])
        self.assertEqual(found["an image made"], [("", "")])
        self.assertEqual(found["tools found"], [("Tools", "buy")])
        self.assertEqual(found["a patch"][0][0], "Change")
        self.assertEqual(found["a computer's action"][0][0], "Action")
        self.assertEqual(found["a local command"], [("Command", "ls -l")])

    def test_more_of_some_kinds(self) -> None:
        """Prompts of images, programs and errors of servers are shown."""
        image = {"type": "image_generation_call", "revised_prompt": "a boat", "result": 1}
        self.assertEqual(texts(asked_for("image_generation_call", Reading(image))), ["a boat"])
        self.assertEqual(answered("image_generation_call", Reading(image)), [])
        self.assertEqual(texts(asked_for("program", Reading({"code": 1}))), ["1"])
        self.assertEqual(texts(answered("program_output", Reading({"result": "2"}))), ["2"])
        [output, error] = answered("mcp_call", Reading({"output": "a", "error": "gone"}))
        self.assertEqual((output.text, error.label, error.text), ("a", "Error", "gone"))
        [file] = answered("file_search_call", Reading({"results": [{"score": 1}]}))
        self.assertEqual((file.label, file.text), ("Result", '{"score": 1}'))

    def test_output_in_parts(self) -> None:
        """An output may be text, images and anything else."""
        output = [{"type": "input_text", "text": "a"}, {"type": "input_image"}, {"b": 1}, None]
        parts = answered("function_call_output", Reading({"output": output}))

        self.assertEqual([part.shape for part in parts], ["text", "attachment", "code"])

    @given(st.sampled_from(KINDS), st.dictionaries(st.sampled_from(FIELDS), json_values))
    def test_never_fails(self, kind: str, fields: dict[str, Any]) -> None:
        """Whatever stands in the fields, there are parts, and they can be sent."""
        item = {**fields, "type": kind}
        readings = [Reading(item) for _ in range(4)]
        parts = asked_for(kind, readings[0]) + answered(kind, readings[1]) + whole(item)
        for part in parts + thought(readings[2]) + said(readings[3], is_prose=True):
            f"{part.text}{part.label}{part.html}{part.beginning}".encode()


class LengthTests(SimpleTestCase):
    """What is folded, and what is cut."""

    def test_long(self) -> None:
        """Many characters or lines are long, and begin in a line."""
        self.assertTrue(text_part("text", "x" * 2_000).is_long)
        self.assertTrue(text_part("text", "x\n" * 20).is_long)
        self.assertFalse(text_part("text", "x\n" * 3).is_long)
        self.assertEqual(text_part("text", "a\n b" * 9).beginning, "a b" + "a b" * 8)

    def test_cut(self) -> None:
        """Of a long text the page shows how it begins."""
        part = text_part("prose", "x" * (LONGEST + 1))

        self.assertEqual((len(part.text), part.is_cut), (LONGEST, True))

    def test_deep(self) -> None:
        """JSON too deep to be written is said to be."""
        item: Any = []
        for _ in range(100_000):
            item = [item]

        self.assertEqual(texts(whole(item)), ["Nested too deeply to be shown."])
