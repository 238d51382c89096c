"""What all tests need: a quiet SDK that sends no traces, and hypothesis at this machine's pace."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

# The SDK would try to send the traces of every run to its vendor.
os.environ["OPENAI_AGENTS_DISABLE_TRACING"] = "1"
os.environ.pop("OPENAI_API_KEY", None)
# What a test starts works on the test's own database.
os.environ.pop("DATABASE_URL", None)

# A slow machine is no failure; a wrong answer is.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def django_db_modify_db_settings_xdist_suffix() -> None:
    """Leave the names of databases alone: tests.settings gives each of xdist's workers its own.

    pytest-django would append the worker's name, which makes no address of a libSQL server.
    """
