"""Databases for processes of calendarclub that tests start."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import Any
from uuid import uuid4

import tests.settings
from agent_sessions.turso.driver import dbapi
from agent_sessions.turso.driver.address import address_of


def own_database(folder: str) -> dict[str, str]:
    """Return environment variables with which calendarclub has an empty database."""
    if os.environ.get("TEST_DATABASE") == "turso":
        return {"DATABASE_URL": tests.settings.server.create(f"own-{uuid4().hex}")}
    return {"DJANGO_SQLITE_FILE": f"{folder}/calendarclub.sqlite3"}


def rows(environment: dict[str, str], sql: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query on a database of own_database()."""
    with closing(_connect(environment)) as connection, closing(connection.cursor()) as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def _connect(environment: dict[str, str]) -> Any:
    if url := environment.get("DATABASE_URL"):
        return dbapi.connect(address_of({"NAME": url}, "own"))
    return sqlite3.connect(environment["DJANGO_SQLITE_FILE"])
