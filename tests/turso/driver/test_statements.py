"""Statements: what the first word says about them."""

from __future__ import annotations

import unittest

from agent_sessions.turso.driver.statements import Statement


class StatementTests(unittest.TestCase):
    """Properties that decide when a statement is sent, and whether it may be sent again."""

    def properties(self, sql: str) -> set[str]:
        statement = Statement(sql)
        names = ("is_read", "is_change", "is_control", "is_rollback", "takes_lock")
        return {name for name in names if getattr(statement, name)}

    def test_reads(self) -> None:
        """A statement that changes nothing takes no lock and may be sent again."""
        for sql in (
            "SELECT 1",
            "  -- a comment\n (select 1)",
            "/* another */ VALUES (1)",
            "WITH a AS (SELECT 1) SELECT * FROM a",
            "EXPLAIN DELETE FROM rows",
            "PRAGMA foreign_key_check",
        ):
            with self.subTest(sql):
                self.assertEqual(self.properties(sql), {"is_read"})

    def test_changes(self) -> None:
        """A statement that changes rows takes the lock, and has a count of them."""
        for sql in (
            "INSERT INTO rows DEFAULT VALUES",
            "replace into rows values (1)",
            "WITH a AS (SELECT 1) INSERT INTO rows SELECT * FROM a",
        ):
            with self.subTest(sql):
                self.assertEqual(self.properties(sql), {"is_change", "takes_lock"})

    def test_other_writes(self) -> None:
        """A statement that is not known to read takes the lock."""
        for sql in ("CREATE TABLE a (b)", "PRAGMA user_version = 1", "", "???"):
            with self.subTest(sql):
                self.assertEqual(self.properties(sql), {"takes_lock"})

    def test_control(self) -> None:
        """A statement about the transaction has no result; BEGIN IMMEDIATE takes the lock."""
        for sql, expected in {
            "BEGIN": {"is_control"},
            "BEGIN IMMEDIATE": {"is_control", "takes_lock"},
            "SAVEPOINT a": {"is_control"},
            "ROLLBACK TO SAVEPOINT a": {"is_control"},
            "PRAGMA foreign_keys = OFF": {"is_control"},
            "ROLLBACK TRANSACTION": {"is_rollback", "takes_lock"},
        }.items():
            with self.subTest(sql):
                self.assertEqual(self.properties(sql), expected)
