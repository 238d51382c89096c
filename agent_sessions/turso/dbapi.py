"""The driver in the form of PEP 249, which Django expects of `DatabaseWrapper.Database`."""

from __future__ import annotations

from agent_sessions.turso.address import Address
from agent_sessions.turso.connection import Connection
from agent_sessions.turso.cursor import Cursor
from agent_sessions.turso.errors import (
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
from agent_sessions.turso.failures import UnknownOutcomeError

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
