"""A statement, encoded for the protocol, and its result."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent_sessions.turso.driver.errors import OperationalError
from agent_sessions.turso.driver.values import Decoder, decoders_of, encode

Parameters = Sequence[Any] | Mapping[str, Any]

# White space, comments and brackets may precede the first word.
_FIRST_WORD = re.compile(r"(?:\s|\(|--[^\n]*\n|/\*.*?\*/)*([a-z]+)", re.IGNORECASE | re.DOTALL)
_CHANGES = re.compile(r"\b(?:INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE)
_FOREIGN_KEYS = re.compile(r"\s*PRAGMA\s+foreign_keys\s*=\s*(\w+)\s*;?\s*$", re.IGNORECASE)


@dataclass
class Result:
    """The rows of a statement in the protocol's form, with a decoder for each column."""

    names: list[str] = field(default_factory=list)
    decoders: list[Decoder] = field(default_factory=list, repr=False)
    rows: list[list[dict[str, Any]]] = field(default_factory=list, repr=False)
    affected: int = -1
    last_row_id: int | None = None


class Statement:
    """SQL with its parameters, which are encoded at once so that a wrong one raises here."""

    def __init__(self, sql: str, parameters: Parameters = ()) -> None:
        self.sql = sql
        found = _FIRST_WORD.match(sql)
        self.word = found[1].upper() if found else ""
        self.result: Result | None = None
        self.error: Exception | None = None
        # `Stmt` of the protocol.
        self.wire: dict[str, Any] = {"sql": sql, "want_rows": True}
        if isinstance(parameters, Mapping):
            self.wire["named_args"] = [
                {"name": name, "value": encode(value)} for name, value in parameters.items()
            ]
        elif parameters:
            self.wire["args"] = [encode(value) for value in parameters]

    def __repr__(self) -> str:
        # Without the SQL and the parameters: both may hold what a person wrote.
        status = "failed" if self.error else "done" if self.result else "waiting"
        return f"<Statement ({status}) {self.word}>"

    @property
    def is_control(self) -> bool:
        """It opens, marks or unwinds a transaction, and nobody asks for its result."""
        return (
            self.word in ("BEGIN", "SAVEPOINT", "RELEASE")
            or self.is_partial_rollback
            or self.foreign_keys is not None
        )

    @property
    def is_rollback(self) -> bool:
        """It rolls back the whole transaction."""
        return self.word == "ROLLBACK" and not self.is_partial_rollback

    @property
    def is_partial_rollback(self) -> bool:
        """It rolls back to a savepoint."""
        return self.word == "ROLLBACK" and re.search(r"\bTO\b", self.sql, re.IGNORECASE) is not None

    @property
    def is_change(self) -> bool:
        """It changes rows, and has a count of them."""
        return self.word in ("INSERT", "UPDATE", "DELETE", "REPLACE") or (
            self.word == "WITH" and _CHANGES.search(self.sql) is not None
        )

    @property
    def is_read(self) -> bool:
        """It changes nothing, so that it can be sent again."""
        if self.word == "PRAGMA":
            return "=" not in self.sql
        return self.word in ("SELECT", "VALUES", "EXPLAIN", "WITH") and not self.is_change

    @property
    def takes_lock(self) -> bool:
        """It has to wait while another connection writes."""
        if self.word == "BEGIN":
            return re.search(r"\b(?:IMMEDIATE|EXCLUSIVE)\b", self.sql, re.IGNORECASE) is not None
        return not (self.is_read or self.is_control)

    @property
    def foreign_keys(self) -> bool | None:
        """The value that a `PRAGMA foreign_keys = ...` sets; None for every other statement."""
        found = _FOREIGN_KEYS.match(self.sql)
        return found[1].upper() in ("1", "ON", "TRUE", "YES") if found else None

    def succeed(self, answer: Mapping[str, Any]) -> None:
        """Take the result from the protocol's `StmtResult`."""
        described = answer.get("cols") or []
        row_id = answer.get("last_insert_rowid")
        self.result = Result(
            names=[column.get("name") or "" for column in described],
            decoders=decoders_of([column.get("decltype") for column in described]),
            rows=answer.get("rows") or [],
            affected=int(answer.get("affected_row_count") or 0) if self.is_change else -1,
            last_row_id=None if row_id is None else int(row_id),
        )

    def drop(self, error: BaseException) -> None:
        """Record that it was not executed, and why: asking for its result raises that."""
        if self.result is None and self.error is None:
            self.error = OperationalError(f"The statement was not executed: {error}")
            self.error.__cause__ = error
