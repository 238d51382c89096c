"""The engine without the packages of the extra [turso], each in a process without one of them."""

from __future__ import annotations

import os
import subprocess
import sys
import unittest
from pathlib import Path

from tests.turso.server import Server, missing

ROOT = Path(__file__).resolve().parents[2]
ENGINE = """
import django, sys
from django.conf import settings

settings.configure(DATABASES={"default": {"ENGINE": "agent_sessions.turso", "NAME": sys.argv[1]}})
django.setup()
from django.db import connection, transaction

with transaction.atomic(), connection.cursor() as cursor:
    cursor.execute("CREATE TABLE rows (id integer)")
    cursor.execute("INSERT INTO rows VALUES (1)")
    cursor.execute("SELECT count(*) FROM rows")
    print("rows:", cursor.fetchone()[0])
"""


def engine(before: str, url: str) -> subprocess.CompletedProcess[str]:
    """Use the engine in a process that runs `before` first."""
    command = [sys.executable, "-W", "error", "-c", before + ENGINE, url]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, cwd=ROOT)


class ExtraTests(unittest.TestCase):
    def test_without_urllib3(self) -> None:
        """The error says what to install."""
        done = engine("import sys; sys.modules['urllib3'] = None", "http://127.0.0.1:1")

        last_line = done.stderr.strip().splitlines()[-1]
        self.assertIn("ImproperlyConfigured: The database engine agent_sessions.turso", last_line)
        self.assertIn("pip install 'django-agent-sessions[turso]'", last_line)

    @unittest.skipIf(missing(), missing())
    def test_without_django_libsql(self) -> None:
        """The engine works without django-libsql, and prints nothing about it."""
        with Server() as server:
            done = engine("import sys; sys.modules['libsql'] = None", server.create("shop"))

        self.assertEqual((done.stdout, done.stderr), ("rows: 1\n", ""))

    @unittest.skipIf(missing(), missing())
    def test_where_django_libsql_cannot_be_imported(self) -> None:
        """It also works if django-libsql cannot be imported, as on Python 3.14."""
        lacking = (
            "import sqlite3, sqlite3.dbapi2\n"
            "for module in (sqlite3, sqlite3.dbapi2):\n"
            "    vars(module).pop('version', None), vars(module).pop('version_info', None)\n"
        )
        with Server() as server:
            done = engine(lacking, server.create("shop"))

        self.assertEqual((done.stdout, done.stderr), ("rows: 1\n", ""))
