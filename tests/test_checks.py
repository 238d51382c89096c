"""checks and conf: `manage.py check` names settings that would lose messages."""

from __future__ import annotations

from typing import Any
from unittest import skipUnless
from unittest.mock import patch

from django.core.checks import run_checks
from django.db import connection, connections
from django.test import TestCase, override_settings

from agent_sessions.checks import SETTINGS
from agent_sessions.conf import LARGEST_PAGE, conf
from agent_sessions.turso.base import DatabaseWrapper


def found() -> list[str]:
    """Return the ids that `manage.py check` reports for the app."""
    ids = [str(message.id) for message in run_checks()]
    return [message_id for message_id in ids if message_id.startswith("agent_sessions.")]


class ClockTests(TestCase):
    """The clocks of Django and of the database."""

    def clocks(self) -> list[str]:
        messages = run_checks(databases=["default"])
        return [str(message) for message in messages if message.id == "agent_sessions.W006"]

    def test_same_time(self) -> None:
        """With USE_TZ the clocks agree in any time zone."""
        with override_settings(TIME_ZONE="America/New_York"):
            self.assertEqual(self.clocks(), [])

    @override_settings(USE_TZ=False, TIME_ZONE="America/New_York")
    def test_without_time_zones(self) -> None:
        """Without USE_TZ a database whose clock is UTC gets a warning; PostgreSQL's is not."""
        is_right = connection.vendor == "postgresql"

        self.assertEqual(len(self.clocks()), 0 if is_right else 1)

    @override_settings(USE_TZ=False, TIME_ZONE="UTC")
    def test_utc_without_time_zones(self) -> None:
        """Without USE_TZ the clocks agree if the project's time zone is UTC."""
        self.assertEqual(self.clocks(), [])

    @skipUnless(connection.vendor == "mysql", "Only MySQL has such a zone: TEST_DATABASE=mariadb.")
    def test_server_in_another_zone(self) -> None:
        """A MySQL or MariaDB server that is not in UTC gets a warning with the remedy."""
        with connection.cursor() as cursor:
            cursor.execute("SET time_zone = '+05:00'")
            self.addCleanup(lambda: connection.cursor().execute("SET time_zone = DEFAULT"))

        (message,) = self.clocks()
        self.assertIn("+00:00", message)


class DatabaseTests(TestCase):
    """Settings of the database of sessions."""

    databases = {"default", "archive"}

    def configured(self, alias: str = "archive", **options: Any) -> Any:
        """Route sessions to the SQLite database and change the settings of a database."""
        self.enterContext(
            override_settings(DATABASE_ROUTERS=["tests.routers.ReadsAndWritesArchive"])
        )
        return patch.dict(connections[alias].settings_dict, options)

    def test_good_settings(self) -> None:
        """The project's own settings pass."""
        with self.configured():
            self.assertEqual(found(), [])

    def test_sqlite_transaction_mode(self) -> None:
        """SQLite gets a warning unless its transactions are IMMEDIATE or EXCLUSIVE."""
        warned: list[dict[str, str | None]] = [
            {},
            {"transaction_mode": None},
            {"transaction_mode": "deferred"},
        ]
        for options in warned:
            with self.configured(OPTIONS=options):
                self.assertEqual(found(), ["agent_sessions.W001"])
        with self.configured(OPTIONS={"transaction_mode": "exclusive"}):
            self.assertEqual(found(), [])

    def test_turso_transaction_mode(self) -> None:
        """Turso gets a warning only if its transactions were set to another mode."""
        settings = {**connections["archive"].settings_dict, "NAME": "libsql://club.turso.io"}
        self.addCleanup(connections.__setitem__, "archive", connections["archive"])

        for mode, expected in (("", []), ("DEFERRED", ["agent_sessions.W001"])):
            options: dict[str, Any] = {"OPTIONS": {"transaction_mode": mode}}
            connections["archive"] = DatabaseWrapper({**settings, **options}, alias="archive")
            with self.configured(**options):
                self.assertEqual(found(), expected)

    def test_persistent_connections(self) -> None:
        """Persistent connections get a warning."""
        for age in (60, None):
            with self.configured(CONN_MAX_AGE=age):
                self.assertEqual(found(), ["agent_sessions.W002"])

    def test_atomic_requests(self) -> None:
        """ATOMIC_REQUESTS gets a warning."""
        with self.configured(ATOMIC_REQUESTS=True):
            self.assertEqual(found(), ["agent_sessions.W003"])

    def test_other_databases(self) -> None:
        """A database without sessions gets no warnings."""
        with (
            override_settings(DATABASE_ROUTERS=["tests.routers.ReadsAndWritesArchive"]),
            patch.dict(connections["default"].settings_dict, CONN_MAX_AGE=60),
        ):
            self.assertEqual(found(), [])


class SettingTests(TestCase):
    """AGENT_SESSIONS_* settings. Django's own checks of fields query both databases."""

    databases = {"default", "archive"}

    def test_defaults(self) -> None:
        """Without settings, the defaults apply."""
        self.assertIsNone(conf.history_limit)
        self.assertEqual(conf.admin_page_size, 100)

    def test_every_setting_is_a_property(self) -> None:
        """Every setting that the check knows is a property of conf."""
        for name in SETTINGS:
            self.assertTrue(hasattr(conf, name.removeprefix("AGENT_SESSIONS_").lower()))

    def test_good_values(self) -> None:
        """Valid values pass the check and are read when used."""
        with override_settings(AGENT_SESSIONS_HISTORY_LIMIT=50, AGENT_SESSIONS_ADMIN_PAGE_SIZE=20):
            self.assertEqual(found(), [])
            self.assertEqual((conf.history_limit, conf.admin_page_size), (50, 20))

    def test_wrong_types(self) -> None:
        """A value of a wrong type or out of range is an error."""
        for value in ("50", 0, -1, 1.5, True, [50]):
            with override_settings(AGENT_SESSIONS_HISTORY_LIMIT=value):
                self.assertEqual(found(), ["agent_sessions.E004"], value)
        for size in (None, 0, LARGEST_PAGE + 1):
            with override_settings(AGENT_SESSIONS_ADMIN_PAGE_SIZE=size):
                self.assertEqual(found(), ["agent_sessions.E004"])
        for currency in (None, 978, "e" * 11, "E\nUR"):
            with override_settings(AGENT_SESSIONS_CURRENCY=currency):
                self.assertEqual(found(), ["agent_sessions.E004"])

    def test_largest_page(self) -> None:
        """A larger page size is capped, in case the check was silenced."""
        with override_settings(AGENT_SESSIONS_ADMIN_PAGE_SIZE=10**9):
            self.assertEqual(conf.admin_page_size, LARGEST_PAGE)
        with override_settings(AGENT_SESSIONS_ADMIN_PAGE_SIZE=LARGEST_PAGE):
            self.assertEqual(found(), [])

    def test_unknown_setting(self) -> None:
        """A misspelt setting gets a warning."""
        with override_settings(AGENT_SESSIONS_HISTORY_LIMITS=50):
            self.assertEqual(found(), ["agent_sessions.W005"])

    def test_trace_url(self) -> None:
        """The trace URL is empty, or an HTTP address with a place for the id."""
        for value in ("", "https://traces.example/{trace_id}", "http://127.0.0.1/?t={trace_id}"):
            with override_settings(AGENT_SESSIONS_TRACE_URL=value):
                self.assertEqual(found(), [], value)
        for wrong in (None, "https://traces.example/", "javascript:alert('{trace_id}')"):
            with override_settings(AGENT_SESSIONS_TRACE_URL=wrong):
                self.assertEqual(found(), ["agent_sessions.E004"], wrong)
