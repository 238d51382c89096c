"""Requests: HTTP errors, hosts, TLS, and turns to write."""

from __future__ import annotations

import json
import os
import ssl
import tempfile
import unittest
from pathlib import Path
from typing import Any
from unittest.mock import patch

from django.db import OperationalError, transaction

from agent_sessions.turso.driver.address import address_of
from agent_sessions.turso.driver.transport import Transport, transport_to
from agent_sessions.turso.driver.unknown_outcome import UnreachableError
from tests.concurrent_writers import in_threads
from tests.turso.certificates import certificate
from tests.turso.connections import WireTestCase, connected, run
from tests.turso.proxy import Proxy
from tests.turso.server import Server, missing

# A server's answer to BEGIN and a SELECT.
OK_BATCH = {
    "type": "ok",
    "response": {
        "result": {
            "step_results": [{"cols": [], "rows": []}, {"cols": [{"name": "1"}], "rows": []}],
            "step_errors": [None, None],
        }
    },
}


class AnswerTests(WireTestCase):
    """HTTP errors, and answers in other forms."""

    def transport(self, url: str = "http://shop.localhost:1", **settings: Any) -> Transport:
        return transport_to(address_of({"NAME": url, **settings}, "default"))

    def test_one_for_each_address(self) -> None:
        """Equal addresses share their connections."""
        self.assertIs(self.transport(), self.transport())
        self.assertIsNot(self.transport(), self.transport(PASSWORD="another"))

    def test_no_such_host(self) -> None:
        """An unknown or impossible host was not reached."""
        for url in ("http://host.invalid", f"http://{'a' * 64}", "http://a..b"):
            with self.subTest(url=url), self.assertRaises(UnreachableError):
                self.transport(url).post("/v3/pipeline", b"{}")

    def test_wrong_path(self) -> None:
        """A 404 asks whether NAME is right."""
        with Proxy(1) as proxy:
            connection = self.enterContext(connected(f"{proxy.url('shop')}/wrong"))
            proxy.answer_with(404, b"not found")
            with self.assertRaisesMessage(OperationalError, "Is NAME the right address?"):
                run(connection, "SELECT 1")
            self.assertEqual(proxy.requests[0].path, "/wrong/v3/pipeline")

    def test_forms_of_errors(self) -> None:
        """The reason is found in several forms of JSON, in plain text, or not at all."""
        for body, words in {
            b'{"error": "the reason"}': "the reason.",
            b'{"message": "the reason", "code": "X"}': "the reason.",
            b'{"error": {"message": "the reason.", "code": "X"}}': "the reason.",
            b"the reason": "the reason.",
            b"\xff\xfe": "\ufffd",
            b"": "As It Is",
            b"[]": "As It Is",
        }.items():
            with Proxy(1) as proxy, connected(proxy.url("shop")) as connection:
                proxy.answer_with(400, body)
                with self.subTest(body=body), self.assertRaisesMessage(OperationalError, words):
                    run(connection, "SELECT 1")

    def test_headers(self) -> None:
        """The encryption key and the host are in the headers."""
        with Proxy(1) as proxy, connected(proxy.url("shop"), encryption_key="a2V5") as connection:
            proxy.answer_with(400, b"")
            with self.assertRaises(OperationalError):
                run(connection, "SELECT 1")
            headers = proxy.requests[0].headers

        self.assertEqual(headers["x-turso-encryption-key"], "a2V5")
        self.assertTrue(headers["host"].startswith("shop.localhost:"))

    def test_where_the_server_sends_a_stream(self) -> None:
        """A stream continues on the same server, and on hosts in the options."""
        http = self.transport("http://one.example:80/path")
        https = self.transport(
            "https://one.example", OPTIONS={"stream_hosts": [".example.com", "[::1]"]}
        )

        self.assertEqual(http._place("http://one.example/base/")[2:], (80, "/base"))
        self.assertEqual(https._place("https://a.example.com:444")[1:3], ("a.example.com", 444))
        self.assertEqual(https._place("https://[::1]:444")[1:3], ("[::1]", 444))
        for base_url in ("http://a.example.com", "/relative", "", None):
            self.assertEqual(https._place(base_url), ("https", "one.example", 443, ""))

    def test_where_the_token_must_not_go(self) -> None:
        """No other host is contacted: the statement fails, and the error names the option."""
        with Proxy(1) as own, Proxy(1) as other:
            answer = {"baton": "b", "base_url": other.url("two"), "results": [OK_BATCH]}
            own.answer_with(200, json.dumps(answer).encode())
            with (
                connected(own.url("one"), password="secret") as connection,
                self.assertRaisesMessage(OperationalError, "OPTIONS['stream_hosts']"),
                transaction.atomic(connection.alias),
            ):
                run(connection, "SELECT 1")
                run(connection, "SELECT 2")

        self.assertEqual(len(own.requests), 1)
        self.assertEqual(other.connections, 0)

    @unittest.skipUnless(hasattr(os, "fork"), "this system has no fork")
    @unittest.skipIf(missing(), missing())
    def test_fork(self) -> None:
        """A forked process opens its own TCP connections."""
        with Server() as server, Proxy(server.port) as proxy:
            server.create("shop")
            with connected(proxy.url("shop")) as connection:
                run(connection, "SELECT 1")
                transport = transport_to(connection.address)
                self.assertEqual(len(transport._pools), 1)

                from agent_sessions.turso.driver.transport import _reset_after_fork

                _reset_after_fork()  # as in a child; this process has threads, so it is not forked
                run(connection, "SELECT 1")

            self.assertEqual(proxy.connections, 2)


@unittest.skipIf(missing(), missing())
class TLSTests(WireTestCase):
    """HTTPS, with the test's own certificate."""

    def setUp(self) -> None:
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.certificate, key = certificate(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        server = self.enterContext(Server(namespaces=False))
        proxy = self.enterContext(Proxy(server.port, tls=context))
        self.url = f"https://localhost:{proxy.port}"

    def test_known_certificate(self) -> None:
        """A certificate in the options is trusted."""
        with connected(self.url, tls={"ca_certs": str(self.certificate)}) as connection:
            self.assertEqual(run(connection, "SELECT 1"), [(1,)])

    def test_unknown_certificate(self) -> None:
        """Any other is refused before anything is sent."""
        with connected(self.url) as connection, self.assertRaises(OperationalError) as caught:
            run(connection, "CREATE TABLE rows (id integer)")

        self.assertIsInstance(caught.exception.__cause__, UnreachableError)
        self.assertIn("certificate", str(caught.exception))

    def test_unverified(self) -> None:
        """Verification can be turned off, and urllib3 warns."""
        with (
            connected(self.url, tls={"verify": False}) as connection,
            self.assertWarnsRegex(Warning, "Unverified HTTPS"),
        ):
            self.assertEqual(run(connection, "SELECT 1"), [(1,)])


@unittest.skipIf(missing(), missing())
class WriterTests(WireTestCase):
    """Requests of a process that write at once."""

    def setUp(self) -> None:
        self.url = self.enterContext(Server()).create("shop")
        self.connection = self.enterContext(connected(self.url))
        run(self.connection, "CREATE TABLE rows (id integer PRIMARY KEY)")

    def test_turns(self) -> None:
        """Of many writers, at most `writers` send at once, and all get their turn."""
        under_way: list[int] = []
        counts: list[int] = []
        post = Transport._post_once

        def counted(*arguments: Any) -> bytes:
            under_way.append(1)
            counts.append(len(under_way))
            try:
                return post(*arguments)
            finally:
                under_way.pop()

        def write(number: int) -> None:
            with connected(self.url, writers=3) as connection:
                self.insert(connection)

        with patch.object(Transport, "_post_once", counted):
            in_threads(12, write)

        self.assertIn(max(counts), (2, 3))
        self.assertEqual(run(self.connection, "SELECT count(*) FROM rows"), [(12,)])

    def test_no_turn(self) -> None:
        """A writer that waited too long raises, has sent nothing, and may try again."""
        with connected(self.url, writers=1, timeout=0.1) as connection:
            with transport_to(connection.address).turn_to_write():
                with self.assertRaisesMessage(OperationalError, "waiting to write for 0.1 seconds"):
                    self.insert(connection)
                with (
                    self.assertRaisesMessage(OperationalError, "database is locked"),
                    transaction.atomic(connection.alias),
                ):
                    self.insert(connection)

            self.insert(connection)

            self.assertEqual(run(connection, "SELECT count(*) FROM rows"), [(1,)])

    def test_holder_needs_no_turn(self) -> None:
        """A transaction that has the lock commits while others wait for it."""
        with connected(self.url, writers=1) as connection, transaction.atomic(connection.alias):
            self.insert(connection)
            with transport_to(connection.address).turn_to_write():
                self.insert(connection)

        self.assertEqual(run(connection, "SELECT count(*) FROM rows"), [(2,)])

    def test_deferred(self) -> None:
        """A deferred transaction waits for its turn at its first change, and at no other."""
        with (
            connected(self.url, writers=1, timeout=0.1, transaction_mode="DEFERRED") as connection,
            transaction.atomic(connection.alias),
        ):
            transport = transport_to(connection.address)
            with transport.turn_to_write():
                run(connection, "SELECT count(*) FROM rows")
                with self.assertRaisesMessage(OperationalError, "waiting to write"):
                    self.insert(connection)
            self.insert(connection)
            with transport.turn_to_write():
                self.insert(connection)

        self.assertEqual(run(self.connection, "SELECT count(*) FROM rows"), [(2,)])

    def insert(self, connection: Any) -> None:
        run(connection, "INSERT INTO rows (id) VALUES (NULL)")
