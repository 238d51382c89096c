"""failures: whether the server can have executed what went wrong."""

from __future__ import annotations

from django.db import OperationalError

from agent_sessions.turso.driver.dbapi import InDoubtError
from tests.turso.connections import WireTestCase, connected, run
from tests.turso.proxy import Proxy


class StatusTests(WireTestCase):
    """What an HTTP status says of a write."""

    def test_statuses(self) -> None:
        """3xx and 4xx come instead of the server's answer, all others may stand in its place."""
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
            with Proxy(1) as proxy, connected(proxy.url("shop")) as connection:
                proxy.answer_with(status, b"")
                with self.subTest(status=status):
                    with self.assertRaises(OperationalError) as caught:
                        run(connection, "INSERT INTO rows VALUES (1)")

                    cause = caught.exception.__cause__
                    self.assertEqual(isinstance(cause, InDoubtError), is_unknown)
