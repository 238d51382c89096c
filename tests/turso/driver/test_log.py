"""The driver logs what it decides, and never a token, a key, SQL or a parameter."""

from __future__ import annotations

import json
import time
import unittest
from collections.abc import Callable
from threading import Timer

from django.db import DatabaseError, OperationalError, transaction

from agent_sessions.turso.driver.transport import transport_to
from tests.turso.connections import INSERT, RowsTestCase, WireTestCase, connected, run
from tests.turso.faults import Fault
from tests.turso.scripted_server import answering, http
from tests.turso.server import missing

LOGGER = "agent_sessions.turso"
TOKEN = "eyJhbGciOiJFZERTQSJ9.logged.signature"
KEY = "a2V5+bG9nZ2Vk/a2V5=="
PARAMETER = "MY_SECRET_DIARY"


@unittest.skipIf(missing(), missing())
class DecisionTests(RowsTestCase):
    """One line for each decision, with the server's address and the error's class."""

    def logged(self, do: Callable[[], object], level: str) -> list[str]:
        """Return what `do` logs, from `level` up."""
        with self.assertLogs(LOGGER, level) as logs:
            do()
        return [f"{record.levelname} {record.getMessage()}" for record in logs.records]

    @property
    def url(self) -> str:
        return self.proxy.url(self.name)

    def test_request_that_is_sent_again(self) -> None:
        """A retry is logged with its reason and its pause."""
        self.proxy.arm(Fault.STATUS_429)

        [line] = self.logged(lambda: self.insert(1), "INFO")

        self.assertRegex(
            line,
            r"INFO A request failed \(RejectedError 429\): "
            rf"<Stream \(closed\) to {self.url}> sends it again in 0\.\d\d s",
        )

    def test_busy_database(self) -> None:
        """A wait for another writer is logged with the server's code."""
        self.proxy.arm(Fault.BUSY)

        [line] = self.logged(lambda: self.insert(1), "INFO")

        self.assertRegex(line, r"INFO The database is busy \(OperationalError SQLITE_BUSY\): .+ s$")

    def test_turn_to_write(self) -> None:
        """A request that waits for others of its process is logged at the level DEBUG."""
        transport = transport_to(self.connection.address)
        turn = transport.turn_to_write()
        turn.__enter__()
        Timer(0.1, turn.__exit__, [None, None, None]).start()

        lines = self.logged(lambda: self.insert(1), "DEBUG")

        self.assertIn(
            f"DEBUG <Transport (answered) to {self.url}>: a request waits for others of this "
            "process to write",
            lines,
        )

    def test_reconnection(self) -> None:
        """A kept connection that the other end has closed is opened again, which is logged."""
        self.insert(1)
        self.proxy.drop_connections()
        time.sleep(0.05)  # until this end has noticed

        lines = self.logged(lambda: self.insert(2), "INFO")

        self.assertIn(f"INFO Reconnecting to 127.0.0.1:{self.proxy.port}", lines)

    def test_refused_token(self) -> None:
        """A function that is asked for another token is a line, and the token is not in it."""
        with connected(self.url, auth_token=lambda: TOKEN) as connection:
            self.proxy.arm(Fault.STATUS_401)

            [line] = self.logged(lambda: run(connection, "SELECT 1"), "INFO")

        self.assertIn("refused the token: asking for another one", line)
        self.assertNotIn(TOKEN, line)

    def test_lost_transaction(self) -> None:
        """A transaction that cannot go on is one warning, however many statements follow."""

        def lose() -> None:
            with self.assertRaises(OperationalError), self.atomic():
                self.insert(1)
                self.proxy.arm(Fault.STATUS_500)
                for number in (2, 3):
                    with self.assertRaises(OperationalError):
                        self.insert(number)

        self.assertEqual(
            self.logged(lose, "WARNING"),
            [f"WARNING The transaction on {self.url} is lost (RejectedError 500)"],
        )

    def test_pipeline(self) -> None:
        """An error that stops more than one call of a pipeline is logged."""

        def fail() -> None:
            with (
                self.assertRaises(DatabaseError),
                self.connection.pipeline(),
                self.atomic(),
                self.connection.cursor() as one,
                self.connection.cursor() as two,
            ):
                one.execute(INSERT, [1])
                one.execute(INSERT, [1])
                two.execute(INSERT, [2])
                two.rowcount  # noqa: B018  # it sends them

        self.assertEqual(
            self.logged(fail, "INFO"),
            [
                "INFO A pipeline's error (IntegrityError SQLITE_CONSTRAINT) stops the transaction "
                f"on {self.url}"
            ],
        )

    def test_doubt(self) -> None:
        """A write, or a COMMIT, without an answer is a warning that it is in doubt."""

        def write() -> None:
            self.proxy.arm(Fault.CUT_UNANSWERED)
            with self.assertRaises(OperationalError):
                self.insert(1)

        def commit() -> None:
            with self.assertRaises(OperationalError), self.atomic():
                self.insert(2)
                self.proxy.arm(Fault.CUT_UNANSWERED)

        self.assertEqual(
            self.logged(write, "WARNING") + self.logged(commit, "WARNING"),
            [
                f"WARNING <Connection (idle) to {self.url}>: a write is in doubt (UnansweredError)",
                f"WARNING {self.url} has not answered COMMIT (UnansweredError): the transaction is "
                "in doubt",
            ],
        )

    def test_commit_that_does_not_arrive(self) -> None:
        """A COMMIT that cannot be sent is a warning that the transaction is lost."""

        def commit() -> None:
            with self.assertRaises(OperationalError), self.atomic():
                self.insert(1)
                self.proxy.arm(Fault.REFUSE)

        lines = self.logged(commit, "WARNING")
        self.proxy.heal()

        self.assertEqual(
            lines,
            [
                f"WARNING COMMIT has not reached {self.url} (UnreachableError): the transaction is "
                "lost"
            ],
        )

    def test_ordinary_errors(self) -> None:
        """An error of SQL is the caller's: nothing is decided, and nothing is logged."""
        with self.assertNoLogs(LOGGER, "INFO"), self.atomic():
            self.insert(1)
            with self.assertRaises(Exception), self.atomic():  # noqa: B017  # any
                self.insert(1)
            self.insert(2)


class SilenceTests(WireTestCase):
    """A server that repeats everything it was sent, in every part of its answers."""

    def test_secrets_and_parameters(self) -> None:
        """Neither the token, the key nor a parameter is in a line at any level."""
        echoes: dict[str, Callable[[str], str]] = {
            "text": lambda head: http("500 Bad", f"{head} {PARAMETER}"),
            "JSON": lambda head: http("429 Bad", json.dumps({"error": head, "code": PARAMETER})),
            "busy": lambda head: http(
                "200 OK", json.dumps({"baton": None, "results": [busy(head), {"type": "ok"}]})
            ),
        }
        for name, echo in echoes.items():
            with (
                self.subTest(name),
                answering(echo) as port,
                connected(
                    f"http://127.0.0.1:{port}", password=TOKEN, encryption_key=KEY, timeout=0.3
                ) as connection,
                self.assertLogs(LOGGER, "DEBUG") as logs,
            ):
                with self.assertRaises(OperationalError):
                    run(connection, INSERT, [PARAMETER])
                with self.assertRaises(OperationalError), transaction.atomic(connection.alias):
                    run(connection, INSERT, [PARAMETER])

            self.assertGreater(len(logs.output), 1)
            for secret in (TOKEN, KEY, PARAMETER, "INSERT"):
                self.assertNotIn(secret, "\n".join(logs.output))


def busy(head: str) -> dict[str, object]:
    """Return the error of a busy database whose message repeats the request."""
    return {"type": "error", "error": {"message": f"{head} {PARAMETER}", "code": "SQLITE_BUSY"}}
