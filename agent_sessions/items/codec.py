"""The SDK's items as text and back, and the columns by which they are found.

An item is what the Agents SDK puts into a session: a dict in the format of the Responses API
(`agents.TResponseInputItem`), or anything else that is JSON: nothing here validates it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from math import isfinite
from typing import Any, NamedTuple

from agent_sessions.arguments import checked_items
from agent_sessions.exceptions import AgentSessionsError, ItemError
from agent_sessions.items import Item
from agent_sessions.items.columns import Columns, columns

BOTTOM = 10_000  # deeper than Python writes or reads: an item that ends is above it

_NO_JSON = (
    "is a {}, which JSON does not have. Convert it to text, numbers, lists or dicts before it goes "
    "into the session."
)


class UnreadableItemError(AgentSessionsError, ValueError):
    """A row's text is not JSON: somebody else wrote it, or it was damaged."""


def encode(item: object) -> str:
    """Return `item` as JSON text that every database keeps and every JSON reader reads.

    `decode(encode(item)) == item` for every JSON value; a tuple becomes a list, and a pydantic
    model the dict that the SDK would send. Text is not escaped, so that it can be searched for,
    unless it holds a lone surrogate, which UTF-8 does not have.

    Raises ItemError, whose `path` leads to the value that is not JSON.
    """
    return _encoded(item)[0]


def encode_all(items: Iterable[object]) -> list[tuple[str, Columns]]:
    """Return each item as text with its columns, or raise the ItemError of the first bad one.

    Raises TypeError for an item that is not in a list.
    """
    encoded = []
    for position, item in enumerate(checked_items(items)):
        try:
            encoded.append(_encoded(item))
        except ItemError as error:
            raise ItemError(error.reason, f"[{position}]{error.path}") from error.__cause__
    return encoded


def decode(text: str) -> Item:
    """Return the item that `text` holds, made again on each call.

    Raises UnreadableItemError if the text is not JSON.
    """
    try:
        try:
            return json.loads(text)
        except RecursionError:
            return _decoded_in_a_thread(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise UnreadableItemError(f"{type(error).__name__}: {error}") from error


def _decoded_in_a_thread(text: str) -> Item:
    """Decode on an empty stack, which leaves as much room as there was when the item was written.

    Python 3.11 counts the nesting of JSON together with the calls around json.loads(): of 1,000
    levels a view within middleware within a server leaves 900 or fewer.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(json.loads, text).result()


def _encoded(item: object) -> tuple[str, Columns]:
    """Write the item, and read it back: what is not the same was not JSON."""
    try:
        text = json.dumps(
            item, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_dumped
        )
        read = json.loads(text)
        is_same = read == item
    except RecursionError:
        raise ItemError("is nested too deeply to be stored. Flatten it.") from None
    except (TypeError, ValueError) as error:
        raise _fault(item) or ItemError(f"cannot be written as JSON: {error}.") from error
    # Tuples and pydantic models do not equal what they become, and are welcome all the same.
    if not is_same and (fault := _fault(item)):
        raise fault
    try:
        text.encode()
    except UnicodeEncodeError:
        text = json.dumps(read, separators=(",", ":"))
    return text, columns(read)


def _dumped(value: Any) -> Any:
    """Return a pydantic model as a dict, with the options that the SDK dumps a run's items with."""
    if hasattr(value, "model_dump"):
        return value.model_dump(exclude_unset=True, warnings=False)
    raise TypeError(f"a {type(value).__name__} is not JSON")


class _Place(NamedTuple):
    """A value inside an item, and the container that it was found in."""

    value: Any
    key: str | int | None = None
    container: _Place | None = None
    depth: int = 0

    def __str__(self) -> str:
        keys, place = [], self
        while place.container is not None:
            keys.append(f"[{place.key!r}]")
            place = place.container
        return "".join(reversed(keys))


def _fault(item: Any) -> ItemError | None:
    """Find the value in `item` that is not JSON, without recursion, and say what to do about it."""
    places = [_Place(item)]
    while places:
        place = places.pop()
        if reason := _reason(place):
            return ItemError(reason, str(place))
        places += _inside(place)
    return None


def _inside(place: _Place) -> list[_Place]:
    value = place.value
    if hasattr(value, "model_dump"):
        value = _dumped(value)
    if isinstance(value, dict):
        return [_Place(inner, key, place, place.depth + 1) for key, inner in value.items()]
    if isinstance(value, list | tuple):
        return [_Place(inner, key, place, place.depth + 1) for key, inner in enumerate(value)]
    return []


def _reason(place: _Place) -> str:
    """Say why a value, whatever it may contain, is not JSON; nothing if it is."""
    value = place.value
    if place.depth > BOTTOM:
        return "is inside itself. Store a copy that ends."
    if isinstance(value, dict):
        # json.dumps would write the keys 1 and "1" alike and lose one of the two.
        wrong = [key for key in value if not isinstance(key, str)]
        return f"has the key {wrong[0]!r}, which is no string. Use str keys." if wrong else ""
    if isinstance(value, float) and not isfinite(value):
        return f"is {value}, which JSON does not have. Store None or a string."
    if isinstance(value, int) and not _is_writable(value):
        return "is an integer too long to be written. Store it as a string."
    if value is None or isinstance(value, str | int | float | list | tuple):
        return ""
    return "" if hasattr(value, "model_dump") else _NO_JSON.format(type(value).__name__)


def _is_writable(value: int) -> bool:
    """Tell whether Python writes the integer, which it does up to 4,300 digits."""
    try:
        str(value)
    except ValueError:
        return False
    return True
