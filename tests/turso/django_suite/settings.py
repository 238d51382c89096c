"""Settings for Django's runtests.py: its own for SQLite, or with databases on the engine."""

import os

# From Django's tests, the folder of runtests.py.
from test_sqlite import *  # type: ignore[import-not-found]  # noqa: F403

TEST_RUNNER = "tests.turso.django_suite.runner.CountingRunner"

if os.environ["DJANGO_SUITE_ENGINE"] == "turso":
    DATABASES = {
        alias: {
            "ENGINE": "agent_sessions.turso",
            "NAME": os.environ["DJANGO_SUITE_URL"].replace("NAME", alias),
            "TEST": {"ADMIN_URL": os.environ["DJANGO_SUITE_ADMIN_URL"]},
        }
        for alias in ("default", "other")
    }
