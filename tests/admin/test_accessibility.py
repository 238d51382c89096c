"""axe-core finds no violations on the admin's pages, light and dark, desktop and phone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pytest
from axe_playwright_python.base import (  # type: ignore[import-untyped]  # it ships no types
    AXE_SCRIPT,
)

from tests.admin.browser_testcase import LIST, PHONE, AdminBrowserTestCase, page_of

pytestmark = pytest.mark.exhaustive

if TYPE_CHECKING:
    from playwright.sync_api import Page, ViewportSize

# Two violations are in Django's own admin/search_form.html: on phones, a link that only its colour
# distinguishes from the text around it; and a field whose label is an image.
DJANGOS = {
    ("link-in-text-block", '#changelist-search a[href="?"]'),
    ("label-title-only", "#searchbar"),
}
DESKTOP: ViewportSize = {"width": 1280, "height": 860}
THEMES: tuple[tuple[Literal["light", "dark"], ViewportSize], ...] = (
    ("light", DESKTOP),
    ("dark", PHONE),
)


class AccessibilityTests(AdminBrowserTestCase):
    """One test for each page."""

    seeds = ("conversations",)

    def opened(self, address: str, *, user: str = "root") -> Page:
        page = self.visitor(user=user).new_page()
        response = page.goto(self.base + address)
        assert response is not None
        self.assertEqual(response.status, 200, address)
        return page

    def check(self, page: Page) -> None:
        """Run axe-core in each theme, at its width."""
        for theme, screen in THEMES:
            page.emulate_media(color_scheme=theme)
            page.set_viewport_size(screen)
            # Buttons and links change their colour with a transition.
            page.evaluate("() => Promise.all(document.getAnimations().map(one => one.finished))")
            with self.subTest(theme=theme):
                self.assertEqual(violations(page), [])

    def test_list(self) -> None:
        """The list of sessions, with its filters."""
        self.check(self.opened(LIST))

    def test_found(self) -> None:
        """The list with a search and a filter."""
        self.check(self.opened(f"{LIST}?q=music&state=waiting"))

    def test_conversation(self) -> None:
        """A conversation with every kind of item, folded and unfolded."""
        page = self.opened(page_of("every-kind"))

        self.check(page)
        page.evaluate("() => document.querySelectorAll('details').forEach(d => d.open = true)")
        self.check(page)

    def test_conversation_without_content(self) -> None:
        """A conversation for a user who may not read it."""
        self.check(self.opened(page_of("every-kind"), user="lister"))

    def test_sought(self) -> None:
        """A conversation with the hits of a search."""
        self.check(self.opened(f"{page_of('every-kind')}?find=ticket"))

    def test_windows(self) -> None:
        """A window in a long conversation."""
        self.assertEqual(violations(self.opened(f"{page_of('season')}?after=0")), [])

    def test_usage(self) -> None:
        """The usage page, with its chart and tables."""
        self.check(self.opened(f"{LIST}usage/"))

    def test_purge(self) -> None:
        """The confirmation of a purge."""
        self.check(self.opened(page_of("every-kind").replace("/change/", "/purge/")))

    def test_delete(self) -> None:
        """The confirmation of a deletion."""
        self.check(self.opened(page_of("every-kind").replace("/change/", "/delete/")))


def violations(page: Page) -> list[str]:
    """Return axe-core's violations, except Django's own: the rule, the element and the reason."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    # Only the violations are returned: the passes would be megabytes.
    found: list[dict[str, Any]] = page.evaluate("() => axe.run().then(all => all.violations)")
    return [
        f"{rule['id']}: {' '.join(node['target'])}: {node['html'][:200]}: {node['failureSummary']}"
        for rule in found
        for node in rule["nodes"]
        if not any(
            rule["id"] == known
            and page.locator(where).and_(page.locator(node["target"][0])).count()
            for known, where in DJANGOS
        )
    ]
