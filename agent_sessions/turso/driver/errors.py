"""Translate a server's error into an exception of PEP 249, by its code and never by its text.

The codes are those of sqld, in libsql-server/src/hrana/stmt.rs and batch.rs of
https://github.com/tursodatabase/libsql. The classes are sqlite3's own, so that code which catches
the errors of Django's SQLite backend goes on working.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from sqlite3 import (
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
from typing import Any

__all__ = [
    "DataError",
    "DatabaseError",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "Warning",
    "error_of",
    "is_busy",
    "is_too_large",
    "loggable",
]

_CLASSES: Mapping[str, type[DatabaseError]] = {
    "SQLITE_CONSTRAINT": IntegrityError,
    "SQLITE_MISMATCH": IntegrityError,
    "SQLITE_TOOBIG": DataError,
    "SQLITE_RANGE": ProgrammingError,
    "SQLITE_INTERNAL": InternalError,
    "SQLITE_NOTFOUND": InternalError,
    "ARGS_INVALID": ProgrammingError,
    "SQL_MANY_STATEMENTS": ProgrammingError,
    "SQL_NO_STATEMENT": ProgrammingError,
}

# Another connection writes. Nothing of the statement, or of BEGIN, has been executed:
# https://www.sqlite.org/rescode.html#busy
_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED")

_LOGGABLE_CODE = re.compile(r"[A-Z0-9_]{1,40}")


def error_of(error: Mapping[str, Any]) -> DatabaseError:
    """Return the exception for an `Error` of the protocol; its attribute `code` is the code."""
    code = str(error.get("code") or "")
    exception = _class_of(code)(_sentence(error, code))
    exception.code = code  # type: ignore[attr-defined]  # sqlite3's exceptions don't declare it
    return exception


def is_busy(error: BaseException) -> bool:
    """Tell whether the server refused the statement unread because another connection writes."""
    return str(getattr(error, "code", "")).startswith(_BUSY)


def is_too_large(error: BaseException) -> bool:
    """Tell whether the rows do not fit into one answer of a pipeline."""
    return getattr(error, "code", "") == "RESPONSE_TOO_LARGE"


def loggable(error: BaseException) -> str:
    """Return an error's class with its HTTP status or code, for a log line.

    Never its text: a server or a proxy may repeat the parameters of a statement in it.
    """
    kind = type(error).__name__
    code = str(getattr(error, "status", "") or getattr(error, "code", ""))
    return f"{kind} {code}" if _LOGGABLE_CODE.fullmatch(code) else kind


def _class_of(code: str) -> type[DatabaseError]:
    # Extended codes, such as SQLITE_CONSTRAINT_UNIQUE, begin with the plain one.
    for known, kind in _CLASSES.items():
        if code == known or code.startswith(known + "_"):
            return kind
    return OperationalError


def _sentence(error: Mapping[str, Any], code: str) -> str:
    message = str(error.get("message") or "The server gave no reason.")
    for prefix in ("SQLite error: ", "SQL input error: "):
        message = message.removeprefix(prefix)
    if code == "RESPONSE_TOO_LARGE":
        message += ". Ask for fewer rows at once, or for fewer columns."
    return message
