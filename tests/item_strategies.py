"""hypothesis strategies for items of every shape, whose leaves all differ.

A leaf is a text or a number inside an item, which a test can look for on a page. `true` and `false`
are not leaves, since a page does not show which field they come from.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

from hypothesis import strategies as st

from agent_sessions.items import Item
from agent_sessions.items.attachments import FILES, IMAGES, SOUNDS, attachment_of
from agent_sessions.items.reading import OPAQUE, QUIET
from tests.sample_items import SAMPLES

TEXT, NUMBER = "text", 1
ITEMS = [sample.item for sample in SAMPLES.values() if isinstance(sample.item, dict)]
TYPES = sorted({*IMAGES, *FILES, *SOUNDS, "input_text", "refusal", "url_citation", "exit"})
KINDS = sorted({sample.columns[0] for sample in SAMPLES.values()} | {"program", "program_output"})


def _names(value: Any) -> Iterator[str]:
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, dict | list):
            yield from _names(inner)
    yield from value if isinstance(value, dict) else ()


KNOWN = {name for item in ITEMS for name in _names(item)} | {
    *("annotations", "title", "filename", "queries", "sources", "error", "result", "name"),
    *("outcome", "exit_code", "namespace", "server_label", "status", "logs", "file_url", "caller"),
}
UNKNOWN = {"novel", "Größe", "x y", "0", "dot.ted"}
# The values of these keys are the type of a dict, so they stay as they are drawn.
TYPE_KEYS = ("type", "role", "__enc__")
names = st.sampled_from(sorted((KNOWN | UNKNOWN) - {*TYPE_KEYS}))
leaves = st.sampled_from([TEXT, NUMBER, True, None, ""])


def _dicts(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    fields = st.dictionaries(names, inner, max_size=4)
    types: st.SearchStrategy[dict[str, str]] = st.just({}) | st.sampled_from(TYPES).map(
        lambda name: {"type": name}
    )
    return st.builds(lambda *parts: {**parts[0], **parts[1]}, types, fields)


values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | _dicts(inner))
extra = st.dictionaries(names, values, max_size=2)


@st.composite
def _grafted(draw: st.DrawFn) -> Item:
    """An item as the SDK stores it, with extra fields in each of its dicts."""
    return _graft(draw, draw(st.sampled_from(ITEMS)))


def _graft(draw: st.DrawFn, value: Any) -> Any:
    if isinstance(value, list):
        return [_graft(draw, inner) for inner in value]
    if not isinstance(value, dict):
        return value
    return {**{key: _graft(draw, inner) for key, inner in value.items()}, **draw(extra)}


def _made_up() -> st.SearchStrategy[Item]:
    """An item of a known or unknown kind, with any values in its fields."""
    kinds = st.sampled_from([*KINDS, "telepathy"])
    fields = st.dictionaries(names, values, max_size=6)
    return st.builds(lambda kind, found: {**found, "type": kind}, kinds, fields)


items: st.SearchStrategy[Item] = (_grafted() | _made_up()).map(
    lambda item: _with_different_leaves(item)
)


def _with_different_leaves(item: Item) -> Item:
    """Replace the leaves by texts and numbers that all differ."""
    number = count(1)

    def replaced(key: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: replaced(name, inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [replaced(key, inner) for inner in value]
        if key in TYPE_KEYS or isinstance(value, bool) or value in (None, ""):
            return value
        return f"leaf{next(number)}e" if isinstance(value, str) else 7_000_000 + next(number)

    return replaced("", item)


def shown_leaves(item: Item) -> Iterator[str]:
    """Yield the leaves that a page has to show: all except those left out on purpose."""
    if isinstance(item, dict) and "__enc__" in item:
        return
    yield from _shown("", item, "")


def _shown(key: str, value: Any, data: str) -> Iterator[str]:
    if key in OPAQUE:
        return
    if isinstance(value, dict):
        attachment = attachment_of(value)
        hidden = attachment.data if attachment else data
        for name, inner in value.items():
            yield from _shown(name, inner, hidden)
    elif isinstance(value, list):
        for inner in value:
            yield from _shown("", inner, "")
    elif key in {*QUIET, *TYPE_KEYS} or value == data or isinstance(value, bool):
        return
    elif value not in (None, ""):
        yield str(value)


def places(item: Item) -> set[str]:
    """Return the addresses and names of attachments, which text replaces by a placeholder."""
    if isinstance(item, list):
        return {place for inner in item for place in places(inner)}
    if not isinstance(item, dict):
        return set()
    attachment = attachment_of(item)
    inside = {place for inner in item.values() for place in places(inner)}
    return inside | ({attachment.address, attachment.name} if attachment else set())
