"""Follow README word by word: create the project, serve it, send two messages, read the admin.

    python -m tests.readme_project [--database sqlite|postgres|libsql]

The blocks of the section "Add it to your project" of README.md are executed in order. A block of
Python or HTML begins with the name of its file, and is written or appended to it. The lines of a
console block are run. DATABASES of PostgreSQL and libSQL are those of docs/session.md and
docs/turso.md. Differences to a person at a keyboard:

- `pip install` is skipped: the packages are those of the Python that runs this program.
- `createsuperuser` reads name and password from the environment, not from a terminal.
- The API of the language model is a local server, set by OPENAI_BASE_URL.
- The server has a free port instead of 8000.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener, urlopen
from uuid import uuid4

from tests.model_api import ModelApi
from tests.turso.server import Server, free_port

ROOT = Path(__file__).resolve().parents[1]
SECTION = "Add it to your project"
SERVE = "uvicorn mysite.asgi:application"
ADMIN, PASSWORD = "admin", "correct horse battery staple"
START_SECONDS = 120
DATABASES = ["sqlite", "postgres", "libsql"]


class Block(NamedTuple):
    """A code block of a page."""

    language: str
    code: str

    @property
    def file(self) -> str:
        """The file in its first line."""
        return str(re.findall(r"mysite/[\w./]+", self.code.splitlines()[0])[0])


def blocks(page: str, section: str = "") -> list[Block]:
    """Return the code blocks of a page, or of one of its sections."""
    text = (ROOT / page).read_text("utf-8")
    if section:
        text = text.split(f"\n## {section}\n")[1].split("\n## ")[0]
    return [Block(*found) for found in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.M | re.S)]


class Project:
    """The project of README in a folder of its own."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = {
            **{name: value for name, value in os.environ.items() if name[:6] != "DJANGO"},
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "DJANGO_SUPERUSER_USERNAME": ADMIN,
            "DJANGO_SUPERUSER_EMAIL": "admin@example.com",
            "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
            **environment,
        }

    def follow(self, settings: str = "") -> None:
        """Execute README up to the line that serves; `settings` override its database."""
        for language, code in blocks("README.md", SECTION):
            if language == "console":
                for line in code.splitlines():
                    self.type(line)
            else:
                self.write(Block(language, code))
                if Block(language, code).file == "mysite/settings.py":
                    self.write(Block("python", f"# mysite/settings.py\n{settings}"))
        self.run("python manage.py check --fail-level=WARNING")

    def type(self, line: str) -> None:
        """Run a line of a console block."""
        if line.startswith("cd "):
            self.folder /= line.removeprefix("cd ")
        elif line.endswith("createsuperuser"):
            self.run(f"{line} --no-input")
        elif not line.startswith(("pip install ", "export OPENAI_API_KEY=", SERVE)):
            self.run(line)

    def write(self, block: Block) -> None:
        """Write a block into its file, or append it to a file of startproject."""
        path = self.folder / block.file
        path.parent.mkdir(exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(f"\n{block.code}")

    def run(self, line: str) -> str:
        """Run a line and return its output, or raise an error with the output."""
        ran = subprocess.run(
            line.split(), cwd=self.folder, env=self.environment, capture_output=True, text=True
        )
        if ran.returncode:
            raise RuntimeError(f"{line}\n{ran.stdout}{ran.stderr}")
        return ran.stdout

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve the project as in README, and yield its address."""
        port = free_port()
        base = f"http://127.0.0.1:{port}"
        log_path = self.folder / "server.log"
        command = [*SERVE.split(), f"--port={port}"]
        with (
            log_path.open("wb") as log,
            subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdout=log, stderr=log
            ) as server,
        ):
            try:
                _wait_for(f"{base}/admin/login/")
                yield base
            finally:
                server.terminate()
        if "Traceback" in (text := log_path.read_text("utf-8")):
            raise RuntimeError(f"The server's log has an error:\n{text}")


def _wait_for(url: str) -> None:
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


class Visitor:
    """A browser with cookies, forms with CSRF tokens, and redirects."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.opener = build_opener(HTTPCookieProcessor(CookieJar()))
        self.token = ""

    def get(self, path: str) -> str:
        with self.opener.open(self.base + path) as response:
            return self.seen(str(response.read().decode()))

    def post(self, path: str, fields: dict[str, str], seconds: float = 60) -> str:
        """Send the form of the last page."""
        body = urlencode({"csrfmiddlewaretoken": self.token, **fields}).encode()
        with self.opener.open(self.base + path, body, timeout=seconds) as response:
            return self.seen(str(response.read().decode()))

    def seen(self, page: str) -> str:
        if found := re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page):
            self.token = found[1]
        return page

    def log_in(self, path: str) -> str:
        """Open a page that asks for a login, log in, and return the page."""
        with self.opener.open(self.base + path) as response:
            login = response.url.removeprefix(self.base)
            self.seen(response.read().decode())
        return self.post(login, {"username": ADMIN, "password": PASSWORD})


def visit(base: str) -> None:
    """Visit the pages that README names, and raise AssertionError if they differ."""
    visitor = Visitor(base)

    page = visitor.log_in("/chat/one/")
    assert 'name="message"' in page, page

    page = visitor.post("/chat/one/", {"message": "Any jazz?"})
    assert "You said: Any jazz?" in page, page

    page = visitor.post("/chat/one/", {"message": "Only free ones."})
    assert "You said: Any jazz? / Only free ones." in page, page

    page = visitor.get("/admin/agent_sessions/session/")
    assert "/admin/agent_sessions/session/one/change/" in page, page
    page = visitor.get("/admin/agent_sessions/session/one/change/")
    assert "Any jazz?" in page, page
    assert "You said: Any jazz? / Only free ones." in page, page
    assert visitor.get("/static/admin/css/base.css")


@contextmanager
def settings_of(database: str) -> Iterator[str]:
    """Create a database, and yield its settings from the documentation."""
    if database == "libsql":
        code = _databases("docs/turso.md", "agent_sessions.turso")
        with Server() as server:
            yield code.replace(re.findall(r'"(libsql://.*?)"', code)[0], server.create("readme"))
    elif database == "postgres":
        with postgres_database() as name:
            yield postgres_settings(name)
    else:
        yield ""  # of README itself


def postgres_settings(name: str) -> str:
    return _databases("docs/session.md", "django.db.backends.postgresql").replace(
        '"NAME": "mysite"', f'"NAME": "{name}"'
    )


def _databases(page: str, engine: str) -> str:
    """Return the first block of a page that configures an engine."""
    return next(code for _, code in blocks(page) if "DATABASES" in code and engine in code)


@contextmanager
def postgres_database() -> Iterator[str]:
    """Create a database on the server of PGHOST and PGUSER, and drop it afterwards."""
    import psycopg

    os.environ.setdefault("PGHOST", "127.0.0.1")
    name = f"readme_{uuid4().hex[:12]}"
    with psycopg.connect(dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield name
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def follow(database: str) -> None:
    """Follow README on a kind of database."""
    with (
        tempfile.TemporaryDirectory() as folder,
        ModelApi() as api,
        settings_of(database) as settings,
    ):
        project = Project(Path(folder), api.environment)
        project.follow(settings)
        with project.serving() as base:
            visit(base)


def main() -> None:
    parser = argparse.ArgumentParser(description="Follow README word by word.")
    parser.add_argument("--database", choices=DATABASES, help="Use only this one.")
    chosen = parser.parse_args().database
    for database in [chosen] if chosen else DATABASES:
        follow(database)
        print(f"README works on {database}.", flush=True)  # noqa: T201  # a command says so


if __name__ == "__main__":
    main()
