"""HTTP connections between two requests."""

from __future__ import annotations

import socket
import unittest

from agent_sessions.turso.driver.address import Address
from agent_sessions.turso.driver.pool import OnePieceConnection, new_pool
from tests.turso.connections import WireTestCase


class KeepAliveTests(WireTestCase):
    """Idle connections."""

    @unittest.skipUnless(hasattr(socket, "TCP_KEEPIDLE"), "this system does not let it be chosen")
    def test_idle(self) -> None:
        """An idle connection is probed every minute, so that its loss is noticed."""
        listener = self.enterContext(socket.create_server(("127.0.0.1", 0)))
        port = listener.getsockname()[1]
        pool = new_pool(Address("http", "127.0.0.1", port), "http", "127.0.0.1", port)
        self.addCleanup(pool.close)
        connection = pool._get_conn()
        self.addCleanup(connection.close)

        connection.connect()
        assert isinstance(connection, OnePieceConnection)

        self.assertEqual(connection.sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE), 1)
        self.assertEqual(connection.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE), 60)

    def test_more_than_are_kept(self) -> None:
        """A connection beyond the pool's size is closed after its request, without warning."""
        address = Address("http", "127.0.0.1", 1, pool_size=1)
        pool = new_pool(address, "http", "127.0.0.1", 1)
        self.addCleanup(pool.close)
        connections = [pool._get_conn(), pool._get_conn()]

        with self.assertNoLogs("urllib3", "WARNING"):
            for connection in (*connections, None):
                pool._put_conn(connection)

        self.assertIs(pool._get_conn(), connections[0])
        self.assertIsNot(pool._get_conn(), connections[1])
