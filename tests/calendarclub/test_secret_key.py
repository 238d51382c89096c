"""secret_key: one key per machine, made when it is first needed."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from django.test import SimpleTestCase

from calendarclub.secret_key import local_secret_key


class LocalSecretKeyTests(SimpleTestCase):
    """local_secret_key()."""

    def setUp(self) -> None:
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.path = Path(folder) / ".secret_key"

    def test_made_once(self) -> None:
        """The first call makes a key that only its owner reads; later calls find it."""
        key = local_secret_key(self.path)

        self.assertGreaterEqual(len(key), 50)
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)
        self.assertEqual(local_secret_key(self.path), key)
        self.assertEqual(list(self.path.parent.iterdir()), [self.path])

    def test_several_processes_at_once(self) -> None:
        """Whoever starts at the same time has the same key."""
        with ThreadPoolExecutor(8) as pool:
            keys = set(pool.map(lambda _: local_secret_key(self.path), range(8)))

        self.assertEqual(len(keys), 1)
