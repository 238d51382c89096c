"""UnknownOutcomeError: the connection is lost during COMMIT, on every database server."""

from __future__ import annotations

import unittest
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from django.db import OperationalError, connection, connections
from django.db.utils import ConnectionHandler
from django.test import TransactionTestCase

from agent_sessions import Session, UnknownOutcomeError
from agent_sessions.models.operations import SessionQuerySet
from tests.contract import TURN, USER
from tests.cutting_proxy import CuttingProxy

CHANGES: dict[str, Callable[[SessionQuerySet], Any]] = {
    "append": lambda sessions: sessions.append("one", TURN),
    "pop": lambda sessions: sessions.pop("one"),
    "replace": lambda sessions: sessions.replace("one", TURN),
    "purge": lambda sessions: sessions.purge("one"),
    "clear": lambda sessions: sessions.clear("one"),
    "fork": lambda sessions: sessions.fork("one", "two"),
}
TIMEOUT_SECONDS = 20
DEFAULT_PORTS = {"postgresql": 5432, "mysql": 3306}
# The proxy has to read the traffic.
UNENCRYPTED = {"postgresql": {"sslmode": "disable"}, "mysql": {"ssl_mode": "DISABLED"}}


def server_port() -> int:
    settings = connection.settings_dict
    return urlsplit(str(settings["NAME"])).port or int(
        settings["PORT"] or DEFAULT_PORTS.get(connection.vendor, 0)
    )


def settings_through(port: int) -> dict[str, Any]:
    """Return the settings of the default database, reached through another port."""
    settings = connection.settings_dict
    if connection.vendor == "sqlite":  # the vendor of the Turso engine
        old = f":{urlsplit(settings['NAME']).port}"
        return {**settings, "NAME": settings["NAME"].replace(old, f":{port}")}
    options = {**settings["OPTIONS"], **UNENCRYPTED[connection.vendor]}
    return {**settings, "HOST": "127.0.0.1", "PORT": port, "OPTIONS": options}


@unittest.skipUnless(
    server_port(), "SQLite has no connection to lose: TEST_DATABASE=turso, postgres or mariadb."
)
class UnknownOutcomeTests(TransactionTestCase):
    """A connection that is cut at a statement."""

    @contextmanager
    def cut_at(
        self, word: bytes, *, delivers: bool
    ) -> Iterator[tuple[CuttingProxy, SessionQuerySet]]:
        """Yield a proxy that cuts a connection once, at `word`, and the sessions behind it."""
        with CuttingProxy(server_port(), word=word, delivers=delivers) as proxy:
            databases = ConnectionHandler({"default": {}, "cut": settings_through(proxy.port)})
            connections["cut"] = databases["cut"]
            try:
                yield proxy, Session.objects.using("cut")
            finally:
                connections["cut"].close()
                del connections["cut"]

    def test_at_commit(self) -> None:
        """The error says that the outcome is unknown; the change is stored whole or not at all."""
        for name, change in CHANGES.items():
            for delivers in (False, True):
                with self.subTest(change=name, delivers=delivers):
                    Session.objects.all().delete()
                    Session.objects.append("one", [USER])
                    with self.cut_at(b"COMMIT", delivers=delivers) as (proxy, sessions):
                        with self.assertRaisesMessage(UnknownOutcomeError, "change to session"):
                            change(sessions)

                        self.assertTrue(proxy.has_cut.wait(TIMEOUT_SECONDS))
                        self.assertEqual(self.is_changed(), delivers)
                        sessions.append("one", [USER])  # over a new connection

    def is_changed(self) -> bool:
        """Tell whether there is anything else than one session with a user message."""
        sessions = [*Session.objects.values_list("pk", flat=True)]
        return (sessions, Session.objects.items("one")) != (["one"], [USER])

    def test_before_commit(self) -> None:
        """A connection that is lost before COMMIT changes nothing and raises the usual error."""
        Session.objects.append("one", [USER])

        with self.cut_at(b"DELETE", delivers=True) as (proxy, sessions):
            with self.assertRaises(OperationalError) as caught:
                sessions.pop("one")
            self.assertTrue(proxy.has_cut.wait(TIMEOUT_SECONDS))

        self.assertNotIsInstance(caught.exception, UnknownOutcomeError)
        self.assertFalse(self.is_changed())

    def test_is_an_operational_error(self) -> None:
        """UnknownOutcomeError is an OperationalError and has the id of the session."""
        self.assertTrue(issubclass(UnknownOutcomeError, OperationalError))
        self.assertEqual(UnknownOutcomeError("one").session_id, "one")
