"""Chat turns of several processes, each with several threads, on one libSQL server.

    python -m tests.turso.load --seconds 60 --runs 5 [--processes 3] [--threads 10] [--writers 1]

starts a server and prints a row for each run. A turn is the session's part of a run with one tool
call: it reads the newest items, adds the user's message, and adds a call, its output and the
answer. That is three requests to the server, two of them writes.

sqld 0.24.32 may stop writing for good under such a load: docs/turso.md, "Many writers". Then turns
do not end: a thread still in one `PATIENCE_SECONDS` after the end of the run is counted as
unfinished. The exit code is 1 if there was one, or any error.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

import django

from tests.turso.server import ROOT, Server

PATIENCE_SECONDS = 10
USER: Any = {"role": "user", "content": "Any jazz tonight?"}
STEP: list[Any] = [
    {"type": "function_call", "call_id": "1", "name": "search_events", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "1", "output": "jazz " * 50},
    {"role": "assistant", "content": "There is jazz at the Copper Lantern. " * 5},
]


@dataclass
class Outcome:
    """The turns of one run, counted.

    `unfinished` is the number of threads that still wait for the server, `fewest` the turns of the
    slowest thread.
    """

    seconds: float
    turns: int
    fewest: int
    unfinished: int
    longest_turn_seconds: float
    errors: list[str]

    @property
    def is_stalled(self) -> bool:
        return self.unfinished > 0

    def __str__(self) -> str:
        return (
            f"{self.turns} turns in {self.seconds:g} s ({self.turns / self.seconds:.0f}/s), "
            f"{self.fewest} of the slowest thread, the longest took "
            f"{self.longest_turn_seconds:.2f} s, {self.unfinished} unfinished, "
            f"{len(self.errors)} errors {self.errors[:1]}"
        )


def migrate(url: str) -> None:
    """Create the tables."""
    command = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
    subprocess.run(command, cwd=ROOT, env=_environment(url, None), check=True)


def run(
    url: str, *, seconds: float, processes: int = 3, threads: int = 10, writers: int | None = None
) -> Outcome:
    """Run a conversation in each thread of each process, and count the turns.

    `writers` is OPTIONS["writers"]; None means the engine's default.
    """
    command = [sys.executable, "-m", "tests.turso.load", "--worker", str(threads), str(seconds)]
    pipe = subprocess.PIPE
    started = [
        subprocess.Popen(
            command, cwd=ROOT, env=_environment(url, writers), stdin=pipe, stdout=pipe, text=True
        )
        for _ in range(processes)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    found = [json.loads(process.communicate()[0]) for process in started]
    turns = [count for one in found for count in one["turns"]]
    return Outcome(
        seconds=seconds,
        turns=sum(turns),
        fewest=min(turns),
        unfinished=sum(one["unfinished"] for one in found),
        longest_turn_seconds=max(one["longest"] for one in found),
        errors=[error for one in found for error in one["errors"]],
    )


def _environment(url: str, writers: int | None) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "calendarclub.settings",
        "DJANGO_SECRET_KEY": "for tests only",
        "DATABASE_URL": url,
        "TURSO_WRITERS": "" if writers is None else str(writers),
    }


class Talk(threading.Thread):
    """A conversation that ends at a moment of time.monotonic()."""

    def __init__(self, session_id: str) -> None:
        super().__init__(daemon=True)  # a waiting thread must not keep the process alive
        self.session_id = session_id
        self.until = 0.0
        self.turns = 0
        self.longest = 0.0
        self.errors: list[str] = []

    def run(self) -> None:
        from django.db import DatabaseError

        while (began := time.monotonic()) < self.until:
            try:
                self.take_turn()
                self.turns += 1
            except DatabaseError as error:
                self.errors.append(str(error))
            self.longest = max(self.longest, time.monotonic() - began)

    def take_turn(self) -> None:
        from agent_sessions import Session  # once the apps are ready

        Session.objects.items(self.session_id, 20)
        Session.objects.append(self.session_id, [USER])
        Session.objects.append(self.session_id, STEP)


def work(threads: int, seconds: float) -> None:
    """Be one of the processes: wait for a line, run the conversations, print the outcome."""
    django.setup()
    talks = [Talk(f"process {os.getpid()}, thread {number}") for number in range(threads)]
    print("ready", flush=True)  # noqa: T201
    sys.stdin.readline()
    until = time.monotonic() + seconds
    for talk in talks:
        talk.until = until
        talk.start()
    for talk in talks:
        talk.join(max(until + PATIENCE_SECONDS - time.monotonic(), 0))
    outcome = {
        "turns": [talk.turns for talk in talks],
        "longest": max(talk.longest for talk in talks),
        "unfinished": sum(talk.is_alive() for talk in talks),
        "errors": [error for talk in talks for error in talk.errors],
    }
    print(json.dumps(outcome), flush=True)  # noqa: T201
    os._exit(0)  # without waiting for threads that never end


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.turso.load",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--threads", type=int, default=10)
    parser.add_argument("--writers", type=int, help="the engine's default without it")
    chosen = parser.parse_args()
    has_failed = False
    for number in range(chosen.runs):
        with Server() as server:
            url = server.create("project")
            migrate(url)
            outcome = run(
                url,
                seconds=chosen.seconds,
                processes=chosen.processes,
                threads=chosen.threads,
                writers=chosen.writers,
            )
        print(f"run {number + 1}: {outcome}", flush=True)  # noqa: T201
        has_failed = has_failed or outcome.is_stalled or bool(outcome.errors)
    return int(has_failed)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        work(int(sys.argv[2]), float(sys.argv[3]))
    else:
        sys.exit(main())
