"""The driver in the form of PEP 249, which Django expects of `DatabaseWrapper.Database`."""

from __future__ import annotations

from agent_sessions.turso.driver.address import Address
from agent_sessions.turso.driver.connection import Connection
from agent_sessions.turso.driver.cursor import Cursor
from agent_sessions.turso.driver.errors import (
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    Warning,  # noqa: A004  # PEP 249's name
)
from agent_sessions.turso.driver.unknown_outcome import UnknownOutcomeError

__all__ = [
    "Binary",
    "Connection",
    "Cursor",
    "DataError",
    "DatabaseError",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "UnknownOutcomeError",
    "Warning",
    "connect",
]

apilevel = "2.0"
threadsafety = 1
paramstyle = "format"

# What becomes a blob.
Binary = memoryview


def connect(address: Address) -> Connection:
    """Return a connection to the database at `address`. Nothing is sent before it is used."""
    return Connection(address)
