"""Hostile items: wrong types, huge values, addresses, and data of other types than declared."""

from __future__ import annotations

import json
from typing import Any

from tests.admin.hostile_texts import AWAY, OUT_OF_ATTRIBUTE, SCRIPT
from tests.sample_items import SAMPLES

WRONG: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    10**30,
    "",
    "text",
    [],
    [[]],
    {},
    {"a": {}},
    [None],
)
SVG = (
    "data:image/svg+xml;base64,"
    "PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIG9ubG9h"
    "ZD0id2luZG93LmhhY2tlZD0xIi8+"
)
HTML = "data:text/html;base64,PHNjcmlwdD53aW5kb3cuaGFja2VkPTE8L3NjcmlwdD4="
NO_IMAGE = "data:image/png;base64,PHNjcmlwdD53aW5kb3cuaGFja2VkPTE8L3NjcmlwdD4="
ADDRESSES = (
    f"{AWAY}/a.png",
    "http://evil.example/a.png",
    "//evil.example/a.png",
    "\\\\evil.example\\share",
    "ftp://evil.example/a.png",
    "file:///etc/passwd",
    "blob:https://evil.example/1",
    "javascript:window.hacked=1",
    " \x01java\nscript:window.hacked=1",
    f'{AWAY}/a.png" onerror="window.hacked=1',
    f"{AWAY}/a.png 1x, {AWAY}/b.png 2x",
)
CLAIMS = (
    SVG,
    HTML,
    NO_IMAGE,
    "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='window.hacked=1'/>",
    "data:image/png;base64,not base64 at all!",
    "data:image/png;base64,AAA",
    "data:image/png;base64,",
    "data:image/png",
    "data:",
    "data:,",
    "data:;base64,;;,,",
    "DATA:TEXT/HTML;BASE64,PHNjcmlwdD4=",
    "data:image/png;charset=utf-8;base64;text/html,PHNjcmlwdD4=",
    "data:image/png\r\nSet-Cookie: hacked=1;base64,AAAA",
    "data:application/xhtml+xml,<script xmlns='http://www.w3.org/1999/xhtml'>hacked=1</script>",
)
FILE_NAMES = (
    "../../../../etc/passwd",
    "a\r\nSet-Cookie: hacked=1\r\n\r\n<script>",
    'a"; filename="b.exe',
    "invoice\u202efdp.exe",
    "C:\\Windows\\x.exe",
    "a;b=c.html",
    SCRIPT + ".png",
    "." * 300,
    "naïve 日本.html",
)


def hostile_everywhere(value: Any, text: str) -> Any:
    """Return a copy of an item with `text` for each of its texts except kind and role."""
    if isinstance(value, dict):
        kept = ("type", "role")
        return {
            key: inner
            if key in kept and isinstance(inner, str)
            else hostile_everywhere(inner, text)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [hostile_everywhere(inner, text) for inner in value]
    return text if isinstance(value, str) else value


def wrong_everywhere(item: Any) -> list[Any]:
    """Return copies of an item, each with one wrong value in all fields."""
    if not isinstance(item, dict):
        return []
    kept = {key: item[key] for key in ("type", "role") if isinstance(item.get(key), str)}
    return [{**dict.fromkeys(item, value), **kept} for value in WRONG]


def message(*parts: Any, role: str = "user") -> dict[str, Any]:
    return {"type": "message", "role": role, "content": list(parts)}


def deep(depth: int, leaf: Any) -> Any:
    for level in range(depth):
        leaf = {"deeper": leaf} if level % 2 else [leaf]
    return leaf


def call(name: Any, arguments: Any, call_id: Any = "c1", **more: Any) -> dict[str, Any]:
    return {
        "type": "function_call",
        "name": name,
        "arguments": arguments,
        "call_id": call_id,
        **more,
    }


def output(value: Any, call_id: Any = "c1") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": value}


def images(addresses: tuple[str, ...]) -> list[Any]:
    """Return items of every kind that can contain an image, with each address."""
    items: list[Any] = []
    for address in addresses:
        items += [
            message({"type": "input_image", "image_url": address}),
            message({"type": "input_image", "image_url": {"url": address}}),
            message({"type": "image_url", "image_url": {"url": address}}),
            output([{"type": "input_image", "image_url": address}]),
            {"type": "image_generation_call", "id": "ig", "result": address},
            {
                "type": "computer_call_output",
                "call_id": "c",
                "output": {"type": "computer_screenshot", "image_url": address},
            },
            {
                "type": "code_interpreter_call",
                "id": "ci",
                "code": "x",
                "outputs": [{"type": "image", "url": address}],
            },
        ]
    return items


def files(data: str, name: str) -> list[Any]:
    return [
        message({"type": "input_file", "file_data": data, "filename": name}),
        message({"type": "input_file", "file_url": data, "filename": name}),
        message({"type": "input_audio", "input_audio": {"data": data, "format": name}}),
        output([{"type": "input_file", "file_data": data, "filename": name}]),
    ]


def annotation(kind: str, **more: Any) -> dict[str, Any]:
    annotations = [{"type": kind, "start_index": 0, "end_index": 5, **more}]
    return message(
        {"type": "output_text", "text": "Words", "annotations": annotations}, role="assistant"
    )


ITEMS: dict[str, list[Any]] = {
    "a script as every text of every kind": [
        hostile_everywhere(sample.item, SCRIPT) for sample in SAMPLES.values()
    ],
    "out of an attribute in every kind": [
        hostile_everywhere(sample.item, OUT_OF_ATTRIBUTE) for sample in SAMPLES.values()
    ],
    "a script as kind, role, name and key": [
        {"type": SCRIPT, "role": SCRIPT, "name": SCRIPT, SCRIPT: SCRIPT, "call_id": SCRIPT},
        {"role": SCRIPT, "content": "words"},
        {"type": OUT_OF_ATTRIBUTE, "role": OUT_OF_ATTRIBUTE, "content": "words"},
        {"type": SCRIPT + "_call", "name": SCRIPT},
        {"type": SCRIPT + "_output", "output": SCRIPT},
        message({"type": SCRIPT, "text": SCRIPT}, {"type": SCRIPT, SCRIPT: 1}),
    ],
    "a wrong type in every field of every kind": [
        wrong for sample in SAMPLES.values() for wrong in wrong_everywhere(sample.item)
    ],
    "no kind at all": [*WRONG, {"type": []}, {"role": {}}, {"type": None, "role": None}],
    "parts of wrong types": [
        message(*WRONG),
        message({"type": 1, "text": 2}, {"text": []}, {"refusal": {}}),
        message({"type": "input_image", "image_url": []}, {"type": "input_image", "file_id": 5}),
        message({"type": "input_file", "filename": ["a"], "file_data": {}}),
        message({"type": "output_text", "text": "x", "annotations": "none"}, role="assistant"),
        message(
            {"type": "output_text", "text": "x", "annotations": [None, 1, {}]}, role="assistant"
        ),
        {"type": "reasoning", "summary": {"text": "a"}, "content": "b"},
        output({"type": "input_text", "text": "x"}),
        output([None, 1, {"type": "input_image", "image_url": None}]),
    ],
    "arguments that are not JSON": [
        call("search", '{"q": '),
        call("search", SCRIPT),
        call("search", f'{{"q": "{SCRIPT}"}}'.replace("</", "<\\/")),
        call("search", "NaN"),
        call("search", "9" * 5_000),
        call("search", "\ud800"),
        output('{"a": Infinity}'),
    ],
    "JSON as deep as Python writes it": [
        call("search", deep(400, SCRIPT)),
        output(deep(400, "x")),
        {"type": "telepathy", "thought": deep(400, "x")},
        message({"type": "input_text", "text": deep(400, "x")}),
    ],
    "JSON a thousand deep, as text": [call("search", "[" * 1_000 + "]" * 1_000)],
    "JSON that never ends, as text": [call("search", "[" * 200_000), output('{"a":' * 100_000)],
    "huge integers": [
        call("search", json.dumps({"n": 10**4_000})),
        {"type": "telepathy", "n": 10**4_000, "m": -(10**400)},
        output(10**4_000),
    ],
    "many keys": [call("search", json.dumps({f"key {n}": n for n in range(20_000)}))],
    "many parts": [message(*({"type": "input_text", "text": f"part {n}"} for n in range(2_000)))],
    "many images": [message(*({"type": "input_image", "image_url": SVG} for n in range(300)))],
    "one call id for all": [
        *(call("search", "{}", "same") for _ in range(30)),
        *(output(str(number), "same") for number in range(40)),
        *(call("search", "{}", "") for _ in range(3)),
        output("of nobody", ""),
        output("of nobody", "unknown"),
    ],
    "an output before its call": [output("early", "late"), call("search", "{}", "late")],
    "call ids of all sorts": [
        call("a", "{}", SCRIPT),
        output("x", SCRIPT),
        call("a", "{}", "x" * 5_000),
        call("a", "{}", "é\u202e\x00\ud800"),
        call("a", "{}", ["list"]),
        output("x", {"dict": 1}),
    ],
    "names of tools of all sorts": [
        call(name, "{}")
        for name in (SCRIPT, OUT_OF_ATTRIBUTE, "x" * 5_000, "\u202eoof", "", None, ["a"], "../..")
    ],
    "a handoff to nobody": [
        call("transfer_to_" + SCRIPT, "{}", "h1"),
        output(json.dumps({"assistant": SCRIPT}), "h1"),
        call("transfer_to_", "[]", "h2"),
        output('{"assistant": ["a"]}', "h2"),
    ],
    "images from elsewhere": images(ADDRESSES),
    "images that are something else": images(CLAIMS),
    "files from elsewhere": [item for address in ADDRESSES for item in files(address, "a.png")],
    "files that are something else": [item for claim in CLAIMS for item in files(claim, "a.html")],
    "file names": [item for name in FILE_NAMES for item in files("data:text/plain,x", name)],
    "twenty megabytes as an image": [
        message({"type": "input_image", "image_url": "data:image/png;base64," + "A" * 7_000_000})
    ],
    "annotations": [
        *(annotation("url_citation", url=url, title=SCRIPT) for url in (*ADDRESSES, SVG, HTML)),
        annotation("file_citation", filename=FILE_NAMES[1], file_id=SCRIPT),
        annotation("container_file_citation", filename=SCRIPT, container_id="../.."),
        annotation(SCRIPT, url=["list"], start_index="x", end_index=-(10**30)),
    ],
    "sources of a search": [
        {
            "type": "web_search_call",
            "id": "ws",
            "action": {"type": "search", "query": SCRIPT, "sources": [{"url": url}], "url": url},
        }
        for url in ADDRESSES
    ],
    "what looks encrypted": [
        {"__enc__": 1, "payload": SCRIPT, "kid": SCRIPT, "type": "message", "role": "user"},
        {"__enc__": {"deep": deep(50, SCRIPT)}},
        {"__enc__": None},
        {"type": "encrypted", "payload": SCRIPT},
        {"type": "reasoning", "summary": [], "encrypted_content": SCRIPT},
        {"type": "compaction", "encrypted_content": [SCRIPT]},
    ],
    "what looks purged": [{"type": "purged", "text": SCRIPT}, {"purged": True}, ""],
    "commands": [
        {"type": "local_shell_call", "call_id": "s", "action": {"command": [SCRIPT, 1, None]}},
        {"type": "shell_call", "call_id": "s", "action": {"commands": [SCRIPT, ["a"], {}]}},
        {
            "type": "shell_call_output",
            "call_id": "s",
            "output": [{"stdout": SCRIPT, "outcome": []}],
        },
        {"type": "apply_patch_call", "call_id": "p", "operation": {"path": "../x", "diff": SCRIPT}},
    ],
}
