"""The first use creates a secret key for this machine."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from django.test import SimpleTestCase

from calendarclub.secret_key import local_secret_key


class LocalSecretKeyTests(SimpleTestCase):
    def setUp(self) -> None:
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.path = Path(folder) / ".secret_key"

    def test_made_once(self) -> None:
        """The first call creates a key that only its owner can read. Later calls return it."""
        key = local_secret_key(self.path)

        self.assertGreaterEqual(len(key), 50)
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)
        self.assertEqual(local_secret_key(self.path), key)
        self.assertEqual(list(self.path.parent.iterdir()), [self.path])

    def test_several_processes_at_once(self) -> None:
        """Processes that start at the same time get the same key."""
        with ThreadPoolExecutor(8) as pool:
            keys = set(pool.map(lambda _: local_secret_key(self.path), range(8)))

        self.assertEqual(len(keys), 1)
