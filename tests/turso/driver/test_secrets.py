"""Tokens and keys are in no repr, no log and on no error page."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from agent_sessions.turso.driver.transport import transport_to
from tests.turso.connections import WireTestCase, connected, page_about, run
from tests.turso.faults import Fault
from tests.turso.proxy import Proxy

SECRET = "eyJhbGciOiJFZERTQSJ9.secret.signature"


class HiddenTests(WireTestCase):
    """The token appears in no text."""

    secret = SECRET

    def error_of(self, connection: Any) -> BaseException:
        try:
            run(connection, "SELECT 1")
        except Exception as error:  # every error is shown
            return error
        raise AssertionError("no error")

    def shown(self, connection: Any) -> override_settings:
        """Let an error page show a connection's settings."""
        # Not in DATABASES itself, because Django warns about overriding that.
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
        """It is not on Django's debug page, wherever it was written and whatever went wrong."""
        places: list[dict[str, Any]] = [
            {"password": self.secret},
            {"auth_token": self.secret},
            {"auth_token": lambda: self.secret},
            {"query": f"?authToken={self.secret}"},
            {"encryption_key": self.secret},
        ]
        faults = [Fault.REFUSE, Fault.LATE_UNFORWARDED, Fault.STATUS_401, Fault.STATUS_403]
        # There is no server behind the proxy, so forwarded requests are cut off.
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
        """It is not on the page about another mistake in the settings."""
        settings: dict[str, Any] = {"password": self.secret, "pool_size": 0}
        with (
            connected(f"libsql://host?authToken={self.secret}", **settings) as connection,
            self.shown(connection),
        ):
            error = self.error_of(connection)
            page = page_about(error)

        self.assertIsInstance(error, ImproperlyConfigured)
        self.assertNotIn(self.secret, page)

    def test_password_that_is_not_a_token(self) -> None:
        """A refused PASSWORD is not shown, although the transport that refuses it is."""
        with connected("https://shop.turso.io", password="secr\u00e9t") as connection:
            error = self.error_of(connection)
            page = page_about(error)

        self.assertIn("PASSWORD is not a token", str(error))
        self.assertIn("&lt;Transport (unused) to https://shop.turso.io:443&gt;", page)
        self.assertNotIn("secr\u00e9t", page)

    def test_repr_and_log(self) -> None:
        """It is in no repr and in no log, at any level."""
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
