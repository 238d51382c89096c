"""Test databases: a server creates and removes them, or an existing one is emptied."""

from __future__ import annotations

import io
import unittest
from contextlib import redirect_stderr
from typing import Any, ClassVar
from unittest import mock

from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError
from django.test import SimpleTestCase

from agent_sessions.turso.driver import dbapi
from tests.turso.connections import execute, tables, wrapper
from tests.turso.faults import Fault
from tests.turso.proxy import Proxy
from tests.turso.server import Server, missing


@unittest.skipIf(missing(), missing())
class NamespacesTests(SimpleTestCase):
    """A server that creates and removes databases."""

    server: ClassVar[Server]
    own: ClassVar[str]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.server = cls.enterClassContext(Server())
        cls.own = cls.server.create("own")
        execute(cls.own, "CREATE TABLE mine (id INTEGER)")

    def connection(self, name: str) -> Any:
        return wrapper(self.own, NAME=self.server.url(name), ADMIN_URL=self.server.admin_url)

    def test_make_copy_and_remove(self) -> None:
        """A copy has the original's rows, and all databases are removed at the end."""
        connection = self.connection("whole")
        name = connection.creation._create_test_db(0, autoclobber=False)
        execute(name, "CREATE TABLE a (id INTEGER)", "INSERT INTO a VALUES (7)")
        connection.settings_dict["NAME"] = name

        connection.creation.clone_test_db("1", verbosity=0)
        rows = execute(self.server.url("whole-1"), "SELECT id FROM a")
        connection.creation.destroy_test_db(verbosity=0, suffix="1")
        connection.creation.destroy_test_db(verbosity=0)

        self.assertEqual(rows, [(7,)])
        for gone in ("whole", "whole-1"):
            with self.subTest(gone), self.assertRaisesMessage(dbapi.OperationalError, "404"):
                execute(self.server.url(gone), "SELECT 1")
        self.assertEqual(tables(self.own), ["mine"])

    def test_what_is_left_of_the_last_run_is_replaced(self) -> None:
        """With --noinput, an old database is replaced without a question."""
        connection = self.connection("left")
        execute(self.server.create("left"), "CREATE TABLE old (id INTEGER)")

        name = connection.creation._create_test_db(0, autoclobber=True)

        self.assertEqual(tables(name), [])

    def test_a_person_is_asked(self) -> None:
        """Any answer but yes keeps the database and ends the run."""
        connection = self.connection("asked")
        execute(self.server.create("asked"), "CREATE TABLE old (id INTEGER)")

        with (
            mock.patch("builtins.input", side_effect=["no", "yes"]) as asked,
            redirect_stderr(io.StringIO()) as said,
        ):
            with self.assertRaises(SystemExit):
                connection.creation._create_test_db(1, autoclobber=False)
            kept = tables(self.server.url("asked"))
            connection.creation._create_test_db(1, autoclobber=False)

        self.assertIn(f"the test database '{self.server.url('asked')}'", asked.call_args[0][0])
        self.assertIn("Tests cancelled.", said.getvalue())
        self.assertIn("Destroying old test database for alias 'turso'...", said.getvalue())
        self.assertEqual(kept, ["old"])
        self.assertEqual(tables(self.server.url("asked")), [])

    def test_keepdb(self) -> None:
        """Existing databases and copies are kept, missing ones created."""
        connection = self.connection("kept")

        name = connection.creation._create_test_db(0, autoclobber=False, keepdb=True)
        execute(name, "CREATE TABLE a (id INTEGER)")
        connection.creation._create_test_db(0, autoclobber=False, keepdb=True)
        connection.settings_dict["NAME"] = name
        connection.creation.clone_test_db("1", verbosity=0, keepdb=True)
        execute(self.server.url("kept-1"), "CREATE TABLE b (id INTEGER)")
        connection.creation.clone_test_db("1", verbosity=0, keepdb=True)
        connection.creation.destroy_test_db(verbosity=0, keepdb=True, suffix="1")
        connection.creation.destroy_test_db(verbosity=0, keepdb=True)

        self.assertEqual(tables(name), ["a"])
        self.assertEqual(tables(self.server.url("kept-1")), ["a", "b"])

    def test_an_old_copy_is_replaced(self) -> None:
        """A copy is always made from the current database."""
        connection = self.connection("fresh")
        execute(self.server.create("fresh-1"), "CREATE TABLE old (id INTEGER)")
        connection.settings_dict["NAME"] = connection.creation._create_test_db(0, autoclobber=True)

        connection.creation.clone_test_db("1", verbosity=0)

        self.assertEqual(tables(self.server.url("fresh-1")), [])

    def test_an_admin_address_where_nobody_is(self) -> None:
        """The error names the setting."""
        connection = wrapper(self.own, ADMIN_URL="http://127.0.0.1:9")

        with self.assertRaisesMessage(OperationalError, "TEST['ADMIN_URL'], http://127.0.0.1:9,"):
            connection.creation._create_test_db(0, autoclobber=True)

    def test_a_server_that_refuses(self) -> None:
        """The server's other errors are raised as usual."""
        proxy = self.enterContext(Proxy(self.server.port))
        proxy.arm(Fault.STATUS_403, 1)
        connection = wrapper(proxy.url("own"), ADMIN_URL=self.server.admin_url)

        with self.assertRaisesMessage(dbapi.OperationalError, "answered 403"):
            connection.creation._create_test_db(0, autoclobber=True)

    def test_an_admin_address_that_answers_something_else(self) -> None:
        """The server's answer is part of the error."""
        connection = wrapper(self.own, ADMIN_URL=f"http://127.0.0.1:{self.server.port}")

        with self.assertRaisesMessage(OperationalError, "/v1/namespaces/test-own"):
            connection.creation._create_test_db(0, autoclobber=True)


@unittest.skipIf(missing(), missing())
class NoNamespacesTests(SimpleTestCase):
    """A server with one database, as at each address of Turso Cloud."""

    server: ClassVar[Server]
    url: ClassVar[str]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.server = cls.enterClassContext(Server(namespaces=False))
        cls.url = f"http://127.0.0.1:{cls.server.port}"

    def test_its_own_database_is_safe(self) -> None:
        """Without --enable-namespaces its admin API still creates namespaces; the check notices."""
        name = f"http://own.localhost:{self.server.port}"
        connection = wrapper(name, ADMIN_URL=self.server.admin_url)

        with self.assertRaisesMessage(
            ImproperlyConfigured, "has one database for all host names, so tests would erase"
        ):
            connection.creation._create_test_db(0, autoclobber=True)

    def test_the_tables_of_the_other_database_are_erased(self) -> None:
        """Everything in it is dropped, whatever refers to what."""
        connection = wrapper("libsql://shop.turso.io", NAME=self.url)
        execute(
            self.url,
            "CREATE TABLE parent (id INTEGER PRIMARY KEY)",
            'CREATE TABLE "a ""child""" (id INTEGER, parent INTEGER REFERENCES parent (id))',
            "INSERT INTO parent VALUES (1)",
            'INSERT INTO "a ""child""" VALUES (1, 1)',
            "CREATE VIEW seen AS SELECT id FROM parent",
            "CREATE TRIGGER t AFTER INSERT ON parent BEGIN DELETE FROM parent; END",
            "CREATE VIRTUAL TABLE words USING fts5 (word)",
            "CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT)",
        )

        with mock.patch("builtins.input", return_value="no") as asked:
            with self.assertRaises(SystemExit), redirect_stderr(io.StringIO()):
                connection.creation._create_test_db(0, autoclobber=False)
            connection.creation._create_test_db(0, autoclobber=False, keepdb=True)
            kept = tables(self.url)
            connection.creation._create_test_db(0, autoclobber=True)
            erased = tables(self.url)
            connection.creation._create_test_db(0, autoclobber=False)

        self.assertIn("parent", kept)
        self.assertEqual(erased, ["sqlite_sequence"])
        self.assertEqual(asked.call_count, 1)

    def test_they_are_erased_at_the_end(self) -> None:
        """The tables are dropped, and the database itself stays."""
        connection = wrapper("libsql://shop.turso.io", NAME=self.url)
        execute(self.url, "CREATE TABLE a (id INTEGER)")
        connection.settings_dict["NAME"] = self.url

        connection.creation.destroy_test_db(verbosity=0)

        self.assertNotIn("a", tables(self.url))
