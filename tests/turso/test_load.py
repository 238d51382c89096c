"""Three processes with ten threads each on one server, which must go on writing.

`LOAD_SECONDS` is the duration, 20 by default. `python -m tests.turso.load` does the same by hand.
"""

from __future__ import annotations

import os
import unittest

import pytest

from tests.turso import load
from tests.turso.connections import WireTestCase, connected, run
from tests.turso.server import Server, missing

pytestmark = pytest.mark.exhaustive
SECONDS = float(os.environ.get("LOAD_SECONDS", "20"))


@unittest.skipIf(missing(), missing())
class LoadTests(WireTestCase):
    def test_three_processes(self) -> None:
        """With the default of `writers`, every turn is answered and every item stored."""
        with Server() as server:
            url = server.create("project")
            load.migrate(url)

            outcome = load.run(url, seconds=SECONDS, processes=3, threads=10)

            with connected(url) as connection:
                stored = run(connection, "SELECT count(*) FROM agent_messages")
        self.assertEqual(outcome.errors, [])
        self.assertEqual(outcome.unfinished, 0)
        self.assertEqual(stored, [(outcome.turns * (1 + len(load.STEP)),)])
        self.assertGreater(outcome.fewest, 0, str(outcome))
