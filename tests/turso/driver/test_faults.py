"""Faults at every request: nothing is half-written or doubled, and the connection stays usable."""

from __future__ import annotations

import itertools
import queue
import unittest
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from django.db import OperationalError, transaction

from agent_sessions.turso.base import DatabaseWrapper
from agent_sessions.turso.driver.dbapi import InDoubtError
from tests.turso.connections import WireTestCase, connected, run
from tests.turso.faults import Fault
from tests.turso.proxy import Proxy
from tests.turso.server import Server, missing

pytestmark = pytest.mark.exhaustive

INSERT = "INSERT INTO rows (number, value) VALUES (%s, %s)"
TABLE = "CREATE TABLE rows (number integer NOT NULL, value text NOT NULL)"
WORKERS = 32
# A read is repeated after every fault except these.
DEADLY_FOR_READS = {Fault.REFUSE, Fault.STATUS_401, Fault.STATUS_403, Fault.LATE}
# After these, every request is repeated: the server cannot have executed it.
HARMLESS = {Fault.REFUSE_ONCE, Fault.STATUS_429}
# More than the server's 5 seconds for a transaction that keeps another writer waiting.
BOUND_SECONDS = 12


def read(connection: DatabaseWrapper, number: int) -> None:
    assert run(connection, "SELECT %s", [number]) == [(number,)]


def read_in_pipeline(connection: DatabaseWrapper, number: int) -> None:
    with connection.pipeline(), connection.cursor() as one, connection.cursor() as two:
        one.execute("SELECT %s", [number])
        two.execute("SELECT count(*) FROM rows WHERE number = %s", [number])
        assert (one.fetchall(), two.fetchall()) == ([(number,)], [(0,)])


def write(connection: DatabaseWrapper, number: int) -> None:
    run(connection, INSERT, [number, "one"])


def write_returning(connection: DatabaseWrapper, number: int) -> None:
    assert run(connection, f"{INSERT} RETURNING value", [number, "one"]) == [("one",)]


def write_in_pipeline(connection: DatabaseWrapper, number: int) -> None:
    with connection.pipeline(), connection.cursor() as one, connection.cursor() as two:
        one.execute(INSERT, [number, "one"])
        two.execute(INSERT, [number, "two"])


def write_many(connection: DatabaseWrapper, number: int) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(INSERT, [(number, "one"), (number, "two"), (number, "three")])


def three_writes(connection: DatabaseWrapper, number: int) -> None:
    with transaction.atomic(using=connection.alias):
        for value in ("one", "two", "three"):
            run(connection, INSERT, [number, value])


def savepoints(connection: DatabaseWrapper, number: int) -> None:
    with transaction.atomic(using=connection.alias):
        run(connection, INSERT, [number, "one"])
        with transaction.atomic(using=connection.alias):
            run(connection, INSERT, [number, "two"])
        run(connection, INSERT, [number, "three"])


def three_writes_in_pipeline(connection: DatabaseWrapper, number: int) -> None:
    with connection.pipeline():
        savepoints_that_wait(connection, number)


def pipeline_within(connection: DatabaseWrapper, number: int) -> None:
    with transaction.atomic(using=connection.alias):
        run(connection, INSERT, [number, "one"])
        with connection.pipeline(), connection.cursor() as two, connection.cursor() as three:
            two.execute(INSERT, [number, "two"])
            three.execute(INSERT, [number, "three"])


def savepoints_that_wait(connection: DatabaseWrapper, number: int) -> None:
    with transaction.atomic(using=connection.alias), connection.cursor() as one:
        one.execute(INSERT, [number, "one"])
        with transaction.atomic(using=connection.alias), connection.cursor() as two:
            two.execute(INSERT, [number, "two"])
        with connection.cursor() as three:
            three.execute(INSERT, [number, "three"])


@dataclass(frozen=True)
class Work:
    """An operation, the number of its requests, and the rows that it stores."""

    do: Callable[[DatabaseWrapper, int], None]
    requests: int
    rows: tuple[str, ...]

    @property
    def is_read(self) -> bool:
        return not self.rows


ALL = [
    Work(read, 1, ()),
    Work(read_in_pipeline, 1, ()),
    Work(write, 1, ("one",)),
    Work(write_returning, 1, ("one",)),
    Work(write_in_pipeline, 1, ("one", "two")),
    Work(write_many, 1, ("one", "two", "three")),
    Work(three_writes, 4, ("one", "two", "three")),
    Work(savepoints, 4, ("one", "two", "three")),
    Work(three_writes_in_pipeline, 2, ("one", "two", "three")),
    Work(pipeline_within, 3, ("one", "two", "three")),
]


@dataclass(frozen=True)
class Case:
    """One fault at one request of one operation, on a kept or a new TCP connection."""

    number: int
    work: Work
    fault: Fault
    step: int
    is_kept: bool

    def __str__(self) -> str:
        kept = "a kept" if self.is_kept else "a new"
        return f"{self.work.do.__name__}, request {self.step} on {kept} connection: {self.fault}"

    @property
    def must_succeed(self) -> bool:
        if self.work.is_read:
            return self.fault not in DEADLY_FOR_READS | {Fault.LATE_UNFORWARDED}
        # Within a transaction there is no other writer to wait for.
        is_wait = self.fault is Fault.BUSY and self.step == 1
        return self.fault in HARMLESS or is_wait


def cases() -> list[Case]:
    numbers = itertools.count(1)
    return [
        Case(next(numbers), work, fault, step, is_kept)
        for work in ALL
        for step in range(1, work.requests + 1)
        for fault in Fault
        # Only a first request can meet a connection that is new.
        for is_kept in ((True, False) if step == 1 else (True,))
    ]


def check(case: Case, proxy: Proxy, database: str, direct: DatabaseWrapper) -> None:
    """Run a case, and check from another connection what it stored."""
    # After an abandoned transaction the next writer waits for 5 seconds.
    timeout = 1 if case.fault.is_late else BOUND_SECONDS
    with connected(proxy.url(database), timeout=timeout) as connection:
        proxy.reset()
        read(connection, 0)
        if not case.is_kept:
            proxy.drop_connections()
        proxy.reset()

        proxy.arm(case.fault, case.step)
        try:
            case.work.do(connection, case.number)
            error = None
        except OperationalError as raised:
            error = raised
        passed, has_struck = list(proxy.forwarded), proxy.has_struck
        proxy.heal()

        assert has_struck, "the fault did not strike"
        stored = run(direct, "SELECT value FROM rows WHERE number = %s", [case.number])
        found = tuple(value for (value,) in stored)
        assert found in ((), case.work.rows), f"half-written or doubled: {found}"
        if error is None:
            assert found == case.work.rows, f"reported as done, but there is {found}"
        elif not isinstance(error.__cause__, InDoubtError):
            assert found == (), f"reported as not done ({error}), but there is {found}"
        assert error is None or not case.must_succeed, f"not survived: {error}"
        changes = [sql for request in passed for sql in request.sql if sql.startswith("INSERT")]
        commits = [sql for request in passed for sql in request.sql if sql == "COMMIT"]
        assert len(changes) <= len(case.work.rows), f"sent again: {changes}"
        assert len(commits) <= 1 or case.work.is_read, "COMMIT was sent again"
        if case.fault.is_late:  # the time-out is too short for this
            write(direct, 0)
        use(connection, -case.number)


def use(connection: DatabaseWrapper, number: int) -> None:
    """Read and write, at the first attempt."""
    read(connection, number)
    three_writes(connection, number)
    assert len(run(connection, "SELECT value FROM rows WHERE number = %s", [number])) == 3


@unittest.skipIf(missing(), missing())
class FaultTests(WireTestCase):
    """Every fault at every request."""

    def test_every_fault_at_every_request(self) -> None:
        """All or nothing is stored, once, as reported, and the connection can be used again."""
        todo: queue.SimpleQueue[Case] = queue.SimpleQueue()
        for case in cases():
            todo.put(case)
        count = todo.qsize()
        failures: list[str] = []
        done = itertools.count()

        def work(database: str) -> None:
            url = server.create(database)
            with Proxy(server.port) as proxy, connected(url) as direct:
                run(direct, TABLE)
                while not todo.empty():
                    case = todo.get_nowait()
                    try:
                        check(case, proxy, database, direct)
                    except Exception as error:  # every failure belongs in the report
                        failures.append(f"{case}: {type(error).__name__}: {error}")
                    next(done)

        with Server() as server, ThreadPoolExecutor(WORKERS) as pool:
            for result in [pool.submit(work, f"faults{number}") for number in range(WORKERS)]:
                result.result()

        self.assertFalse(failures, "\n".join([f"{len(failures)} of {count}:", *failures]))
        self.assertEqual(next(done), count)
        self.assertGreaterEqual(count, 200)
