"""session_page.tool_parts: inputs and results of tools as parts."""

from __future__ import annotations

from typing import Any

from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from agent_sessions.admin.session_page.parts import (
    CardPart,
    said,
    thought,
    whole,
)
from agent_sessions.admin.session_page.tool_parts import answered, asked_for
from agent_sessions.items.reading import Reading
from agent_sessions.text.markdown import LONGEST
from tests.json_values import json_values
from tests.sample_items import SAMPLES

FIELDS = [
    *("content", "output", "outputs", "arguments", "action", "tools", "summary", "results"),
    *("error", "code", "revised_prompt", "result", "queries", "input", "operation"),
]


KINDS = sorted({sample.columns[0] for sample in SAMPLES.values()} | {"program", "program_output"})


def texts(parts: list[CardPart]) -> list[str]:
    return [part.text for part in parts]


class ToolTests(SimpleTestCase):
    """asked_for() and answered()."""

    def test_arguments(self) -> None:
        """JSON arguments are indented unless they fit on a line; others are unchanged."""
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
        """Inputs and results of each kind have labels."""
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
        """Image prompts, programs and errors of MCP servers are shown."""
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
        """An output may consist of text, images and other values."""
        output = [{"type": "input_text", "text": "a"}, {"type": "input_image"}, {"b": 1}, None]
        parts = answered("function_call_output", Reading({"output": output}))

        self.assertEqual([part.shape for part in parts], ["text", "attachment", "code"])

    @given(st.sampled_from(KINDS), st.dictionaries(st.sampled_from(FIELDS), json_values))
    def test_never_fails(self, kind: str, fields: dict[str, Any]) -> None:
        """Any values in any fields make parts that can be encoded."""
        item = {**fields, "type": kind}
        readings = [Reading(item) for _ in range(4)]
        parts = asked_for(kind, readings[0]) + answered(kind, readings[1]) + whole(item)
        for part in parts + thought(readings[2]) + said(readings[3], is_prose=True):
            f"{part.text}{part.label}{part.html}{part.beginning}".encode()
