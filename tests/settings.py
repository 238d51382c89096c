"""calendarclub's settings on a test database.

TEST_DATABASE says which: sqlite (the default), turso, postgres or mariadb.
"""

import os
import tempfile
from pathlib import Path

from calendarclub.settings import *  # noqa: F403
from calendarclub.settings import DATABASES, LOCAL_FILE
from tests.turso.server import Server

SECRET_KEY = "for tests only"
# Nothing that one test counted is shown to another.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# A second database, always SQLite, for using= and routers.
DATABASES["archive"] = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": ":memory:",
    "OPTIONS": {"transaction_mode": "IMMEDIATE"},
}

# Each of xdist's workers has a database of its own.
TEST_NAME = f"test_agent_sessions{os.environ.get('PYTEST_XDIST_WORKER', '')}"

match os.environ.get("TEST_DATABASE", "sqlite"):
    case "sqlite":
        # A file, as in production: threads and processes have connections of their own.
        file = Path(tempfile.gettempdir()) / f"agent_sessions_test_{os.getpid()}.sqlite3"
        DATABASES["default"] = {**LOCAL_FILE, "TEST": {"NAME": file}}
    case "turso":
        # The server goes with the process that started it; its children work on it as well.
        if "TEST_ATTACH" not in os.environ:
            server = Server().start()
            os.environ["TEST_TURSO_URL"] = server.create("project")
            os.environ["TEST_TURSO_ADMIN_URL"] = server.admin_url
        DATABASES["default"] = {
            "ENGINE": "agent_sessions.turso",
            "NAME": os.environ["TEST_TURSO_URL"],
            "TEST": {"ADMIN_URL": os.environ["TEST_TURSO_ADMIN_URL"]},
        }
    case "postgres":
        DATABASES["default"] = {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": os.environ.get("PGDATABASE", "test"),
            "USER": os.environ.get("PGUSER", "postgres"),
            "PASSWORD": os.environ.get("PGPASSWORD", ""),
            "HOST": os.environ.get("PGHOST", "127.0.0.1"),
            "TEST": {"NAME": TEST_NAME},
        }
    case "mariadb":
        DATABASES["default"] = {
            "ENGINE": "django.db.backends.mysql",
            "NAME": os.environ.get("MYSQL_DATABASE", "test"),
            "USER": os.environ.get("MYSQL_USER", "root"),
            "PASSWORD": os.environ.get("MYSQL_PWD", ""),
            "HOST": os.environ.get("MYSQL_HOST", "127.0.0.1"),
            "OPTIONS": {"charset": "utf8mb4"},
            "TEST": {"NAME": TEST_NAME, "CHARSET": "utf8mb4"},
        }
    case other:
        raise ValueError(f"TEST_DATABASE={other!r} is none of sqlite, turso, postgres, mariadb.")

# A process that a test started works on the test's own database.
if "TEST_ATTACH" in os.environ:
    DATABASES["default"]["NAME"] = os.environ["TEST_ATTACH"]
