"""Errors about a wrong NAME, or a server that cannot be reached."""

from __future__ import annotations

import ssl
import tempfile
import unittest
from functools import partial
from pathlib import Path
from typing import Any

from django.db import OperationalError

from agent_sessions.turso.driver.dbapi import InDoubtError
from tests.turso.certificates import certificate
from tests.turso.connections import WireTestCase, connected, run
from tests.turso.faults import Fault
from tests.turso.proxy import Proxy
from tests.turso.scripted_server import answering, http
from tests.turso.server import Server, free_port, missing

PAGE = "<!doctype html><title>Welcome to the Wi-Fi of our hotel</title>"


def same(answer: str, head: str) -> str:
    """Answer every request with `answer`."""
    return answer


class ExplanationTests(WireTestCase):
    """Each sentence says what is wrong and what to do."""

    def error(self, url: str, *, is_executed: bool | None = False, **options: Any) -> str:
        """Return the error of a write, whose outcome is known unless `is_executed` is None."""
        with (
            connected(url, **{"timeout": 5, **options}) as connection,
            self.assertRaises(OperationalError) as caught,
        ):
            run(connection, "INSERT INTO rows VALUES (1)")
        is_unknown = isinstance(caught.exception.__cause__, InDoubtError)
        self.assertEqual(is_unknown, is_executed is None, caught.exception)
        return str(caught.exception)

    @unittest.skipIf(missing(), missing())
    def test_tls_to_a_server_without(self) -> None:
        """The error gives the address with http://, and the write is known not to have happened."""
        with Server(namespaces=False) as server:
            error = self.error(f"libsql://127.0.0.1:{server.port}")

        self.assertIn(f"https://127.0.0.1:{server.port} cannot be reached: [SSL: ", error)
        self.assertIn(f"write http://127.0.0.1:{server.port} in NAME", error)

    def test_tls_to_another_server_without(self) -> None:
        """The error is the same if the server answers before it closes."""
        with answering(lambda head: http("400 Bad Request", "")) as port:
            error = self.error(f"https://localhost:{port}/path")

        self.assertIn(f"write http://localhost:{port}/path in NAME", error)

    def test_no_tls_to_a_server_with(self) -> None:
        """The error gives the address with https://, until the server has answered once."""
        with tempfile.TemporaryDirectory() as folder:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate(Path(folder)))
            with Proxy(1, tls=context) as proxy:
                error = self.error(f"http://localhost:{proxy.port}", is_executed=None)

        self.assertIn(f"If the server speaks TLS, write https://localhost:{proxy.port}", error)

    @unittest.skipIf(missing(), missing())
    def test_a_server_that_has_answered(self) -> None:
        """After an answer, a lost connection does not raise the question of TLS."""
        with Server() as server, Proxy(server.port) as proxy:
            server.create("shop")
            with connected(proxy.url("shop")) as connection:
                run(connection, "SELECT 1")
                proxy.arm(Fault.CUT_UNREAD)
                with self.assertRaisesMessage(OperationalError, "was lost") as caught:
                    run(connection, "CREATE TABLE rows (id integer)")

        self.assertNotIn("TLS", str(caught.exception))

    def test_refused(self) -> None:
        """A refused connection raises the question of the port."""
        port = free_port()

        error = self.error(f"http://127.0.0.1:{port}")

        self.assertIn("Connection refused.", error)
        self.assertIn(f"Is the server running, and is {port} its port?", error)

    def test_no_such_name(self) -> None:
        """An unknown host may be misspelled; an impossible one is quoted."""
        self.assertIn("Is host.invalid spelled right", self.error("libsql://host.invalid"))
        self.assertIn("cannot be reached", self.error("http://a..b"))

    def test_no_connection_in_time(self) -> None:
        """A server that does not accept, or does not answer TLS, names the option."""
        with answering(lambda head: "") as port:
            error = self.error(f"https://127.0.0.1:{port}", connect_timeout=0.2)
            self.assertIn(f"https://127.0.0.1:{port} cannot be reached", error)

        with Proxy(1) as proxy:  # it waits for a whole request
            error = self.error(f"https://localhost:{proxy.port}", connect_timeout=0.2)
        self.assertIn("OPTIONS['connect_timeout']", error)

    def test_certificate(self) -> None:
        """A certificate that is not trusted, or not found, names the option for it."""
        with tempfile.TemporaryDirectory() as folder:
            file, key = certificate(Path(folder))
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(file, key)
            with Proxy(1, tls=context) as proxy:
                untrusted = self.error(f"https://localhost:{proxy.port}")
                of_another = self.error(
                    f"https://127.0.0.1:{proxy.port}", tls={"ca_certs": str(file)}
                )
                lost = self.error(
                    f"https://localhost:{proxy.port}", tls={"ca_certs": f"{folder}/none.pem"}
                )

        self.assertIn("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", untrusted)
        self.assertIn("OPTIONS['tls']['ca_certs']", untrusted)
        self.assertIn("127.0.0.1", of_another)
        self.assertIn("No such file or directory. Can every file in OPTIONS['tls']", lost)

    def test_answers_of_others(self) -> None:
        """HTML pages, redirections and wrong paths say that NAME may be wrong."""
        for answer, is_executed, words in (
            (http("404 Not Found", "not found"), False, "Is NAME the right address?"),
            (http("404 Not Found", PAGE), False, "an HTML page. Is NAME the address of a libSQL"),
            (http("502 Bad", PAGE), None, "answered 502: an HTML page. Is NAME the address"),
            (http("200 OK", PAGE), None, "it is an HTML page. Is NAME the address of a libSQL"),
            (http("200 OK", "{}"), None, "not in the form of the protocol. Is NAME"),
            (
                http("308 Moved", "", "Location: https://new.example/v3/pipeline"),
                False,
                "redirects to https://new.example/v3/pipeline: write the database's address",
            ),
        ):
            with self.subTest(words), answering(partial(same, answer)) as port:
                error = self.error(f"http://127.0.0.1:{port}", is_executed=is_executed)

                self.assertIn(words, error)
                self.assertNotIn("Wi-Fi", error)
