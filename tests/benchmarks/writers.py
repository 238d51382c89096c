"""Chat turns per second by processes, writers and round trip, on one libSQL server.

    python -m tests.benchmarks.writers [--seconds 5]

Each process has ten threads, each with its own conversation; tests/turso/load.py defines a turn. If
the server stops writing, the cell says so and the server is restarted.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import ExitStack

from tests.turso import load
from tests.turso.proxy import Proxy
from tests.turso.server import Server

LATENCIES_SECONDS = (0, 0.02)
PROCESSES = (1, 3)
WRITERS = (1, 2, 4)


def measure(server: Server, latency: float, processes: int, writers: int, seconds: float) -> str:
    """Return the turns per second as a cell of a table."""
    with ExitStack() as stack:
        url = server.url("project")
        if latency:
            proxy = stack.enter_context(Proxy(server.port, latency_seconds=latency))
            url = proxy.url("project")
        outcome = load.run(url, seconds=seconds, processes=processes, writers=writers)
    if outcome.is_stalled:
        server.stop()
        server.start()
        return "stopped writing"
    errors = f", {len(outcome.errors)} errors" if outcome.errors else ""
    return f"{outcome.turns / outcome.seconds:.0f}{errors}"


def rows(seconds: float) -> Iterator[str]:
    yield f"| round trip | processes | {' | '.join(f'`writers` {n}' for n in WRITERS)} |"
    yield f"|---|---:|{'---:|' * len(WRITERS)}"
    with Server() as server:
        load.migrate(server.create("project"))
        for latency in LATENCIES_SECONDS:
            for processes in PROCESSES:
                cells = [measure(server, latency, processes, n, seconds) for n in WRITERS]
                yield f"| {latency * 1000:g} ms | {processes} | {' | '.join(cells)} |"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.writers")
    parser.add_argument("--seconds", type=float, default=5)
    for row in rows(parser.parse_args().seconds):
        print(row, flush=True)
