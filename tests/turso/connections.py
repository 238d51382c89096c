"""Connections to a server or proxy for a test, beside those of the settings."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from django.db import connections
from django.db.utils import ConnectionHandler
from django.test import RequestFactory, SimpleTestCase
from django.views.debug import ExceptionReporter

from agent_sessions.turso.base import DatabaseWrapper

_numbers = itertools.count(1)


class WireTestCase(SimpleTestCase):
    """A test on databases that it makes itself."""

    # pytest-django lets a test reach databases only if it names one; nothing is done with this one.
    databases = {"archive"}


def settings_of(url: str, *, password: str = "", **options: Any) -> dict[str, Any]:
    """Return an entry of DATABASES for the database at `url`."""
    return {
        "ENGINE": "agent_sessions.turso",
        "NAME": url,
        "PASSWORD": password,
        "OPTIONS": options,
    }


@contextmanager
def connected(url: str, *, password: str = "", **options: Any) -> Iterator[DatabaseWrapper]:
    """Give this thread a connection that `atomic(using=connection.alias)` knows, too."""
    alias = f"turso_{next(_numbers)}"
    handler = ConnectionHandler(
        {"default": {}, alias: settings_of(url, password=password, **options)}
    )
    connection = cast(DatabaseWrapper, handler[alias])
    connections[alias] = connection
    try:
        yield connection
    finally:
        connection.close()
        del connections[alias]


def run(connection: Any, sql: str, parameters: Any = None) -> list[Any]:
    """Execute a statement and return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def page_about(error: BaseException) -> str:
    """Return Django's pages about an error, which show variables and settings."""
    reporter = ExceptionReporter(RequestFactory().get("/"), type(error), error, error.__traceback__)
    return reporter.get_traceback_html() + reporter.get_traceback_text()
