"""Arguments of a wrong type, refused in a sentence before they are used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import connections
from django.utils.connection import ConnectionDoesNotExist


def checked_number(name: str, value: int) -> int:
    """Return a whole number, or raise a TypeError."""
    if not isinstance(value, int):
        raise TypeError(f"{name} is a {type(value).__name__}. Pass a whole number.")
    return value


def checked_limit(limit: int | None) -> int | None:
    """Return how many items or turns are asked for, or raise a TypeError."""
    return None if limit is None else checked_number("limit", limit)


def checked_items(items: Iterable[Any]) -> Iterable[Any]:
    """Return a batch of items, or raise a TypeError for one item, or its text, without a list.

    A str and a dict can be iterated as well, and their letters and keys would be stored.
    """
    if isinstance(items, str | bytes | Mapping) or not isinstance(items, Iterable):
        raise TypeError(f"items is a {type(items).__name__}. Pass a list of items, such as [item].")
    return items


def checked_alias(using: str | None) -> str | None:
    """Return the alias of a database, or raise the error of one that settings do not have."""
    if using is not None and using not in connections.settings:
        known = ", ".join(map(repr, connections.settings))
        raise ConnectionDoesNotExist(
            f"using={using!r} is not a database of DATABASES. Pass one of {known}."
        )
    return using
