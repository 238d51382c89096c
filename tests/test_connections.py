"""Many runs at once on PostgreSQL, on a real server with README's view: none holds a connection."""

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
    """Count the connections that others have to a database."""
    import psycopg  # not there on other databases

    with psycopg.connect(dbname="postgres") as counting:
        sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
        row = counting.execute(sql, [database]).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.exhaustive
@skipUnless(
    connection.vendor == "postgresql", "It counts PostgreSQL's connections: TEST_DATABASE=postgres."
)
class ManyRunsTests(SimpleTestCase):
    """Runs that all wait for their model at the same moment."""

    def connections_during(self, *, runs: int, at_work: int, options: str = "") -> int:
        """Hold so many runs at once, each answered, and count connections while all of them wait.

        `at_work` of them, at most, are before or behind their wait at the same moment. `options`
        replace the pool of docs/session.md.
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
        """110 runs wait at once on a server of 100 connections, without a pool, and hold none."""
        self.assertEqual(self.connections_during(runs=110, at_work=20, options="{}"), 0)

    def test_the_pool_of_the_documentation(self) -> None:
        """With a pool, 110 visitors may come at the same moment."""
        self.assertLessEqual(self.connections_during(runs=110, at_work=110), 10)

    def test_a_small_pool(self) -> None:
        """A pool of 4 serves 30 runs at once."""
        options = '{"pool": {"min_size": 1, "max_size": 4, "timeout": 30}}'

        count = self.connections_during(runs=30, at_work=30, options=options)

        self.assertLessEqual(count, 4)
