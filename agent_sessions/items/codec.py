"""Items as JSON text, and back.

An item is a dict in the format of the Responses API, or any other JSON value: nothing here
validates it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from agent_sessions.arguments import checked_items
from agent_sessions.exceptions import AgentSessionsError, ItemError
from agent_sessions.items import Item
from agent_sessions.items.columns import Columns, columns
from agent_sessions.items.json_errors import dumped, item_error


class UnreadableItemError(AgentSessionsError, ValueError):
    """The text of a row is not JSON: another program wrote it, or it was damaged."""


def encode(item: object) -> str:
    """Return `item` as JSON text that every database can store.

    `decode(encode(item)) == item` for every JSON value. A tuple becomes a list, and a pydantic
    model the dict that the SDK would send. Non-ASCII text is left unescaped so that it can be
    searched, except in an item with a lone surrogate, which UTF-8 cannot represent.

    Raises ItemError, whose `path` leads to the value that is not JSON.
    """
    return _encoded(item)[0]


def encode_all(items: Iterable[object]) -> list[tuple[str, Columns]]:
    """Return each item as text with its columns.

    Raises ItemError for the first item that is not JSON, and TypeError if it gets an item
    instead of a list.
    """
    encoded = []
    for position, item in enumerate(checked_items(items)):
        try:
            encoded.append(_encoded(item))
        except ItemError as error:
            # The new error replaces `error`, which is not its cause.
            raise ItemError(error.reason, f"[{position}]{error.path}") from error.__cause__
    return encoded


def decode(text: str) -> Item:
    """Return the item in `text`. Raises UnreadableItemError if the text is not JSON."""
    try:
        try:
            return json.loads(text)
        except RecursionError:
            return _decoded_in_a_thread(text)
    except (ValueError, TypeError, RecursionError) as error:  # SQLite may return a number
        raise UnreadableItemError(f"{type(error).__name__}: {error}") from error


def _decoded_in_a_thread(text: str) -> Item:
    """Decode in a new thread, whose stack is empty: what could be written can be read there.

    Python 3.11 counts the levels of JSON together with the calls around json.loads(). This can go
    with Python 3.11, see https://github.com/python/cpython/issues/107263
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(json.loads, text).result()


def _encoded(item: object) -> tuple[str, Columns]:
    """Write the item and read it back: if it is different then, it was not JSON."""
    try:
        text = json.dumps(
            item, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=dumped
        )
        read = json.loads(text)
        is_same = read == item
    except RecursionError:
        raise ItemError("is nested too deeply to be stored. Flatten it.") from None
    except (TypeError, ValueError) as error:
        raise item_error(item) or ItemError(f"cannot be written as JSON: {error}.") from error
    # Tuples and pydantic models are not equal to what they become, and are allowed.
    if not is_same and (found := item_error(item)):
        raise found
    try:
        text.encode()
    except UnicodeEncodeError:
        text = json.dumps(read, separators=(",", ":"))
    return text, columns(read)
