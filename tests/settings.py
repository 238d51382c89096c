"""calendarclub's settings with a test database.

TEST_DATABASE selects it: sqlite (the default), turso, postgres or mariadb.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

from calendarclub.settings import *  # noqa: F403
from calendarclub.settings import LOCAL_FILE
from tests.turso.server import Server

SECRET_KEY = "for tests only"
# A test must not get the cached numbers of another.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Each xdist worker has its own database.
TEST_NAME = f"test_agent_sessions{os.environ.get('PYTEST_XDIST_WORKER', '')}"

default: dict[str, Any]
match os.environ.get("TEST_DATABASE", "sqlite"):
    case "sqlite":
        # A file, as in production: each thread and process has its own connection.
        file = Path(tempfile.gettempdir()) / f"agent_sessions_test_{os.getpid()}.sqlite3"
        default = {**LOCAL_FILE, "TEST": {"NAME": file}}
    case "turso":
        # The server ends with the process that started it. Child processes use the same server.
        if "TEST_ATTACH" not in os.environ:
            server = Server().start()
            os.environ["TEST_TURSO_URL"] = server.create("project")
            os.environ["TEST_TURSO_ADMIN_URL"] = server.admin_url
        default = {
            "ENGINE": "agent_sessions.turso",
            "NAME": os.environ["TEST_TURSO_URL"],
            "TEST": {"ADMIN_URL": os.environ["TEST_TURSO_ADMIN_URL"]},
        }
    case "postgres":
        default = {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": os.environ.get("PGDATABASE", "test"),
            "USER": os.environ.get("PGUSER", "postgres"),
            "PASSWORD": os.environ.get("PGPASSWORD", ""),
            "HOST": os.environ.get("PGHOST", "127.0.0.1"),
            "TEST": {"NAME": TEST_NAME},
        }
    case "mariadb":
        default = {
            "ENGINE": "django.db.backends.mysql",
            "NAME": os.environ.get("MYSQL_DATABASE", "test"),
            "USER": os.environ.get("MYSQL_USER", "root"),
            "PASSWORD": os.environ.get("MYSQL_PWD", ""),
            "HOST": os.environ.get("MYSQL_HOST", "127.0.0.1"),
            "OPTIONS": {"charset": "utf8mb4"},
            "TEST": {"NAME": TEST_NAME, "CHARSET": "utf8mb4"},
        }
    case other:
        raise ValueError(f"TEST_DATABASE={other!r} is not one of sqlite, turso, postgres, mariadb.")

# A process that a test started uses the test's database.
if "TEST_ATTACH" in os.environ:
    default["NAME"] = os.environ["TEST_ATTACH"]

DATABASES = {
    "default": default,
    # The second database, always SQLite, is for `using` and routers.
    "archive": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": ":memory:",
        "OPTIONS": {"transaction_mode": "IMMEDIATE"},
    },
}
