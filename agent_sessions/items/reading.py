"""Reading an item: the values that a renderer shows, and the rest.

New types and fields appear before the code that shows them. A renderer takes the values that it
knows. The rest, including values of unexpected types, is shown as it is stored, so that nothing is
lost.

    reading = Reading({"type": "web_search_call", "action": {"query": "jazz", "depth": 2}})
    reading.inside("action").text("query")      # "jazz"
    [*reading.rest()]                           # [("action.depth", 2)]
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

# Omitted from the rest: ids and positions, which mean nothing to a reader. The type is in the label
# of an item and on its card.
QUIET = frozenset(
    {
        *("type", "phase", "id", "call_id", "caller", "caller_id", "approval_request_id"),
        *("file_id", "container_id", "fingerprint", "index", "start_index", "end_index"),
    }
)
# Always omitted.
OPAQUE = frozenset({"encrypted_content", "logprobs"})
# Omitted if they have their usual value.
USUAL = {"status": "completed", "detail": "auto"}
NOTHING: tuple[Any, ...] = (None, "", [], {})


class Reading:
    """A dict whose values are taken one by one. The dicts inside it are readings as well."""

    def __init__(self, holder: dict[str, Any]) -> None:
        self.holder = holder
        self._left = dict(holder)
        self._inner: dict[str, Reading] = {}

    def take(self, key: str) -> Any:
        """Take any value, to show all of it; None if there is none."""
        return self._left.pop(key, None)

    def has_text(self, key: str) -> bool:
        return isinstance(self._left.get(key), str)

    def text(self, key: str) -> str:
        """Take a string; "" if the value is not a string."""
        return self.take(key) if self.has_text(key) else ""

    def texts(self, key: str) -> list[str]:
        """Take a list of strings; [] if the value is anything else."""
        return self.take(key) if _is_list_of(str, self._left.get(key)) else []

    def inside(self, key: str) -> Reading:
        """Take a dict as a reading, the same each time; an empty one if it is not a dict."""
        value = self._left.get(key)
        if isinstance(value, dict) and value:
            self._inner[key] = Reading(self.take(key))
        return self._inner.get(key) or Reading({})

    def each(self, key: str) -> list[Any]:
        """Take the values of a list, or a single value; dicts become readings."""
        value = self.take(key)
        if not isinstance(value, list):
            return [self._value(key, value)]
        return [self._value(f"{key}.{at}", one) for at, one in enumerate(value)]

    def dicts(self, key: str) -> list[Reading]:
        """Take a list of dicts as readings, without empty ones; [] if it is anything else."""
        values = self.each(key) if _is_list_of(dict, self._left.get(key)) else []
        return [value for value in values if isinstance(value, Reading)]

    def whole(self) -> dict[str, Any]:
        """Take everything."""
        self._left, self._inner = {}, {}
        return self.holder

    def drop(self, *shown: str) -> None:
        """Take the values that equal one of `shown`, whatever their keys."""
        self._left = {key: value for key, value in self._left.items() if value not in shown}

    def rest(self) -> Iterator[tuple[str, Any]]:
        """Yield the values that were not taken, each with its path.

        A dict is one value if nothing was taken from it: its type and ids may be all it has.
        """
        for key, value in self._left.items():
            if not is_quiet(key, value):
                yield key, value
        for path, inner in self._inner.items():
            if len(inner._left) == len(inner.holder):
                yield path, inner.holder
            else:
                yield from ((f"{path}.{key}", value) for key, value in inner.rest())

    def _value(self, path: str, value: Any) -> Any:
        if not isinstance(value, dict) or not value:
            return value
        self._inner[path] = Reading(value)
        return self._inner[path]


def _is_list_of(kind: type, value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, kind) for one in value)


def is_quiet(key: str, value: Any) -> bool:
    """Tell whether the rest omits a value."""
    if value in NOTHING or key in OPAQUE or (key in USUAL and value == USUAL[key]):
        return True
    if key not in QUIET or isinstance(value, list):
        return False
    return not isinstance(value, dict) or all(is_quiet(*pair) for pair in value.items())
