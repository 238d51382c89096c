"""Test databases: which one tests get, who makes it, and that the project's own is never erased."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
import textwrap
import unittest
from contextlib import closing, redirect_stderr
from pathlib import Path
from typing import Any
from unittest import mock

from django.core.exceptions import ImproperlyConfigured
from django.db import NotSupportedError, OperationalError
from django.db.utils import ConnectionHandler
from django.test import SimpleTestCase

from agent_sessions.turso.driver import dbapi
from tests.turso.proxy import Fault, Proxy
from tests.turso.server import ROOT, Server, missing


def wrapper(name: str, *, alias: str = "turso", **test: Any) -> Any:
    """Return a connection as DATABASES would make it, with `test` as its TEST."""
    entry = {"ENGINE": "agent_sessions.turso", "NAME": name, "TEST": test}
    return ConnectionHandler({"default": entry, alias: entry})[alias]


def execute(name: str, *statements: str) -> list[Any]:
    """Execute statements on a database and return the rows of the last one."""
    with closing(dbapi.connect(wrapper(name).address)) as connection:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        return list(cursor.fetchall())


def tables(name: str) -> list[str]:
    sql = "SELECT name FROM sqlite_master ORDER BY name"
    return [table for (table,) in execute(name, sql)]


class NamesTests(SimpleTestCase):
    """Nothing is asked of a server here."""

    def test_beside_an_admin_address_the_name_gets_a_prefix(self) -> None:
        """Only the first part of the host changes; the rest of the address stays."""
        connection = wrapper("http://shop.localhost:8080/x?tls=0", ADMIN_URL="http://a:1")

        name = connection.creation._get_test_db_name()

        self.assertEqual(name, "http://test-shop.localhost:8080/x?tls=0")

    def test_a_written_name_is_taken(self) -> None:
        """TEST["NAME"] comes before what would be derived."""
        connection = wrapper("libsql://a.io", NAME="http://t.localhost:1", ADMIN_URL="http://a:1")

        name = connection.creation._get_test_db_name()

        self.assertEqual(name, "http://t.localhost:1")

    def test_no_name_and_no_admin_address(self) -> None:
        """Where tests have their database is never guessed."""
        connection = wrapper("libsql://shop.turso.io")

        with self.assertRaisesMessage(
            ImproperlyConfigured,
            "DATABASES['turso']['TEST'] has no database for tests. Write",
        ):
            connection.creation._get_test_db_name()

    def test_an_address_without_a_database_in_it(self) -> None:
        """A server with namespaces is addressed by the name of one."""
        for name in ("http://127.0.0.1:8080", "http://localhost:8080"):
            connection = wrapper(name, ADMIN_URL="http://127.0.0.1:1")

            with (
                self.subTest(name=name),
                self.assertRaisesMessage(
                    ImproperlyConfigured, "does not begin with the name of a database"
                ),
            ):
                connection.creation._get_test_db_name()

    def test_clones_are_numbered(self) -> None:
        """Each process of --parallel has a database of its own."""
        connection = wrapper("http://test-shop.localhost:8080", ADMIN_URL="http://127.0.0.1:1")

        connection.creation.setup_worker_connection(2)

        self.assertEqual(connection.settings_dict["NAME"], "http://test-shop-2.localhost:8080")

    def test_the_projects_own_database_is_refused(self) -> None:
        """However its address is written, before anything is sent."""
        for name, test in (
            ("libsql://shop.turso.io", {"NAME": "https://shop.turso.io:443/?authToken=x"}),
            ("http://127.0.0.1:8080", {"NAME": "http://test.localhost:8080"}),
            ("http://localhost:8080", {"NAME": "http://0.0.0.0:8080"}),
            ("http://a.localhost:1", {"NAME": "http://a.localhost:1", "ADMIN_URL": "http://b:1"}),
        ):
            connection = wrapper(name, **test)

            with (
                self.subTest(name=name, test=test),
                self.assertRaisesMessage(ImproperlyConfigured, "the project's own database"),
            ):
                connection.creation._create_test_db(0, autoclobber=True)

    def test_no_copies_without_an_admin_address(self) -> None:
        """The sentence says what to do."""
        connection = wrapper("libsql://shop.turso.io", NAME="libsql://test.turso.io")

        with self.assertRaisesMessage(NotSupportedError, "Leave out --parallel, or write"):
            connection.creation.clone_test_db("1", verbosity=0)

    def test_two_aliases_share_a_test_database(self) -> None:
        """Django makes it once if they are equal in what tells databases apart."""
        one = wrapper("libsql://a.io", NAME="libsql://t.io")
        other = wrapper("libsql://a.io", NAME="libsql://t.io", alias="other")
        third = wrapper("libsql://a.io", NAME="libsql://third.io", alias="third")

        signatures = [each.creation.test_db_signature() for each in (one, other, third)]

        self.assertEqual(signatures[0], signatures[1])
        self.assertNotEqual(signatures[0], signatures[2])

    def test_a_token_is_not_shown(self) -> None:
        """What the test runner writes at verbosity 2 has the address alone."""
        connection = wrapper("libsql://a.io", NAME="libsql://t.io?authToken=secret")

        shown = connection.creation._get_database_display_str(2, "libsql://t.io?authToken=secret")

        self.assertEqual(shown, "'turso' ('https://t.io:443')")


@unittest.skipIf(missing(), missing())
class NamespacesTests(SimpleTestCase):
    """A server that makes and removes the databases."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.server = cls.enterClassContext(Server())
        cls.own = cls.server.create("own")
        execute(cls.own, "CREATE TABLE mine (id INTEGER)")

    def connection(self, name: str) -> Any:
        return wrapper(self.own, NAME=self.server.url(name), ADMIN_URL=self.server.admin_url)

    def test_make_copy_and_remove(self) -> None:
        """Copies hold what the original holds, and everything goes at the end."""
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
        """--noinput asks nobody."""
        connection = self.connection("left")
        execute(self.server.create("left"), "CREATE TABLE old (id INTEGER)")

        name = connection.creation._create_test_db(0, autoclobber=True)

        self.assertEqual(tables(name), [])

    def test_a_person_is_asked(self) -> None:
        """Anything but yes leaves the database there and ends the run."""
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
        """What is there is kept, and what is not is made; copies too."""
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
        """A copy is always one of what is there."""
        connection = self.connection("fresh")
        execute(self.server.create("fresh-1"), "CREATE TABLE old (id INTEGER)")
        connection.settings_dict["NAME"] = connection.creation._create_test_db(0, autoclobber=True)

        connection.creation.clone_test_db("1", verbosity=0)

        self.assertEqual(tables(self.server.url("fresh-1")), [])

    def test_an_admin_address_where_nobody_is(self) -> None:
        """The sentence names the setting."""
        connection = wrapper(self.own, ADMIN_URL="http://127.0.0.1:9")

        with self.assertRaisesMessage(OperationalError, "TEST['ADMIN_URL'], http://127.0.0.1:9,"):
            connection.creation._create_test_db(0, autoclobber=True)

    def test_a_server_that_refuses(self) -> None:
        """What is wrong with the server itself is told as ever."""
        proxy = self.enterContext(Proxy(self.server.port))
        proxy.arm(Fault.STATUS_403, 1)
        connection = wrapper(proxy.url("own"), ADMIN_URL=self.server.admin_url)

        with self.assertRaisesMessage(dbapi.OperationalError, "answered 403"):
            connection.creation._create_test_db(0, autoclobber=True)

    def test_an_admin_address_that_answers_something_else(self) -> None:
        """The server's own answer is part of the error."""
        connection = wrapper(self.own, ADMIN_URL=f"http://127.0.0.1:{self.server.port}")

        with self.assertRaisesMessage(OperationalError, "/v1/namespaces/test-own"):
            connection.creation._create_test_db(0, autoclobber=True)


@unittest.skipIf(missing(), missing())
class NoNamespacesTests(SimpleTestCase):
    """A server with one database, as each of Turso Cloud's addresses is."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.server = cls.enterClassContext(Server(namespaces=False))
        cls.url = f"http://127.0.0.1:{cls.server.port}"

    def test_its_own_database_is_safe(self) -> None:
        """Its admin interface makes namespaces that nobody can reach; that is noticed."""
        name = f"http://own.localhost:{self.server.port}"
        connection = wrapper(name, ADMIN_URL=self.server.admin_url)

        with self.assertRaisesMessage(
            ImproperlyConfigured, "has one database for all host names, so tests would erase"
        ):
            connection.creation._create_test_db(0, autoclobber=True)

    def test_the_tables_of_the_other_database_are_erased(self) -> None:
        """All that it holds goes, whatever refers to what."""
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
        """The database itself stays: it is not ours to remove."""
        connection = wrapper("libsql://shop.turso.io", NAME=self.url)
        execute(self.url, "CREATE TABLE a (id INTEGER)")
        connection.settings_dict["NAME"] = self.url

        connection.creation.destroy_test_db(verbosity=0)

        self.assertNotIn("a", tables(self.url))


TESTS = """
    from django.contrib.auth.models import User
    from django.db import connection, connections
    from django.test import TestCase, TransactionTestCase

    class First(TransactionTestCase):
        databases = {"default", "mirror"}

        def test_write(self):
            User.objects.create(username="a")
            print("ON", connection.settings_dict["NAME"])
            self.assertEqual(User.objects.count(), 1)
            self.assertEqual(User.objects.using("mirror").count(), 1)

    class Second(TransactionTestCase):
        def test_write(self):
            User.objects.create(username="b")
            print("ON", connection.settings_dict["NAME"])
            self.assertEqual(User.objects.get().username, "b")

    class Third(TestCase):
        def test_read(self):
            self.assertEqual(User.objects.count(), 0)
"""

RUN = """
    import multiprocessing, os, sys
    from django.core.management import execute_from_command_line

    if __name__ == "__main__":
        multiprocessing.set_start_method(os.environ["START_METHOD"] or None)
        execute_from_command_line(sys.argv)
"""


@unittest.skipIf(missing(), missing())
class WholeRunTests(SimpleTestCase):
    """`manage.py test` on a small project, in a process of its own."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.server = cls.enterClassContext(Server())
        cls.plain = cls.enterClassContext(Server(namespaces=False))
        cls.own = cls.server.create("project")
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        (cls.folder / "test_project.py").write_text(textwrap.dedent(TESTS))
        (cls.folder / "run.py").write_text(textwrap.dedent(RUN))

    def run_tests(
        self, *options: str, start_method: str = "", **test: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the project's tests with `test` as TEST."""
        entry = {"ENGINE": "agent_sessions.turso", "NAME": self.own, "TEST": test}
        mirror = {**entry, "TEST": {"MIRROR": "default"}}
        (self.folder / "project_settings.py").write_text(
            f"DATABASES = { ({'default': entry, 'mirror': mirror})!r}\n"
            "INSTALLED_APPS = ['django.contrib.contenttypes', 'django.contrib.auth']\n"
            "USE_TZ = True\n"
        )
        return subprocess.run(
            [sys.executable, "run.py", "test", "--noinput", "-v", "2", *options],
            cwd=self.folder,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "project_settings",
                "START_METHOD": start_method,
                "PYTHONPATH": os.pathsep.join([str(self.folder), str(ROOT)]),
            },
            capture_output=True,
            text=True,
            timeout=120,
        )

    def test_in_parallel(self) -> None:
        """Processes work on copies of their own, and nothing is left of any."""
        ran = self.run_tests("--parallel", "2", ADMIN_URL=self.server.admin_url)

        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertRegex(ran.stderr, r"Ran 3 tests in .*\n\nOK")
        test_database = f"http://test-project.localhost:{self.server.port}"
        self.assertIn(f"Cloning test database for alias 'default' ('{test_database}')", ran.stderr)
        self.assertRegex(ran.stdout, r"ON http://test-project-[12]\.localhost:")
        self.assertEqual(tables(self.own), [])
        for gone in (test_database, f"http://test-project-2.localhost:{self.server.port}"):
            with self.subTest(gone), self.assertRaisesMessage(dbapi.OperationalError, "404"):
                execute(gone, "SELECT 1")

    def test_in_parallel_without_fork(self) -> None:
        """Processes that begin with nothing find their copies as well."""
        test = {"NAME": self.server.url("spawned"), "ADMIN_URL": self.server.admin_url}

        ran = self.run_tests("--parallel", "2", start_method="spawn", **test)

        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertRegex(ran.stdout, r"ON http://spawned-[12]\.localhost:")

    def test_on_a_database_that_is_there(self) -> None:
        """Without an admin address its tables are erased before and after."""
        url = f"http://127.0.0.1:{self.plain.port}"
        execute(url, "CREATE TABLE auth_user (id INTEGER)")

        ran = self.run_tests(NAME=url)

        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn(f"ON {url}", ran.stdout)
        self.assertEqual(tables(url), ["sqlite_sequence"])
        self.assertEqual(tables(self.own), [])

    def test_keepdb(self) -> None:
        """A second run finds the database migrated."""
        options = {"NAME": self.server.url("kept"), "ADMIN_URL": self.server.admin_url}

        first = self.run_tests("--keepdb", **options)
        second = self.run_tests("--keepdb", **options)

        self.assertEqual((first.returncode, second.returncode), (0, 0), second.stderr)
        self.assertIn("No migrations to apply.", second.stderr + second.stdout)
        self.assertIn("auth_user", tables(self.server.url("kept")))
