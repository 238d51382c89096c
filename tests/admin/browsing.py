"""A browser that is logged in to the admin, on a SQLite file of its own."""

from __future__ import annotations

import json
import os
import unittest
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from django.contrib.admin.utils import quote as quoted

from tests.browser import BrowserTestCase, run

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

LIST = "/admin/agent_sessions/session/"
SAFE = "!$&'()*+,;=/~:@"  # what reverse() leaves as it is
PHONE = {"width": 360, "height": 740}


def page_of(session_id: str) -> str:
    """Return where a session's conversation is, as reverse() writes it."""
    return f"{LIST}{quote(quoted(session_id), safe=SAFE)}/change/"


def variables_of(folder: str) -> dict[str, str]:
    """Return what a server of the admin has in its environment."""
    return {
        "DJANGO_SETTINGS_MODULE": "tests.admin.served",
        "DJANGO_SQLITE_FILE": f"{folder}/admin.sqlite3",
        "DATABASE_URL": "",
    }


@unittest.skipUnless(
    os.environ.get("TEST_DATABASE", "sqlite") == "sqlite",
    "A browser sees of another database no more than the client does.",
)
class AdminBrowserTestCase(BrowserTestCase):
    """A server with the database that the class names, and browsers of people who are logged in."""

    seeds: ClassVar[tuple[str, ...]] = ()
    cookies: ClassVar[dict[str, str]]

    @classmethod
    def variables(cls, folder: str) -> dict[str, str]:
        return variables_of(folder)

    @classmethod
    def prepare(cls) -> None:
        cls.cookies = json.loads(run(cls.environment, "-m", "tests.admin.seeds", *cls.seeds))

    def visitor(self, *, user: str = "root", **options: Any) -> BrowserContext:
        """Return the browser of a user who is logged in."""
        context = super().visitor(**options)
        context.add_cookies([{"name": "sessionid", "value": self.cookies[user], "url": self.base}])
        return context
