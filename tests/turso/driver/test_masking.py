"""Servers and proxies that repeat the headers of a request."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import traceback
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.db import OperationalError, transaction
from django.test import override_settings

from agent_sessions.turso.driver.masking import masked
from tests.turso.connections import WireTestCase, connected, page_about, run
from tests.turso.scripted_server import answering, http

ROOT = Path(__file__).resolve().parents[3]
TOKEN = "eyJhbGciOiJFZERTQSJ9.echoed.signature"
KEY = "a2V5+c2Vj/cmV0=="


class MaskedTests(unittest.TestCase):
    """Texts without secrets."""

    def test_forms(self) -> None:
        """A secret is found in plain text and URL-encoded."""
        text = f"{KEY} {quote(KEY)} {quote(KEY, safe='')} other"

        self.assertEqual(masked(text, {KEY: "[key]"}), "[key] [key] [key] other")


def line(head: str, word: str) -> str:
    return next(found for found in head.splitlines() if word in found)


def sql_error(text: str) -> dict[str, Any]:
    return {"message": text, "code": text}


def pipeline(*results: Any) -> str:
    return http("200 OK", json.dumps({"baton": None, "results": results}))


def batch_with(error: Any) -> Any:
    """Return the result of a batch of BEGIN and a statement that failed."""
    result = {"step_results": [{"cols": [], "rows": []}, None], "step_errors": [None, error]}
    return {"type": "ok", "response": {"result": result}}


CLOSED = {"type": "ok", "response": {"type": "close"}}
# Answers that repeat the headers of a request.
ECHOES: dict[str, Callable[[str], str]] = {
    "text": lambda head: http("403 Forbidden", head),
    # Texts are cut after 300 characters, here in the middle of the token.
    "text that is cut": lambda head: http("403 Forbidden", "x" * 265 + line(head, "Bearer")),
    "JSON": lambda head: http("400 Bad", json.dumps({"error": head, "code": head})),
    "JSON of another form": lambda head: http("400 Bad", json.dumps({"error": sql_error(head)})),
    "page": lambda head: http("502 Bad", f"<html>{head}</html>"),
    "reason": lambda head: http(f"403 {line(head, 'key')}", ""),
    "reasons": lambda head: http(f"403 {' '.join(head.splitlines())}", ""),
    "location": lambda head: http(
        "302 Found", "", f"Location: https://x.example/?h={quote(head, safe='')}"
    ),
    "status line": lambda head: " ".join(head.splitlines()) + "\r\n\r\n",
    "chunk": lambda head: (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + " ".join(head.splitlines())
    ),
    "cut body": lambda head: http("200 OK", head)[:-5],
    "200 with text": lambda head: http("200 OK", head),
    "200 with a page": lambda head: http("200 OK", f"<html>{head}</html>"),
    "200 with strange JSON": lambda head: http("200 OK", json.dumps({"results": head})),
    "200 with an SQL error": lambda head: pipeline(
        {"type": "error", "error": sql_error(head)}, CLOSED
    ),
}


class EchoTests(WireTestCase):
    """No answer can bring the token or the encryption key into an error."""

    def setUp(self) -> None:
        self.log = io.StringIO()
        handler = logging.StreamHandler(self.log)
        root = logging.getLogger()
        root.addHandler(handler)
        self.addCleanup(root.removeHandler, handler)
        self.addCleanup(root.setLevel, root.level)
        root.setLevel(logging.DEBUG)

    def error(
        self, echo: Callable[[str], str], in_transaction: bool = False
    ) -> tuple[BaseException, str]:
        """Return the error of a statement, and Django's page about it."""
        heads: list[str] = []

        def answer(head: str) -> str:
            heads.append(head)
            return echo(head)

        with (
            answering(answer) as port,
            connected(
                f"http://127.0.0.1:{port}", password=TOKEN, encryption_key=KEY, timeout=5
            ) as connection,
            override_settings(DEBUG=True),
        ):
            error = self.error_of(connection, in_transaction)
            page = page_about(error)
        self.assertIn(TOKEN, heads[0])
        self.assertIn(KEY, heads[0])
        return error, page

    def error_of(self, connection: Any, in_transaction: bool) -> BaseException:
        try:  # assertRaises() would clear the variables that a page shows
            if in_transaction:
                with transaction.atomic(connection.alias):
                    run(connection, "INSERT INTO rows VALUES (1)")
            run(connection, "INSERT INTO rows VALUES (1)")
        except OperationalError as error:
            return error
        raise AssertionError("no error")

    def shown(self, error: BaseException) -> Iterator[str]:
        yield "".join(traceback.format_exception(error))
        inner: BaseException | None = error
        while inner is not None:
            yield f"{inner!s} {inner!r} {inner.args!r} {vars(inner)!r}"
            inner = inner.__cause__ or inner.__context__

    def assert_is_hidden(self, error: BaseException, page: str) -> None:
        self.assertIn("agent_sessions", page)
        for text in (*self.shown(error), page, self.log.getvalue()):
            for secret in (TOKEN[:12], KEY[:8], quote(KEY), quote(KEY, safe="")):
                self.assertNotIn(secret, text)

    def test_every_answer(self) -> None:
        """They are masked in texts, reasons, addresses, broken answers and SQL errors."""
        for name, echo in ECHOES.items():
            with self.subTest(name):
                self.assert_is_hidden(*self.error(echo))

    def test_transaction(self) -> None:
        """They are masked in the error of a statement within a transaction."""
        echoes: dict[str, Callable[[str], str]] = {
            "a step": lambda head: pipeline(batch_with(sql_error(head))),
            "the batch": lambda head: pipeline({"type": "error", "error": sql_error(head)}),
        }
        for name, echo in echoes.items():
            with self.subTest(name):
                error, page = self.error(echo, in_transaction=True)

                self.assert_is_hidden(error, page)
                self.assertIn("[token]", str(error))

    def test_large_rows(self) -> None:
        """They are masked in the error of a large result that is requested again."""

        def answer(head: str) -> str:
            if "/v3/cursor" not in head:
                error = {"message": "too large", "code": "RESPONSE_TOO_LARGE"}
                return pipeline({"type": "error", "error": error}, CLOSED)
            lines = [{"baton": None}, {"type": "error", "error": sql_error(head)}]
            return http("200 OK", "\n".join(map(json.dumps, lines)))

        with (
            answering(answer) as port,
            connected(f"http://127.0.0.1:{port}", password=TOKEN) as connection,
            self.assertRaisesMessage(OperationalError, "Bearer [token]") as caught,
        ):
            run(connection, "SELECT * FROM rows")

        self.assertNotIn(TOKEN, "".join(self.shown(caught.exception)))

    def test_shell(self) -> None:
        """dbshell prints the server's text without the token."""
        with answering(ECHOES["text"]) as port:
            done = subprocess.run(
                [sys.executable, "manage.py", "dbshell", "--", "SELECT 1"],
                cwd=ROOT,
                env={
                    **os.environ,
                    "DJANGO_SETTINGS_MODULE": "calendarclub.settings",
                    "DJANGO_SECRET_KEY": "for this test only",
                    "DATABASE_URL": f"http://127.0.0.1:{port}",
                    "TURSO_AUTH_TOKEN": TOKEN,
                },
                capture_output=True,
                text=True,
            )

        self.assertIn("Authorization: Bearer [token]", done.stderr)
        self.assertNotIn(TOKEN, done.stderr + done.stdout)

    def test_a_token_that_was_replaced(self) -> None:
        """The previous token is masked too: its request may still be under way."""
        tokens = iter([TOKEN, "second"])
        answers = iter([http("401 No", ""), http("403 No", f"first {TOKEN}, then second")])
        with (
            answering(lambda head: next(answers)) as port,
            connected(f"http://127.0.0.1:{port}", auth_token=lambda: next(tokens)) as connection,
            self.assertRaisesMessage(OperationalError, "first [token], then [token]."),
        ):
            run(connection, "SELECT 1")
