"""A real browser on a real server: Debian's Chromium, and calendarclub in a process of uvicorn."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar
from urllib.error import URLError
from urllib.request import urlopen

from django.test import SimpleTestCase

from tests.turso.server import free_port

try:
    from playwright.sync_api import expect as expect  # tests import it from here
    from playwright.sync_api import sync_playwright
except ImportError:
    expect: Any = None
    MISSING = "The Python package playwright is missing: pip install -r tests/requirements.txt"
else:
    expect.set_options(timeout=20_000)
    MISSING = "" if shutil.which("chromium") else "Chromium is missing: apt-get install chromium"

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

if MISSING and "CI" in os.environ:
    raise RuntimeError(f"In CI the browser tests must run. {MISSING}")

ROOT = Path(__file__).resolve().parents[1]
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start a browser, and end it afterwards."""
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=OPTIONS
        ) as browser,
    ):
        yield browser


def run(environment: dict[str, str], *arguments: str) -> str:
    """Run Python with `environment` alone, in the checkout, and return what it printed."""
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"{' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


@contextmanager
def serving(environment: dict[str, str], port: int | None = None) -> Iterator[str]:
    """Serve calendarclub with `environment` alone, and end the server afterwards."""
    port = port or free_port()
    command = [sys.executable, "-m", "uvicorn", "calendarclub.asgi:application"]
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(
            [*command, f"--port={port}", "--timeout-graceful-shutdown=1"],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
        ) as server,
    ):
        try:
            _wait_for(port, server, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def _wait_for(port: int, server: subprocess.Popen[bytes], log: BinaryIO) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            urlopen(f"http://127.0.0.1:{port}/").close()
        except URLError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                log.seek(0)
                raise AssertionError(log.read().decode()) from error
            time.sleep(0.05)
        else:
            return


@unittest.skipIf(MISSING, MISSING)
class BrowserTestCase(SimpleTestCase):
    """One server on a database of its own, and one browser, for all tests of a class."""

    environment: ClassVar[dict[str, str]]
    base: ClassVar[str]
    browser: ClassVar[Browser]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "calendarclub.settings",
            "DJANGO_SECRET_KEY": "for this test only",
            "OPENAI_API_KEY": "",
            **cls.variables(folder),
        }
        cls.prepare()
        cls.base = cls.enterClassContext(serving(cls.environment))
        cls.browser = cls.enterClassContext(chromium())

    @classmethod
    def variables(cls, folder: str) -> dict[str, str]:
        """Return what the server's environment has of its own: at least which its database is."""
        raise NotImplementedError

    @classmethod
    def prepare(cls) -> None:
        """Fill the database before the server starts."""
        raise NotImplementedError

    def visitor(self, *, width: int = 1280, height: int = 860, **options: Any) -> BrowserContext:
        """Return a browser of its own, with no cookies from any other."""
        viewport = {"width": width, "height": height}
        context = self.browser.new_context(viewport=viewport, **options)
        self.addCleanup(context.close)
        return context
