"""The SDK's own sessions, opened on the SQLite file of the tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest import skipUnless

from agents import SQLiteSession
from agents.extensions.memory import AsyncSQLiteSession, SQLAlchemySession
from django.db import connection, connections
from sqlalchemy.ext.asyncio import create_async_engine

needs_a_file = skipUnless(
    connection.settings_dict["ENGINE"] == "django.db.backends.sqlite3",
    "The SDK's SQLite sessions need a SQLite file: run with TEST_DATABASE=sqlite.",
)


def file() -> str:
    """Return the path of the test database."""
    return str(connections["default"].settings_dict["NAME"])


@asynccontextmanager
async def sqlite_session(session_id: str) -> AsyncIterator[Any]:
    session = SQLiteSession(session_id, file())
    yield session
    session.close()


@asynccontextmanager
async def async_sqlite_session(session_id: str) -> AsyncIterator[Any]:
    session = AsyncSQLiteSession(session_id, file())
    yield session
    await session.close()


@asynccontextmanager
async def sqlalchemy_session(session_id: str) -> AsyncIterator[Any]:
    engine = create_async_engine(f"sqlite+aiosqlite:///{file()}")
    yield SQLAlchemySession(session_id, engine=engine)
    await engine.dispose()


@asynccontextmanager
async def new_sqlalchemy_session(session_id: str) -> AsyncIterator[Any]:
    engine = create_async_engine(f"sqlite+aiosqlite:///{file()}")
    yield SQLAlchemySession(session_id, engine=engine, create_tables=True)
    await engine.dispose()


THEIRS = {
    "SQLiteSession": sqlite_session,
    "AsyncSQLiteSession": async_sqlite_session,
    "SQLAlchemySession": sqlalchemy_session,
}

# The first two always make their tables if they are missing.
MAKERS = {**THEIRS, "SQLAlchemySession": new_sqlalchemy_session}
