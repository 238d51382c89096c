"""README, followed word by word; `python -m tests.readme_project` does it on every database."""

from __future__ import annotations

import os
from unittest import skipUnless

import pytest
from django.test import SimpleTestCase

from tests.readme_project import follow


@skipUnless(
    os.environ.get("TEST_DATABASE", "sqlite") == "sqlite", "It makes a SQLite file of its own."
)
class ReadmeTests(SimpleTestCase):
    @pytest.mark.exhaustive
    def test_on_sqlite(self) -> None:
        """A new project answers, remembers, and shows the conversation in its admin."""
        follow("sqlite")
