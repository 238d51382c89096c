"""README, followed word for word; tests.readme_project does it on every database."""

from __future__ import annotations

import os
from unittest import skipUnless

import pytest
from django.test import SimpleTestCase

from tests.readme_project import follow


@skipUnless(os.environ.get("TEST_DATABASE", "sqlite") == "sqlite", "It makes its own SQLite file.")
class ReadmeTests(SimpleTestCase):
    """The project of README."""

    @pytest.mark.exhaustive
    def test_on_sqlite(self) -> None:
        """The project answers, remembers, and shows the conversation in its admin."""
        follow("sqlite")
