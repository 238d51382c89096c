"""Threads and processes that use one session at once, each with connections of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import django
from asgiref.sync import async_to_sync
from django.db import connections

T = TypeVar("T")


def in_threads(count: int, work: Callable[[int], T]) -> list[T]:
    """Run `work(0)`, `work(1)`... in threads at once and return what they returned, in order."""
    start = threading.Barrier(count)

    def closing(number: int) -> T:
        try:
            start.wait(30)
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(closing, range(count)))


def start_process(*arguments: Any) -> subprocess.Popen[bytes]:
    """Start a process that will append batches to a session of the test database; see main().

    It waits, with everything imported, for a line on its standard input: see go().
    """
    name = str(connections["default"].settings_dict["NAME"])
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "TEST_ATTACH": name}
    command = [sys.executable, "-m", "tests.concurrent_writers", *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe)


def go(processes: list[subprocess.Popen[bytes]]) -> None:
    """Let processes begin, once all of them are ready."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()


def end(process: subprocess.Popen[bytes]) -> int:
    """Wait for a process and return its exit code."""
    with process:
        return process.wait(60)


def batch(writer: str, number: int) -> list[Any]:
    """Return a batch whose items say whose it is and where in the batch they stand."""
    return [{"writer": writer, "batch": number, "position": position} for position in range(3)]


def main(session_id: str, writer: str, batches: str) -> None:
    """Append batches as an async view would, through DjangoSession."""
    django.setup()
    from agent_sessions import DjangoSession  # once the apps are ready

    print("ready", flush=True)  # noqa: T201
    sys.stdin.readline()
    for number in range(int(batches)):
        async_to_sync(DjangoSession(session_id).add_items)(batch(writer, number))


if __name__ == "__main__":
    main(*sys.argv[1:])
