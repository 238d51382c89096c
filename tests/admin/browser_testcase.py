"""A test case with browsers that are logged in to an admin server with its own SQLite file."""

from __future__ import annotations

import json
import os
import unittest
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from django.contrib.admin.utils import quote as quoted

from tests.browser import BrowserTestCase, run

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, ViewportSize

LIST = "/admin/agent_sessions/session/"
SAFE = "!$&'()*+,;=/~:@"  # characters that reverse() does not quote
PHONE: ViewportSize = {"width": 360, "height": 740}


def page_of(session_id: str) -> str:
    """Return the path of a session's page, quoted as reverse() does."""
    return f"{LIST}{quote(quoted(session_id), safe=SAFE)}/change/"


def variables_of(folder: str) -> dict[str, str]:
    """Return the environment variables of a server whose database is in a folder."""
    return {
        "DJANGO_SETTINGS_MODULE": "tests.admin.server_settings",
        "DJANGO_SQLITE_FILE": f"{folder}/admin.sqlite3",
        "DATABASE_URL": "",
    }


@unittest.skipUnless(
    os.environ.get("TEST_DATABASE", "sqlite") == "sqlite",
    "A browser shows no difference between databases.",
)
class AdminBrowserTestCase(BrowserTestCase):
    """A server whose database has the data of `seeds`, and browsers of users who are logged in."""

    seeds: ClassVar[tuple[str, ...]] = ()
    cookies: ClassVar[dict[str, str]]

    @classmethod
    def variables(cls, folder: str) -> dict[str, str]:
        return variables_of(folder)

    @classmethod
    def prepare(cls) -> None:
        cls.cookies = json.loads(
            run(cls.environment, "-m", "tests.admin.seed_database", *cls.seeds)
        )

    def visitor(self, *, user: str = "root", **options: Any) -> BrowserContext:
        """Return a browser in which a user is logged in."""
        context = super().visitor(**options)
        context.add_cookies([{"name": "sessionid", "value": self.cookies[user], "url": self.base}])
        return context
