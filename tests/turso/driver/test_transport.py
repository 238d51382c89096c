"""transport: tokens, TLS, HTTP errors, and that no token is shown anywhere."""

from __future__ import annotations

import datetime
import io
import json
import logging
import os
import ssl
import sys
import tempfile
import unittest
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, transaction
from django.test import override_settings

from agent_sessions.turso.driver import hrana
from agent_sessions.turso.driver.address import address_of
from agent_sessions.turso.driver.dbapi import InDoubtError
from agent_sessions.turso.driver.statements import Statement
from agent_sessions.turso.driver.stream import Stream
from agent_sessions.turso.driver.transport import Transport, transport_to
from agent_sessions.turso.driver.unknown_outcome import UnreachableError
from tests.turso.certificates import certificate
from tests.turso.connections import WireTestCase, connected, page_about, run
from tests.turso.proxy import Fault, Proxy
from tests.turso.server import Server, missing
from tests.writers import in_threads

PEM = serialization.Encoding.PEM
HOUR = datetime.timedelta(hours=1)
SECRET = "eyJhbGciOiJFZERTQSJ9.secret.signature"
# The answer of a server to BEGIN and a SELECT.
OK_BATCH = {
    "type": "ok",
    "response": {
        "result": {
            "step_results": [{"cols": [], "rows": []}, {"cols": [{"name": "1"}], "rows": []}],
            "step_errors": [None, None],
        }
    },
}


class Mint:
    """A key of tokens, and the option that lets a server take them."""

    def __init__(self) -> None:
        self.key = ed25519.Ed25519PrivateKey.generate()
        public = self.key.public_key().public_bytes(
            PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.file = tempfile.NamedTemporaryFile(suffix=".pem")  # noqa: SIM115  # as long as this
        self.file.write(public)
        self.file.flush()
        self.option = f"--auth-jwt-key-file={self.file.name}"

    def token(self, *, access: str = "rw", lasts: datetime.timedelta = HOUR) -> str:
        claims = {"a": access, "exp": datetime.datetime.now(datetime.UTC) + lasts}
        return jwt.encode(claims, self.key, algorithm="EdDSA")


@unittest.skipIf(missing(), missing())
class TokenTests(WireTestCase):
    """A server that wants tokens."""

    server: Server
    mint: Mint

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.mint = Mint()
        cls.addClassCleanup(cls.mint.file.close)
        cls.server = cls.enterClassContext(Server(cls.mint.option))
        with connected(cls.server.create("shop"), password=cls.mint.token()) as connection:
            run(connection, "CREATE TABLE rows (id integer PRIMARY KEY)")

    def setUp(self) -> None:
        self.proxy = self.enterContext(Proxy(self.server.port))
        self.url = self.proxy.url("shop")

    def test_three_places(self) -> None:
        """PASSWORD, OPTIONS["auth_token"] and ?authToken= in NAME all open the door."""
        token = self.mint.token()
        for url, settings in [
            (self.url, {"password": token}),
            (self.url, {"auth_token": token}),
            (f"{self.url}?authToken={token}", {}),
        ]:
            with connected(url, **settings) as connection:
                self.assertEqual(run(connection, "SELECT 1"), [(1,)])

    def test_rotation(self) -> None:
        """A function is asked for a token once, and again when the server refuses it."""
        tokens = [self.mint.token(lasts=-HOUR), self.mint.token()]
        asked = []

        def next_token() -> str:
            asked.append(tokens[len(asked)])
            return asked[-1]

        with connected(self.url, auth_token=next_token) as connection:
            for _ in range(3):
                run(connection, "INSERT INTO rows DEFAULT VALUES")

        self.assertEqual(asked, tokens)
        self.assertEqual(len(self.proxy.requests), 4)

    def test_rotation_that_fails(self) -> None:
        """A function that knows no better token is asked once for a request, not for ever."""
        asked = []

        def old_token() -> str:
            asked.append(1)
            return self.mint.token(lasts=-HOUR)

        with (
            connected(self.url, auth_token=old_token) as connection,
            self.assertRaisesMessage(OperationalError, "answered 401"),
        ):
            run(connection, "SELECT 1")

        self.assertEqual(len(asked), 2)

    def test_function_that_gives_none(self) -> None:
        """Something else than a token is not sent."""
        for wrong in (None, "", 7, "line\nline", "secr\u00e9t"):
            with connected(self.url, auth_token=lambda wrong=wrong: wrong) as connection:
                with self.subTest(wrong=wrong), self.assertRaises(OperationalError) as caught:
                    run(connection, "SELECT 1")
                self.assertIn("did not return a token", str(caught.exception))

        self.assertEqual(self.proxy.requests, [])

    def test_wrong_token(self) -> None:
        """No token, and a wrong one, say what to set."""
        for token in ("", self.mint.token(lasts=-HOUR), Mint().token(), "secret"):
            with (
                connected(self.url, password=token) as connection,
                self.assertRaises(OperationalError) as caught,
            ):
                run(connection, "INSERT INTO rows DEFAULT VALUES")
            self.assertIn("set PASSWORD or OPTIONS['auth_token']", str(caught.exception))
            self.assertNotIsInstance(caught.exception.__cause__, InDoubtError)
            self.assertTrue(not token or token not in str(caught.exception))

    def test_token_that_may_only_read(self) -> None:
        """It reads; to write with it is an error that says so."""
        with connected(self.url, password=self.mint.token(access="ro")) as connection:
            self.assertEqual(run(connection, "SELECT 1"), [(1,)])
            with self.assertRaises(OperationalError) as caught:
                run(connection, "INSERT INTO rows DEFAULT VALUES")
            self.assertEqual(run(connection, "SELECT 1"), [(1,)])

        self.assertNotIsInstance(caught.exception.__cause__, InDoubtError)
        self.assertRegex(str(caught.exception), "(?i)does not allow|not authorized|blocked|write")


class HiddenTests(WireTestCase):
    """A token is in no text that anybody sees."""

    secret = SECRET

    def error_of(self, connection: Any) -> BaseException:
        try:
            run(connection, "SELECT 1")
        except Exception as error:  # whatever it is, it is shown
            return error
        raise AssertionError("no error")

    def shown(self, connection: Any) -> override_settings:
        """Let a page about an error show the entry of a connection among the settings."""
        # Not in DATABASES itself: Django warns of whoever overrides that.
        return override_settings(DEBUG=True, SHOWN={"default": connection.settings_dict})

    @contextmanager
    def faulty(self, fault: Fault, **settings: Any) -> Iterator[Any]:
        with Proxy(1) as proxy, ExitStack() as stack:
            query = settings.pop("query", "")
            url = proxy.url("shop") + query
            connection = stack.enter_context(connected(url, timeout=0.3, **settings))
            stack.enter_context(self.shown(connection))
            proxy.arm(fault)
            yield connection

    def test_debug_page(self) -> None:
        """Not on Django's debug page, wherever it was written and whatever went wrong."""
        places: list[dict[str, Any]] = [
            {"password": self.secret},
            {"auth_token": self.secret},
            {"auth_token": lambda: self.secret},
            {"query": f"?authToken={self.secret}"},
            {"encryption_key": self.secret},
        ]
        faults = [Fault.REFUSE, Fault.LATE_UNFORWARDED, Fault.STATUS_401, Fault.STATUS_403]
        # The server behind the proxy is not there: what is forwarded is cut again and again.
        for fault in [*faults, Fault.CUT_UNFORWARDED]:
            for place in places:
                with (
                    self.subTest(fault=fault, place=list(place)),
                    override_settings(),
                    self.faulty(fault, **dict(place)) as connection,
                ):
                    page = page_about(self.error_of(connection))

                    self.assertIn("agent_sessions.turso", page)
                    self.assertNotIn(self.secret, page)

    def test_mistake_in_the_settings(self) -> None:
        """Nor on the page about a mistake beside it."""
        settings = {"password": self.secret, "pool_size": 0}
        with (
            connected(f"libsql://host?authToken={self.secret}", **settings) as connection,
            self.shown(connection),
        ):
            error = self.error_of(connection)
            page = page_about(error)

        self.assertIsInstance(error, ImproperlyConfigured)
        self.assertNotIn(self.secret, page)

    def test_password_that_is_no_token(self) -> None:
        """Nor where it is refused: the transport that refuses it can be shown."""
        with connected("https://shop.turso.io", password="secr\u00e9t") as connection:
            error = self.error_of(connection)
            page = page_about(error)

        self.assertIn("PASSWORD is not a token", str(error))
        self.assertIn("&lt;Transport (unused) to https://shop.turso.io:443&gt;", page)
        self.assertNotIn("secr\u00e9t", page)

    def test_repr_and_log(self) -> None:
        """Nor in a repr, nor in a log that tells everything."""
        log = io.StringIO()
        handler = logging.StreamHandler(log)
        root = logging.getLogger()
        level = root.level
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        self.addCleanup(root.setLevel, level)
        self.addCleanup(root.removeHandler, handler)

        with self.faulty(Fault.STATUS_401, password=self.secret) as connection:
            error = self.error_of(connection)
            transport = transport_to(connection.address)
            shown = [connection, connection.connection, connection.address, transport, error]

        self.assertIn("urllib3", repr(sys.modules["urllib3"]) + log.getvalue())
        for thing in shown:
            self.assertNotIn(self.secret, f"{thing!r} {thing}")
        self.assertNotIn(self.secret, log.getvalue())


class AnswerTests(WireTestCase):
    """HTTP errors, and answers that are none."""

    def transport(self, url: str = "http://shop.localhost:1", **settings: Any) -> Transport:
        return transport_to(address_of({"NAME": url, **settings}, "default"))

    def test_one_for_each_address(self) -> None:
        """Equal addresses share their connections."""
        self.assertIs(self.transport(), self.transport())
        self.assertIsNot(self.transport(), self.transport(PASSWORD="another"))

    def test_no_such_host(self) -> None:
        """A host that does not exist, or cannot, was not reached."""
        for url in ("http://host.invalid", f"http://{'a' * 64}", "http://a..b"):
            with self.subTest(url=url), self.assertRaises(UnreachableError):
                self.transport(url).post("/v3/pipeline", b"{}")

    def test_wrong_path(self) -> None:
        """What is no libSQL server is asked about: the address may be wrong."""
        with Proxy(1) as proxy:
            connection = self.enterContext(connected(f"{proxy.url('shop')}/wrong"))
            proxy.answer_with(404, b"not found")
            with self.assertRaisesMessage(OperationalError, "Is NAME the right address?"):
                run(connection, "SELECT 1")
            self.assertEqual(proxy.requests[0].path, "/wrong/v3/pipeline")

    def test_forms_of_errors(self) -> None:
        """Reasons are found in JSON of several forms, in plain text, or not at all."""
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
        """The key of an encrypted database and the name of the host go along."""
        with Proxy(1) as proxy, connected(proxy.url("shop"), encryption_key="a2V5") as connection:
            proxy.answer_with(400, b"")
            with self.assertRaises(OperationalError):
                run(connection, "SELECT 1")
            headers = proxy.requests[0].headers

        self.assertEqual(headers["x-turso-encryption-key"], "a2V5")
        self.assertTrue(headers["host"].startswith("shop.localhost:"))

    def test_where_the_server_sends_a_stream(self) -> None:
        """A stream goes on within the same server, and at hosts that the options name."""
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
        """Another host is told nothing: the statement fails, and says which option allows it."""
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
        """A child has connections of TCP of its own."""
        with Server() as server, Proxy(server.port) as proxy:
            server.create("shop")
            with connected(proxy.url("shop")) as connection:
                run(connection, "SELECT 1")
                transport = transport_to(connection.address)
                self.assertEqual(len(transport._pools), 1)

                from agent_sessions.turso.driver.transport import _reset_after_fork

                _reset_after_fork()  # what a child does first; a fork of this process has threads
                run(connection, "SELECT 1")

            self.assertEqual(proxy.connections, 2)


@unittest.skipIf(missing(), missing())
class TLSTests(WireTestCase):
    """HTTPS, with a certificate of the test's own."""

    def setUp(self) -> None:
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.certificate, key = certificate(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        server = self.enterContext(Server(namespaces=False))
        proxy = self.enterContext(Proxy(server.port, tls=context))
        self.url = f"https://localhost:{proxy.port}"

    def test_known_certificate(self) -> None:
        """A certificate that the options name is trusted."""
        with connected(self.url, tls={"ca_certs": str(self.certificate)}) as connection:
            self.assertEqual(run(connection, "SELECT 1"), [(1,)])

    def test_unknown_certificate(self) -> None:
        """Any other is refused before anything is sent."""
        with connected(self.url) as connection, self.assertRaises(OperationalError) as caught:
            run(connection, "CREATE TABLE rows (id integer)")

        self.assertIsInstance(caught.exception.__cause__, UnreachableError)
        self.assertIn("certificate", str(caught.exception))

    def test_unverified(self) -> None:
        """To verify nothing must be asked for, and urllib3 warns of it."""
        with (
            connected(self.url, tls={"verify": False}) as connection,
            self.assertWarnsRegex(Warning, "Unverified HTTPS"),
        ):
            self.assertEqual(run(connection, "SELECT 1"), [(1,)])


@unittest.skipIf(missing(), missing())
class StreamTests(WireTestCase):
    """More streams than a server holds."""

    def test_too_many_streams(self) -> None:
        """The 129th waits for its turn, and is an error if there is none; then all goes on."""
        select = [hrana.execute(Statement("SELECT 1").wire)]
        with Server() as server, connected(server.create("shop")) as connection:
            streams = [Stream(transport_to(connection.address)) for _ in range(128)]
            for stream in streams:
                stream.ask(select)
            self.assertEqual(server.open_streams(), 128)

            with self.assertRaisesMessage(OperationalError, "too much to do"):
                run(connection, "CREATE TABLE rows (id integer)")
            for stream in streams:
                stream.ask([hrana.CLOSE])
            run(connection, "CREATE TABLE rows (id integer)")

            self.assertEqual(server.open_streams(), 0)


@unittest.skipIf(missing(), missing())
class WriterTests(WireTestCase):
    """Those of a process that write at once."""

    def setUp(self) -> None:
        self.url = self.enterContext(Server()).create("shop")
        self.connection = self.enterContext(connected(self.url))
        run(self.connection, "CREATE TABLE rows (id integer PRIMARY KEY)")

    def test_turns(self) -> None:
        """Of many that write at once as many as may are under way, and all get their turn."""
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
        """Who waits for too long for a turn is told, has sent nothing, and may try again."""
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
        """Who has the lock commits past all who wait for it."""
        with connected(self.url, writers=1) as connection, transaction.atomic(connection.alias):
            self.insert(connection)
            with transport_to(connection.address).turn_to_write():
                self.insert(connection)

        self.assertEqual(run(connection, "SELECT count(*) FROM rows"), [(2,)])

    def test_deferred(self) -> None:
        """A deferred transaction waits for its turn at its first change, and for no other."""
        with connected(self.url, writers=1, timeout=0.1, transaction_mode="DEFERRED") as connection:
            with transaction.atomic(connection.alias):
                with transport_to(connection.address).turn_to_write():
                    run(connection, "SELECT count(*) FROM rows")
                    with self.assertRaisesMessage(OperationalError, "waiting to write"):
                        self.insert(connection)
                self.insert(connection)
                with transport_to(connection.address).turn_to_write():
                    self.insert(connection)

            self.assertEqual(run(connection, "SELECT count(*) FROM rows"), [(2,)])

    def insert(self, connection: Any) -> None:
        run(connection, "INSERT INTO rows (id) VALUES (NULL)")
