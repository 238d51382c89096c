"""Failures: whether the server may have executed the request."""

from __future__ import annotations

from django.db import OperationalError

from agent_sessions.turso.driver.dbapi import InDoubtError
from tests.turso.connections import WireTestCase, connected, run
from tests.turso.proxy import Proxy


class StatusTests(WireTestCase):
    """The outcome of a write, by HTTP status."""

    def test_statuses(self) -> None:
        """3xx and 4xx mean that it was not executed; any other status may hide that it was."""
        for status, is_unknown in {
            202: True,
            204: True,
            302: False,
            308: False,
            400: False,
            404: False,
            500: True,
            504: True,
        }.items():
            with self.subTest(status=status):
                cause = self.error_of(status).__cause__

                self.assertEqual(isinstance(cause, InDoubtError), is_unknown)

    def error_of(self, status: int) -> OperationalError:
        with Proxy(1) as proxy, connected(proxy.url("shop")) as connection:
            proxy.answer_with(status, b"")
            with self.assertRaises(OperationalError) as caught:
                run(connection, "INSERT INTO rows VALUES (1)")
        return caught.exception
