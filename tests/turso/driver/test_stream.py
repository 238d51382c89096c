"""The stream: the number that a server keeps."""

from __future__ import annotations

import unittest

from django.db import OperationalError

from agent_sessions.turso.driver import hrana
from agent_sessions.turso.driver.statements import Statement
from agent_sessions.turso.driver.stream import Stream
from agent_sessions.turso.driver.transport import transport_to
from tests.turso.connections import WireTestCase, connected, run
from tests.turso.server import Server, missing


@unittest.skipIf(missing(), missing())
class StreamTests(WireTestCase):
    """More streams than a server keeps."""

    def test_too_many_streams(self) -> None:
        """The 129th request waits, then raises; once streams are closed, requests work again."""
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
