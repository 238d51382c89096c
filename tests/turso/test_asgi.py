"""calendarclub on an ASGI server and a libSQL server, with many visitors at once."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import unittest
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any, ClassVar
from urllib.error import URLError
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener, urlopen

import pytest
from django.test import SimpleTestCase

from tests.turso.server import Server, free_port, missing

ROOT = Path(__file__).resolve().parents[2]
VISITORS = 40
START_SECONDS = 60


class Visitor:
    """A browser's part of a chat turn: cookies, the CSRF token, and the stream."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.cookies = CookieJar()
        self.opener: OpenerDirector = build_opener(HTTPCookieProcessor(self.cookies))

    def ask(self, message: str) -> list[tuple[str, dict[str, Any]]]:
        """Start a conversation, send `message` and return the events of the answer."""
        page = self.opener.open(f"{self.base}/").read().decode()
        token = re.findall(r'csrfmiddlewaretoken" value="(\w+)"', page)[0]
        begun = json.loads(self.post("/conversations/", {}, token))
        stream = self.post(f"{begun['url']}messages/", {"message": message}, token).decode()
        blocks = stream.removesuffix("\n\n").split("\n\n")
        return [
            (name.removeprefix("event: "), json.loads(data.removeprefix("data: ")))
            for name, data in (block.split("\n") for block in blocks)
        ]

    def post(self, path: str, data: dict[str, Any], token: str) -> bytes:
        headers = {"Content-Type": "application/json", "X-CSRFToken": token}
        request = Request(self.base + path, json.dumps(data).encode(), headers)
        with self.opener.open(request, timeout=120) as response:
            return bytes(response.read())


@unittest.skipIf(missing(), missing())
class ManyVisitorsTests(SimpleTestCase):
    server: ClassVar[Server]
    environment: ClassVar[dict[str, str]]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.server = cls.enterClassContext(Server())
        cls.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "calendarclub.settings",
            "DJANGO_SECRET_KEY": "for this test only",
            "DATABASE_URL": cls.server.create("club"),
            "OPENAI_API_KEY": "",
        }
        for arguments in (["migrate", "--verbosity=0"], ["load_sample_events"]):
            command = [sys.executable, "manage.py", *arguments]
            subprocess.run(command, cwd=ROOT, env=cls.environment, check=True, capture_output=True)

    @contextmanager
    def serving(self) -> Iterator[str]:
        port = free_port()
        log_file = self.server.folder / "uvicorn.log"
        command = [sys.executable, "-m", "uvicorn", "calendarclub.asgi:application"]
        with (
            log_file.open("wb") as log,
            subprocess.Popen(
                [*command, f"--port={port}", "--timeout-graceful-shutdown=1"],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
            ) as process,
        ):
            try:
                self.wait_for(f"http://127.0.0.1:{port}/")
                yield f"http://127.0.0.1:{port}"
            finally:
                process.terminate()
        self.assertNotIn("Traceback", log_file.read_text("utf-8"))

    def wait_for(self, url: str) -> None:
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                urlopen(url).close()
            except URLError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)
            else:
                return

    @pytest.mark.exhaustive
    def test_chat_turns(self) -> None:
        """40 chat turns at once are all answered, and no stream stays open on the server."""
        with self.serving() as base, ThreadPoolExecutor(VISITORS) as pool:
            visitors = [Visitor(base) for _ in range(VISITORS)]

            answers = list(pool.map(lambda v: v.ask("What's on in the next 7 days?"), visitors))

            for events in answers:
                self.assertEqual([name for name, _ in events if name == "error"], [])
                self.assertEqual(events[-1][0], "done")
                self.assertTrue(events[-1][1]["answered"])
            self.assertEqual(self.server.open_streams(), 0)
