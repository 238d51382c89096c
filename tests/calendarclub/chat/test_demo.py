"""`manage.py demo` in a process and on a database of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from urllib.request import urlopen

import pytest
from django.test import SimpleTestCase

from tests.calendarclub.databases import own_database, rows

ROOT = Path(__file__).resolve().parents[3]


class DemoTests(SimpleTestCase):
    def setUp(self) -> None:
        self.database = own_database(self.enterContext(tempfile.TemporaryDirectory()))

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "demo", *arguments],
            cwd=ROOT,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "calendarclub.settings",
                "DJANGO_SECRET_KEY": "for this test only",
                **self.database,
                "OPENAI_API_KEY": "",
                **environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def run_to_its_end(self, *arguments: str, **environment: str) -> tuple[str, str]:
        process = self.start(*arguments, **environment)
        output, errors = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 0, errors)
        return output, errors

    def test_twice(self) -> None:
        """The first run creates everything, and the next one continues from it."""
        first, _ = self.run_to_its_end("--no-serve")
        events = rows(self.database, "SELECT count(*) FROM events_event")
        second, _ = self.run_to_its_end("--no-serve")

        self.assertRegex(first, r"user name admin +password \S{16}")
        self.assertNotIn("user name admin", second)
        self.assertIn("changepassword admin", second)
        self.assertGreaterEqual(first.count("You: "), 3)
        self.assertIn("search_events(", first)
        self.assertEqual(rows(self.database, "SELECT count(*) FROM auth_user"), [(1,)])
        self.assertEqual(rows(self.database, "SELECT count(*) FROM events_event"), events)
        sessions = rows(self.database, "SELECT title, user_id IS NOT NULL FROM agent_sessions")
        self.assertEqual(sessions, [("I'd like to hear some live music.", 1)] * 2)
        (remembered,) = re.findall(r"remembers (\d+) items", second)
        messages = rows(self.database, "SELECT count(*) FROM agent_messages GROUP BY session_id")
        self.assertEqual(messages, [(int(remembered),)] * 2)

    def test_serving(self) -> None:
        """The chat and the admin are served at the printed addresses until Ctrl-C."""
        process = self.start("--port=0")
        assert process.stdout is not None

        lines = []
        for line in process.stdout:
            lines.append(line)
            if "Ctrl-C" in line:
                break
        text = "".join(lines)
        (chat,) = re.findall(r"Chat: +(\S+)", text)
        (admin,) = re.findall(r"Admin: +(\S+)", text)

        with urlopen(chat) as response:
            self.assertIn("Calendar Club", response.read().decode())
        with urlopen(admin) as response:
            self.assertTrue(response.url.endswith("/admin/login/?next=/admin/"))
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 0)
        self.assertNotIn("Traceback", errors)

    def test_port_taken(self) -> None:
        """A port that is in use is reported before anything else happens."""
        with closing(socket.create_server(("127.0.0.1", 0))) as other:
            port = other.getsockname()[1]

            process = self.start(f"--port={port}")
            output, errors = process.communicate(timeout=60)

        self.assertNotEqual(process.returncode, 0)
        self.assertIn(f"Port {port} cannot be used", errors)
        self.assertNotIn("Traceback", errors)
        self.assertEqual(output, "")
        tables = rows(self.database, "SELECT name FROM sqlite_master")
        self.assertEqual(tables, [])

    @pytest.mark.exhaustive
    def test_interrupted_conversation(self) -> None:
        """Ctrl-C during the conversation ends it without a traceback."""
        process = self.start("--no-serve")
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("You: "):
                break

        process.send_signal(signal.SIGINT)

        _, errors = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 0)
        self.assertNotIn("Traceback", errors)

    def test_api_down(self) -> None:
        """An API that cannot be reached is reported, and the command continues."""
        down = {"OPENAI_API_KEY": "sk-dummy", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}

        output, errors = self.run_to_its_end("--no-serve", **down)

        self.assertIn("cannot be reached", errors)
        self.assertNotIn("sk-dummy", output + errors)
        self.assertIn("remembers 1 items", output)
