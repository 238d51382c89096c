"""The server loads the SDK before the first visitor comes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, ClassVar

from django.test import SimpleTestCase

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import sys
{code}
before = set(sys.modules)

import asyncio
from django.test import AsyncClient

async def visit():
    async with asyncio.timeout(60):
        client = AsyncClient()
        begun = await client.post("/conversations/")
        answer = await client.post(
            begun.json()["url"] + "messages/",
            {{"message": "Any jazz this weekend?"}},
            content_type="application/json",
        )
        return b"".join([part async for part in answer.streaming_content])

assert b"event: content" in asyncio.run(visit())
new = set(sys.modules) - before
print(sum(name.split(".")[0] in ("agents", "openai") for name in new))
"""


class LoadingTests(SimpleTestCase):
    """Each in a fresh process."""

    environment: ClassVar[dict[str, str]]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "calendarclub.settings",
            "DJANGO_SECRET_KEY": "for this test only",
            "DJANGO_SQLITE_FILE": f"{folder}/calendarclub.sqlite3",
            "DJANGO_ALLOWED_HOSTS": "testserver",
            "OPENAI_API_KEY": "",
        }
        cls.run_python("manage.py", "migrate", "--verbosity=0")

    @classmethod
    def run_python(cls, *arguments: str) -> str:
        command = [sys.executable, *arguments]
        options: dict[str, Any] = {"check": True, "capture_output": True, "text": True}
        return str(subprocess.run(command, cwd=ROOT, env=cls.environment, **options).stdout)

    def loaded_by_the_first_visitor(self, code: str) -> int:
        """Return how many of the SDK's modules the first message loads after `code`."""
        return int(self.run_python("-c", SCRIPT.format(code=code)).split()[-1])

    def test_server(self) -> None:
        """The first message to a server loads no module of the SDK."""
        loaded = self.loaded_by_the_first_visitor("import calendarclub.asgi")

        self.assertEqual(loaded, 0)

    def test_without_it(self) -> None:
        """Without asgi.py the first message loads the SDK."""
        loaded = self.loaded_by_the_first_visitor("import django; django.setup()")

        self.assertGreater(loaded, 100)

    def test_manage(self) -> None:
        """manage.py does not load the SDK when it imports the URLs and runs all checks."""
        code = """
import sys
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", "check"])
print("agents" in sys.modules)
"""
        self.assertEqual(self.run_python("-c", code).split()[-1], "False")
