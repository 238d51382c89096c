"""Many concurrent runs of README's view on PostgreSQL hold no database connection."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Semaphore
from unittest import skipUnless

import pytest
from django.db import connection
from django.test import SimpleTestCase

from tests.model_api import WAIT_SECONDS, ModelApi
from tests.readme_project import Project, Visitor, postgres_database, postgres_settings


def connections_to(database: str) -> int:
    """Count the connections to a database, except this one."""
    import psycopg  # installed only for PostgreSQL

    with psycopg.connect(dbname="postgres") as counting:
        sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
        row = counting.execute(sql, [database]).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.exhaustive
@skipUnless(
    connection.vendor == "postgresql",
    "It counts PostgreSQL's connections: run with TEST_DATABASE=postgres.",
)
class ManyRunsTests(SimpleTestCase):
    """Runs that all wait for their model at the same time."""

    def connections_during(self, *, runs: int, at_work: int, options: str = "") -> int:
        """Start concurrent runs, and return the connections while all of them wait for the model.

        At most `at_work` runs are before or after that wait at the same time. `options` replace the
        pool of docs/session.md.
        """
        counted: list[int] = []
        gate = Semaphore(at_work)
        with (
            tempfile.TemporaryDirectory() as folder,
            postgres_database() as name,
            ModelApi(runs, lambda: counted.append(connections_to(name)), gate) as api,
        ):
            project = Project(Path(folder), api.environment)
            settings = f'DATABASES["default"]["OPTIONS"] = {options}\n' if options else ""
            project.follow(postgres_settings(name) + settings)
            with project.serving() as base, ThreadPoolExecutor(runs) as threads:
                visitor = Visitor(base)
                visitor.log_in("/chat/1/")

                def say(number: int) -> str:
                    path, fields = f"/chat/{number}/", {"message": f"I am {number}."}
                    with gate:
                        return visitor.post(path, fields, seconds=WAIT_SECONDS)

                pages = [*threads.map(say, range(runs))]
        for number, page in enumerate(pages):
            self.assertIn(f"You said: I am {number}.", page)
        (count,) = counted
        return count

    def test_more_runs_than_connections(self) -> None:
        """110 runs without a pool on a server of 100 connections hold none while they wait."""
        self.assertEqual(self.connections_during(runs=110, at_work=20, options="{}"), 0)

    def test_documented_pool(self) -> None:
        """With the documented pool, 110 visitors can come at the same time."""
        self.assertLessEqual(self.connections_during(runs=110, at_work=110), 10)

    def test_small_pool(self) -> None:
        """A pool of 4 connections serves 30 concurrent runs."""
        options = '{"pool": {"min_size": 1, "max_size": 4, "timeout": 30}}'

        count = self.connections_during(runs=30, at_work=30, options=options)

        self.assertLessEqual(count, 4)
