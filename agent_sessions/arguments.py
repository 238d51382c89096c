"""Arguments, checked before they are used: an error says what to pass instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connections
from django.utils.connection import ConnectionDoesNotExist


def checked_number(name: str, value: int) -> int:
    """Return a whole number, or raise a TypeError."""
    if not isinstance(value, int):
        raise TypeError(f"{name} is a {type(value).__name__}. Pass a whole number.")
    return value


def checked_limit(limit: int | None) -> int | None:
    """Return the number of items or turns asked for, or raise a TypeError."""
    return None if limit is None else checked_number("limit", limit)


def checked_items(items: Iterable[Any]) -> Iterable[Any]:
    """Return a batch of items, or raise a TypeError for one item, or its text, without a list.

    A str and a dict are iterable too: their characters and keys would be stored.
    """
    if isinstance(items, str | bytes | Mapping) or not isinstance(items, Iterable):
        raise TypeError(f"items is a {type(items).__name__}. Pass a list of items, such as [item].")
    return items


def checked_alias(using: str | None) -> str | None:
    """Return the alias of a database, or raise ConnectionDoesNotExist if it is not in settings."""
    if using is not None and using not in connections.settings:
        known = ", ".join(map(repr, connections.settings))
        raise ConnectionDoesNotExist(
            f"using={using!r} is not a database of DATABASES. Pass one of {known}."
        )
    return using


def checked_owner(user: Any) -> Any:
    """Return `user`, or raise the TypeError or ValueError that says why it cannot own anything."""
    if user is None:
        return None
    # A lazy request.user passes as the user that it holds.
    if not isinstance(user, get_user_model()) and getattr(user, "is_anonymous", False) is not True:
        raise TypeError(
            f"user is a {user.__class__.__name__}. Pass a {get_user_model().__name__} object, such "
            "as await request.auser() in an async view."
        )
    if user.pk is None:
        raise ValueError(
            "user is anonymous or not saved, so it can own nothing. Pass a saved user, or leave "
            "user= out and check elsewhere who may open the session."
        )
    return user
