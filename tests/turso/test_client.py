"""`manage.py dbshell`, interactive and with scripts."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import unittest
from pathlib import Path
from typing import ClassVar

from django.test import SimpleTestCase

from tests.turso.server import Server, missing

ROOT = Path(__file__).resolve().parents[2]


@unittest.skipIf(missing(), missing())
class ShellTests(SimpleTestCase):
    environment: ClassVar[dict[str, str]]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        server = cls.enterClassContext(Server())
        cls.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "calendarclub.settings",
            "DJANGO_SECRET_KEY": "for this test only",
            "DATABASE_URL": server.create("shell"),
            "TURSO_AUTH_TOKEN": "a.secret.token",
        }

    def shell(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", "dbshell", *arguments],
            cwd=ROOT,
            env=self.environment,
            input=typed,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def test_argument(self) -> None:
        """SQL on the command line is executed, and its rows are printed under their names."""
        answer = self.shell("--", "SELECT 1 AS one, NULL AS none, 'a' AS letter; SELECT 2")

        self.assertEqual(answer.stdout, "one|none|letter\n1||a\n2\n2\n")
        self.assertEqual(answer.returncode, 0)

    def test_script(self) -> None:
        """A script on standard input is executed statement by statement."""
        script = "CREATE TABLE script (\n  a text\n);\nINSERT INTO script VALUES ('x;y');\n"

        self.shell(typed=script)

        self.assertIn("x;y", self.shell("--", "SELECT a FROM script").stdout)

    def test_mistake(self) -> None:
        """A mistake ends the command with the server's text, without the token."""
        answer = self.shell("--", "SELEC 1")

        self.assertNotEqual(answer.returncode, 0)
        self.assertIn("syntax error", answer.stderr)
        self.assertNotIn("Traceback", answer.stderr)
        self.assertNotIn("a.secret.token", answer.stdout + answer.stderr)

    @unittest.skipUnless(hasattr(os, "openpty"), "Only Unix has terminals to pretend.")
    def test_person(self) -> None:
        """The prompt continues until Ctrl-D, after a mistake too."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "manage.py", "dbshell"],
            cwd=ROOT,
            env={**self.environment, "TERM": "dumb"},
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(os.close, ours)

        os.write(ours, b"\nSELECT 6 *\n7;\nSELEC 1;\nSELECT 'still', 'here';\n\x04")
        os.close(theirs)
        output, errors = process.communicate(timeout=60)

        self.assertEqual(process.returncode, 0)
        self.assertIn("42", output)
        self.assertIn("still|here", output)
        self.assertIn("Connected to http://shell.localhost", errors)
        self.assertIn("syntax error", errors)
