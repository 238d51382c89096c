"""Take the pictures that the documentation shows: `python -m tests.screenshots`.

`python -m tests.screenshots FOLDER` takes every page into a folder, in both themes and on both
screens, to compare them before and after a change.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from tests.admin.browser_testcase import LIST, PHONE, page_of, variables_of
from tests.browser import ROOT, chromium, expect, run, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, ViewportSize

Theme: TypeAlias = Literal["light", "dark"]

IMAGES = ROOT / "docs" / "images"
SCREENS: dict[str, ViewportSize] = {
    "desktop": {"width": 1280, "height": 860},
    "phone": {"width": PHONE["width"], "height": PHONE["height"]},
}
THEMES: tuple[Theme, ...] = ("light", "dark")
ADMIN_PAGES = {
    "admin-list": LIST,
    "admin-conversation": page_of("evening"),
    "admin-kinds": page_of("every-kind"),
    "admin-long": page_of("season"),
    "admin-usage": f"{LIST}usage/",
}
MESSAGES = ["What's on this weekend?", "Only free ones."]
SHOWN = ["chat", "admin-list", "admin-conversation", "admin-kinds", "admin-usage"]


class Pictures:
    """Takes pictures into a folder; into docs/images only those that its pages show."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self.browser = browser
        self.folder = folder
        self.is_complete = folder != IMAGES

    def takes(self, name: str) -> list[tuple[Theme, str]]:
        """Return the themes and screens in which a page is taken."""
        if self.is_complete:
            return [*product(THEMES, SCREENS)]
        return [("light", "desktop")] if name in SHOWN else []

    @contextmanager
    def page(self, name: str, theme: Theme, screen: str) -> Iterator[Page]:
        """Yield a page to fill, and take its picture afterwards."""
        context = self.browser.new_context(viewport=SCREENS[screen], color_scheme=theme)
        context.add_init_script("localStorage.setItem('django.admin.navSidebarIsOpen', 'true')")
        page = context.new_page()
        yield page
        page.wait_for_load_state("networkidle")
        picture = self.folder / f"{name}-{theme}-{screen}.png"
        page.screenshot(path=picture)
        context.close()
        sys.stdout.write(f"{picture.name}: {picture.stat().st_size // 1024} KB\n")


def take_admin(pictures: Pictures, environment: dict[str, str]) -> None:
    """Take the admin's pages of a database with believable conversations."""
    cookies = json.loads(run(environment, "-m", "tests.admin.seed_database", "conversations"))
    with serving(environment) as base:
        cookie = {"name": "sessionid", "value": cookies["root"], "url": base}
        takes = [(name, *take) for name in ADMIN_PAGES for take in pictures.takes(name)]
        for name, theme, screen in takes:
            with pictures.page(name, theme, screen) as page:
                page.context.add_cookies([cookie])  # type: ignore[list-item]  # a plain dict
                page.goto(base + ADMIN_PAGES[name])
                _scroll(name, page)


def take_chat(pictures: Pictures, environment: dict[str, str]) -> None:
    """Take the chat after two messages."""
    run(environment, "manage.py", "migrate", "--verbosity=0")
    run(environment, "manage.py", "load_sample_events")
    with serving(environment) as base:
        for theme, screen in pictures.takes("chat"):
            with pictures.page("chat", theme, screen) as page:
                page.goto(base)
                _talk(page)


def _talk(page: Page) -> None:
    for number, message in enumerate(MESSAGES, start=1):
        page.get_by_label("Your message").fill(message)
        page.keyboard.press("Enter")
        expect(page.locator(".turn:not(.thinking)")).to_have_count(number)
        expect(page.get_by_role("status")).to_have_text("Answered.")


def _scroll(name: str, page: Page) -> None:
    """Bring into view what a picture is about."""
    if name == "admin-kinds":
        page.locator(".as-card details:has(img)").first.evaluate("one => { one.open = true }")
        page.locator("h3", has_text="Turn 1").evaluate("one => one.scrollIntoView()")
    if name == "admin-long":
        page.get_by_role("link", name="Earlier", exact=True).first.click()
        page.wait_for_url("**?before=*")


def main(folder: Path, scratch: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shared = {"DJANGO_SECRET_KEY": "for these pictures only", "OPENAI_API_KEY": ""}
    chat_file = {"DJANGO_SQLITE_FILE": f"{scratch}/chat.sqlite3", "DATABASE_URL": ""}
    with chromium() as browser:
        pictures = Pictures(browser, folder)
        take_admin(pictures, {**os.environ, **shared, **variables_of(scratch)})
        settings = {"DJANGO_SETTINGS_MODULE": "calendarclub.settings"}
        take_chat(pictures, {**os.environ, **shared, **settings, **chat_file})


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES, temporary)
