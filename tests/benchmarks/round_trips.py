"""Requests, connections and time of this engine's driver and of others, on one server.

    python -m tests.benchmarks.round_trips

The others are measured if they are installed: pip install turso-serverless libsql
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from agent_sessions.turso.driver import dbapi
from agent_sessions.turso.driver.address import address_of
from tests.turso.proxy import Proxy
from tests.turso.server import Server

context = get_context("spawn")
LATENCIES_SECONDS = (0, 0.02)
SELECT = "SELECT count(*) FROM rows"
INSERT = "INSERT INTO rows (value) VALUES ('x')"


def ours(url: str) -> Any:
    return dbapi.connect(address_of({"NAME": url}, "default"))


def turso_serverless(url: str) -> Any:
    return import_module("turso_serverless").connect(url, isolation_level=None)


def libsql(url: str) -> Any:
    return import_module("libsql").connect(url, auth_token="", isolation_level=None)


def select(connection: Any) -> None:
    connection.cursor().execute(SELECT).fetchall()


def selects(connection: Any) -> None:
    for _ in range(100):
        select(connection)


def atomic(connection: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("BEGIN IMMEDIATE")
    for _ in range(5):
        cursor.execute(INSERT)
    cursor.execute("COMMIT")


def pipeline(connection: Any) -> None:
    with connection.pipeline():
        atomic(connection)


# Name, function, number of queries, and number of measurements.
WORK: list[tuple[str, Callable[[Any], None], int, int]] = [
    ("first query", select, 1, 5),
    ("100 selects", selects, 100, 1),
    ("transaction of 5 inserts", atomic, 5, 5),
    ("the same in a pipeline", pipeline, 5, 5),
]
DRIVERS: dict[str, Callable[[str], Any]] = {
    "agent_sessions.turso": ours,
    "turso-serverless": turso_serverless,
    "libsql": libsql,
}


def worker(pipe: Connection, driver: str, url: str, number: int) -> None:
    """Do a piece of work when told to, and send the time that it took.

    It runs in its own process: libsql holds the GIL while it waits, which would stop the proxy.
    """
    _, do, queries, _ = WORK[number]
    connection = DRIVERS[driver](url)
    if do is not select:  # only the first query is measured on a new connection
        select(connection)
    pipe.send("ready")
    pipe.recv()
    began = time.perf_counter()
    do(connection)
    pipe.send((time.perf_counter() - began) / queries)


def measure(driver: str, proxy: Proxy, number: int) -> str:
    """Return requests, connections and milliseconds per query as cells of a table."""
    *_, rounds = WORK[number]
    seconds = []
    for _ in range(rounds):
        pipe, far_end = context.Pipe()
        url = f"http://127.0.0.1:{proxy.port}"
        process = context.Process(target=worker, args=[far_end, driver, url, number])
        process.start()
        pipe.recv()
        proxy.reset()
        pipe.send("go")
        seconds.append(pipe.recv())
        requests, connections = len(proxy.requests), proxy.connections
        process.join()
    return f"{requests} | {connections} | {statistics.median(seconds) * 1000:.2f}"


def rows() -> Iterator[str]:
    yield "| latency | work | driver | requests | new TCP connections | ms per query |"
    yield "|---|---|---|---:|---:|---:|"
    # Without namespaces, whose subdomains of localhost some drivers cannot resolve.
    with Server(namespaces=False) as server:
        url = f"http://127.0.0.1:{server.port}"
        ours(url).cursor().execute("CREATE TABLE rows (id integer PRIMARY KEY, value text)")
        for latency in LATENCIES_SECONDS:
            with Proxy(server.port, latency_seconds=latency) as proxy:
                for number, (name, do, *_) in enumerate(WORK):
                    for driver in DRIVERS:
                        if do is pipeline and DRIVERS[driver] is not ours:
                            continue
                        is_here = DRIVERS[driver] is ours or find_spec(driver.replace("-", "_"))
                        cells = measure(driver, proxy, number) if is_here else "not installed | |"
                        yield f"| {latency * 1000:g} ms | {name} | {driver} | {cells} |"


if __name__ == "__main__":
    for row in rows():
        print(row)
