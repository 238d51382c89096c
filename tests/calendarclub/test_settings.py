"""Settings that depend on the environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SHOW = """
import json
from calendarclub.settings import DATABASES
print(json.dumps(DATABASES["default"], default=str))
"""


def database(**environment: str) -> dict[str, Any]:
    """Return DATABASES["default"] in a process with this environment."""
    names = ("DATABASE_URL", "TURSO_AUTH_TOKEN", "TURSO_WRITERS")
    kept = {name: value for name, value in os.environ.items() if name not in names}
    done = subprocess.run(
        [sys.executable, "-c", SHOW],
        cwd=ROOT,
        env={**kept, "DJANGO_SECRET_KEY": "for this test only", **environment},
        capture_output=True,
        check=True,
        text=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


class DatabaseTests(unittest.TestCase):
    def test_turso(self) -> None:
        """DATABASE_URL selects Turso. TURSO_WRITERS is the number of writers, 1 by default."""
        turso = {"DATABASE_URL": "libsql://shop.turso.io", "TURSO_AUTH_TOKEN": "token"}

        self.assertEqual(database()["ENGINE"], "django.db.backends.sqlite3")
        self.assertEqual(database(**turso)["OPTIONS"], {"writers": 1})
        self.assertEqual(database(**turso, TURSO_WRITERS="3")["OPTIONS"], {"writers": 3})
