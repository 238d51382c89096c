"""Only its owner can read the SQLite file with the conversations."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from django.test import SimpleTestCase

from calendarclub.private_file import PrivateConnection

ROOT = Path(__file__).resolve().parents[2]


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


class PrivateConnectionTests(SimpleTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.path = self.folder / "calendarclub.sqlite3"

    def connect(self, name: str) -> sqlite3.Connection:
        return sqlite3.connect(name, factory=PrivateConnection)

    def test_new_file(self) -> None:
        """Only its owner can read a new file and the files beside it."""
        with closing(self.connect(str(self.path))) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("CREATE TABLE one (name)")

            modes = {path.name: mode(path) for path in self.folder.iterdir()}

        names = [f"calendarclub.sqlite3{end}" for end in ("", "-shm", "-wal")]
        self.assertEqual(modes, dict.fromkeys(names, 0o600))

    def test_existing_file(self) -> None:
        """An existing file keeps its permissions."""
        self.path.touch(0o640)

        self.connect(str(self.path)).close()

        self.assertEqual(mode(self.path), 0o640)

    def test_no_file(self) -> None:
        """A database in memory has no file, and a missing folder is SQLite's error."""
        self.connect(":memory:").close()
        with self.assertRaisesMessage(sqlite3.OperationalError, "unable to open database file"):
            self.connect(str(self.folder / "missing" / "club.sqlite3"))

        self.assertEqual([*self.folder.iterdir()], [])

    def test_migrate(self) -> None:
        """The settings of calendarclub create such a file."""
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "calendarclub.settings",
            "DJANGO_SECRET_KEY": "for this test only",
            "DJANGO_SQLITE_FILE": str(self.path),
        }
        command = [sys.executable, "manage.py", "migrate", "contenttypes", "--verbosity=0"]
        subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)

        self.assertEqual(mode(self.path), 0o600)
