"""Settings of all tests: no traces, no keys, and no deadlines."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

# The SDK would send the traces of every run to OpenAI.
os.environ["OPENAI_AGENTS_DISABLE_TRACING"] = "1"
os.environ.pop("OPENAI_API_KEY", None)
# Processes that a test starts use the test database.
os.environ.pop("DATABASE_URL", None)

# A slow machine must not fail a test.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def django_db_modify_db_settings_xdist_suffix() -> None:
    """Keep the database names: tests.settings already gives each xdist worker its own.

    pytest-django would append the worker's name, which breaks the URL of a libSQL server.
    """
