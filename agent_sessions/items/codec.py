"""Items as JSON text, and back.

An item is a dict in the format of the Responses API, or any other JSON value: nothing here
validates it.
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

MOST_DEPTH = 10_000  # deeper than Python can write: such an item contains itself


class UnreadableItemError(AgentSessionsError, ValueError):
    """The text of a row is not JSON: another program wrote it, or it was damaged."""


def encode(item: object) -> str:
    """Return `item` as JSON text that every database can store and every JSON reader can read.

    `decode(encode(item)) == item` for every JSON value. A tuple becomes a list, and a pydantic
    model the dict that the SDK would send. Non-ASCII text is not escaped, so that it can be
    searched for, except around a lone surrogate, which UTF-8 cannot represent.

    Raises ItemError, whose `path` leads to the value that is not JSON.
    """
    return _encoded(item)[0]


def encode_all(items: Iterable[object]) -> list[tuple[str, Columns]]:
    """Return each item as text with its columns.

    Raises ItemError for the first item that is not JSON, and TypeError for one without a list.
    """
    encoded = []
    for position, item in enumerate(checked_items(items)):
        try:
            encoded.append(_encoded(item))
        except ItemError as error:
            raise ItemError(error.reason, f"[{position}]{error.path}") from error.__cause__
    return encoded


def decode(text: str) -> Item:
    """Return the item in `text`. Raises UnreadableItemError if the text is not JSON."""
    try:
        try:
            return json.loads(text)
        except RecursionError:
            return _decoded_in_a_thread(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise UnreadableItemError(f"{type(error).__name__}: {error}") from error


def _decoded_in_a_thread(text: str) -> Item:
    """Decode in a thread, whose stack is empty, an item that was nested as deeply when written.

    Python 3.11 counts the levels of JSON together with the calls around json.loads(): a view behind
    middleware and a server may have 900 of 1,000 left.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(json.loads, text).result()


def json_forms(words: str) -> list[str]:
    """Return the one or two forms in which words may occur in the JSON of items.

    JSON escapes quotes, line ends and the like. Some of the SDK's sessions escape all non-ASCII
    letters as well, and encode() does in items with lone surrogates.
    """
    forms = (json.dumps(words, ensure_ascii=is_escaped)[1:-1] for is_escaped in (False, True))
    return sorted({*forms})


def _encoded(item: object) -> tuple[str, Columns]:
    """Write the item and read it back: if it is different then, it was not JSON."""
    try:
        text = json.dumps(
            item, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_dumped
        )
        read = json.loads(text)
        is_same = read == item
    except RecursionError:
        raise ItemError("is nested too deeply to be stored. Flatten it.") from None
    except (TypeError, ValueError) as error:
        raise _item_error(item) or ItemError(f"cannot be written as JSON: {error}.") from error
    # Tuples and pydantic models are not equal to what they become, and are allowed.
    if not is_same and (item_error := _item_error(item)):
        raise item_error
    try:
        text.encode()
    except UnicodeEncodeError:
        text = json.dumps(read, separators=(",", ":"))
    return text, columns(read)


def _dumped(value: Any) -> Any:
    """Return a pydantic model as a dict, with the SDK's own options for items."""
    if hasattr(value, "model_dump"):
        return value.model_dump(exclude_unset=True, warnings=False)
    raise TypeError(f"a {type(value).__name__} is not JSON")


class _Value(NamedTuple):
    """A value inside an item, with its path: the keys and positions that lead to it."""

    value: Any
    path: tuple[str | int, ...] = ()


def _item_error(item: Any) -> ItemError | None:
    """Find the value in `item` that is not JSON, without recursion."""
    left = [_Value(item)]
    while left:
        value, path = left.pop()
        if reason := _reason(value, len(path)):
            return ItemError(reason, "".join(f"[{key!r}]" for key in path))
        left += [_Value(inner, (*path, key)) for key, inner in _entries(value)]
    return None


def _entries(value: Any) -> Iterable[tuple[Any, Any]]:
    """Return the values in a container, each with its key or position."""
    if hasattr(value, "model_dump"):
        value = _dumped(value)
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list | tuple) else ()


def _reason(value: Any, depth: int) -> str:
    """Return why a value, apart from its contents, is not JSON; "" if it is."""
    if depth > MOST_DEPTH:
        return "contains itself. Store a copy that does not."
    if isinstance(value, dict):
        # json.dumps would write the keys 1 and "1" alike and lose one of the two.
        wrong = [key for key in value if not isinstance(key, str)]
        return f"has the key {wrong[0]!r}, which is not a str. Use str keys." if wrong else ""
    if isinstance(value, float) and not isfinite(value):
        return f"is {value}, which JSON does not have. Store None or a string."
    if isinstance(value, int) and not _is_writable(value):
        return "is an integer of too many digits. Store it as a string."
    if value is None or isinstance(value, str | int | float | list | tuple):
        return ""
    if hasattr(value, "model_dump"):
        return ""
    return (
        f"is a {type(value).__name__}, which JSON does not have. Convert it to text, numbers, "
        "lists or dicts before it goes into the session."
    )


def _is_writable(value: int) -> bool:
    """Tell whether Python can write the integer: its limit is 4,300 digits."""
    try:
        str(value)
    except ValueError:
        return False
    return True
