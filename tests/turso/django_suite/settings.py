"""Settings for Django's runtests.py: its own for SQLite, or with our databases."""

import os

from test_sqlite import *  # noqa: F403  # from Django's tests, the folder that runtests.py is in

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
