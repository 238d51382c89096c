"""Test databases: their names, whole test runs, and the safety of the project's own database."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import textwrap
import unittest
from pathlib import Path
from typing import ClassVar

from django.core.exceptions import ImproperlyConfigured
from django.db import NotSupportedError
from django.test import SimpleTestCase

from agent_sessions.turso.driver import dbapi
from tests.turso.connections import execute, tables, wrapper
from tests.turso.server import ROOT, Server, missing


class NamesTests(SimpleTestCase):
    """No test sends anything."""

    def test_beside_an_admin_address_the_name_gets_a_prefix(self) -> None:
        """Only the first part of the host changes; the rest of the address stays."""
        connection = wrapper("http://shop.localhost:8080/x?tls=0", ADMIN_URL="http://a:1")

        name = connection.creation._get_test_db_name()

        self.assertEqual(name, "http://test-shop.localhost:8080/x?tls=0")

    def test_a_written_name_is_taken(self) -> None:
        """TEST["NAME"] replaces the derived name."""
        connection = wrapper("libsql://a.io", NAME="http://t.localhost:1", ADMIN_URL="http://a:1")

        name = connection.creation._get_test_db_name()

        self.assertEqual(name, "http://t.localhost:1")

    def test_no_name_and_no_admin_address(self) -> None:
        """The name of a test database is never guessed."""
        connection = wrapper("libsql://shop.turso.io")

        with self.assertRaisesMessage(
            ImproperlyConfigured,
            "DATABASES['turso']['TEST'] has no database for tests. Write",
        ):
            connection.creation._get_test_db_name()

    def test_an_address_without_a_database_in_it(self) -> None:
        """With an admin address, NAME must contain a database's name."""
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
        """Each process of --parallel has its own database."""
        connection = wrapper("http://test-shop.localhost:8080", ADMIN_URL="http://127.0.0.1:1")

        connection.creation.setup_worker_connection(2)

        self.assertEqual(connection.settings_dict["NAME"], "http://test-shop-2.localhost:8080")

    def test_the_projects_own_database_is_refused(self) -> None:
        """It is recognised in every spelling, before anything is sent."""
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
        """The error says what to do."""
        connection = wrapper("libsql://shop.turso.io", NAME="libsql://test.turso.io")

        with self.assertRaisesMessage(NotSupportedError, "Leave out --parallel, or write"):
            connection.creation.clone_test_db("1", verbosity=0)

    def test_two_aliases_share_a_test_database(self) -> None:
        """Equal signatures make Django create the database once."""
        one = wrapper("libsql://a.io", NAME="libsql://t.io")
        other = wrapper("libsql://a.io", NAME="libsql://t.io", alias="other")
        third = wrapper("libsql://a.io", NAME="libsql://third.io", alias="third")

        signatures = [each.creation.test_db_signature() for each in (one, other, third)]

        self.assertEqual(signatures[0], signatures[1])
        self.assertNotEqual(signatures[0], signatures[2])

    def test_a_token_is_not_shown(self) -> None:
        """The test runner's output at verbosity 2 has the address without the token."""
        connection = wrapper("libsql://a.io", NAME="libsql://t.io?authToken=secret")

        shown = connection.creation._get_database_display_str(2, "libsql://t.io?authToken=secret")

        self.assertEqual(shown, "'turso' ('https://t.io:443')")


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
    """`manage.py test` on a small project, in another process."""

    server: ClassVar[Server]
    plain: ClassVar[Server]
    own: ClassVar[str]
    folder: ClassVar[Path]

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
        """Processes use their own copies, which are removed at the end."""
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
        """Spawned processes find their copies too."""
        test = {"NAME": self.server.url("spawned"), "ADMIN_URL": self.server.admin_url}

        ran = self.run_tests("--parallel", "2", start_method="spawn", **test)

        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertRegex(ran.stdout, r"ON http://spawned-[12]\.localhost:")

    def test_on_a_database_that_is_there(self) -> None:
        """Without an admin address, its tables are dropped before and after."""
        url = f"http://127.0.0.1:{self.plain.port}"
        execute(url, "CREATE TABLE auth_user (id INTEGER)")

        ran = self.run_tests(NAME=url)

        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn(f"ON {url}", ran.stdout)
        self.assertEqual(tables(url), ["sqlite_sequence"])
        self.assertEqual(tables(self.own), [])

    def test_keepdb(self) -> None:
        """A second run finds the migrated database."""
        options = {"NAME": self.server.url("kept"), "ADMIN_URL": self.server.admin_url}

        first = self.run_tests("--keepdb", **options)
        second = self.run_tests("--keepdb", **options)

        self.assertEqual((first.returncode, second.returncode), (0, 0), second.stderr)
        self.assertIn("No migrations to apply.", second.stderr + second.stdout)
        self.assertIn("auth_user", tables(self.server.url("kept")))
