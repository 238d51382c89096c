"""The driver's PEP 249 module, Django's `DatabaseWrapper.Database`.

https://peps.python.org/pep-0249/
"""

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
from agent_sessions.turso.driver.unknown_outcome import InDoubtError

__all__ = [
    "Binary",
    "Connection",
    "Cursor",
    "DataError",
    "DatabaseError",
    "Error",
    "InDoubtError",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "Warning",
    "connect",
]

apilevel = "2.0"
threadsafety = 1
paramstyle = "format"

Binary = memoryview


def connect(address: Address) -> Connection:
    """Return a connection to the database at `address`. Nothing is sent until it is used."""
    return Connection(address)
