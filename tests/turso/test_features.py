"""The declared features of a libSQL server."""

from __future__ import annotations

import sqlite3

from django.db.backends.sqlite3.features import DatabaseFeatures as SQLiteFeatures

from tests.turso.connections import WireTestCase, connected


class FeaturesTests(WireTestCase):
    """No test sends anything."""

    def setUp(self) -> None:
        self.connection = self.enterContext(connected("http://127.0.0.1:9"))

    def test_few_tests_of_django_are_left_out(self) -> None:
        """At most 24 tests are skipped besides the SQLite backend's, each for a declared reason."""
        ours = self.connection.features.django_test_skips
        djangos = SQLiteFeatures(self.connection).django_test_skips

        beyond = {reason: ours[reason] for reason in ours.keys() - djangos.keys()}

        self.assertLessEqual(sum(map(len, beyond.values())), 24)
        self.assertEqual(
            self.connection.features.django_test_expected_failures,
            SQLiteFeatures.django_test_expected_failures,
        )

    def test_batches_are_cut_by_the_servers_limit(self) -> None:
        """A connection's lowered limit makes batches smaller, as with sqlite3."""
        self.connection.ensure_connection()
        driver = self.connection.connection

        before = driver.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 42)
        lowered = self.connection.features.max_query_params
        driver.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 100_000)

        self.assertEqual((before, lowered), (32766, 42))
        self.assertEqual(self.connection.features.max_query_params, 32766)
