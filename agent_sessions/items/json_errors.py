"""The value in an item that is not JSON, and what to store instead."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import Any, NamedTuple

from agent_sessions.exceptions import ItemError

MOST_DEPTH = 10_000  # deeper than Python can write: such an item contains itself


class _Value(NamedTuple):
    """A value inside an item, with its path: the keys and positions that lead to it."""

    value: Any
    path: tuple[str | int, ...] = ()


def item_error(item: Any) -> ItemError | None:
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
        value = dumped(value)
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


def dumped(value: Any) -> Any:
    """Return a pydantic model as a dict, with the SDK's own options for items."""
    if hasattr(value, "model_dump"):
        return value.model_dump(exclude_unset=True, warnings=False)
    raise TypeError(f"a {type(value).__name__} is not JSON")
