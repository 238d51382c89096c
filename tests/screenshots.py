"""Take the pictures of the admin in docs/images: `python -m tests.screenshots`."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from itertools import product
from typing import TYPE_CHECKING

from tests.admin.browser_testcase import LIST, PHONE, page_of, variables_of
from tests.browser import ROOT, chromium, run, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ColorScheme, Page

IMAGES = ROOT / "docs" / "images"
SCREENS = {"desktop": {"width": 1280, "height": 860}, "phone": PHONE}
THEMES: tuple[ColorScheme, ...] = ("light", "dark")
PAGES = {
    "list": LIST,
    "conversation": page_of("evening"),
    "kinds": page_of("every-kind"),
    "long": page_of("season"),
    "usage": f"{LIST}usage/",
}


def main(folder: str, names: list[str]) -> None:
    """Serve a database of believable conversations, and take every picture of it."""
    environment = {
        **os.environ,
        **variables_of(folder),
        "DJANGO_SECRET_KEY": "for these pictures only",
        "OPENAI_API_KEY": "",
    }
    cookies = json.loads(run(environment, "-m", "tests.admin.seed_database", "conversations"))
    with serving(environment) as base, chromium() as browser:
        for theme, screen in product(THEMES, SCREENS):
            page = opened(browser, base, cookies["root"], theme, screen)
            for name in names:
                page.goto(base + PAGES[name])
                look_at(name, page)
                picture = IMAGES / f"admin-{name}-{theme}-{screen}.png"
                page.screenshot(path=picture)
                sys.stdout.write(f"{picture.name}: {picture.stat().st_size // 1024} KB\n")


def opened(browser: Browser, base: str, cookie: str, theme: ColorScheme, screen: str) -> Page:
    """Return a page of somebody who is logged in, with the admin's side bar open."""
    context = browser.new_context(viewport=SCREENS[screen], color_scheme=theme)
    context.add_cookies([{"name": "sessionid", "value": cookie, "url": base}])
    context.add_init_script("localStorage.setItem('django.admin.navSidebarIsOpen', 'true')")
    return context.new_page()


def look_at(name: str, page: Page) -> None:
    """Bring into view what a picture is of."""
    if name == "kinds":
        page.locator(".as-card details:has(img)").first.evaluate("one => { one.open = true }")
        page.locator("h3", has_text="Turn 1").evaluate("one => one.scrollIntoView()")
    if name == "long":
        page.get_by_role("link", name="Earlier", exact=True).first.click()
        page.wait_for_url("**?before=*")
    page.wait_for_load_state("networkidle")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        main(scratch, sys.argv[1:] or [*PAGES])
