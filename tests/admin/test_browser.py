"""The admin in a real browser: keys, buttons and links."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.admin.browser_testcase import LIST, PHONE, AdminBrowserTestCase, page_of
from tests.browser import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.exhaustive

EVENING = page_of("evening")
LONG = page_of("long")
# The limit of a window, whatever the length of the session.
MOST_CARDS = 200


class AdminTests(AdminBrowserTestCase):
    """All tests share a database; a test that changes a session has one that no other uses."""

    seeds = ("conversations", "long")

    def opened(self, address: str, **options: Any) -> Page:
        page = self.visitor(**options).new_page()
        response = page.goto(self.base + address)
        assert response is not None
        self.assertEqual(response.status, 200, address)
        return page

    def focused(self, page: Page) -> str:
        return str(page.evaluate("() => document.activeElement.innerText"))

    def turns(self, page: Page) -> Locator:
        return page.get_by_role("article")

    def test_jumping(self) -> None:
        """J and K jump to the next and previous user message, and announce the last one."""
        page = self.opened(EVENING)

        page.keyboard.press("j")
        self.assertIn("live music tonight", self.focused(page))
        page.keyboard.press("j")
        self.assertIn("Two seats", self.focused(page))
        page.keyboard.press("j")
        expect(page.locator("#as-announcer")).to_contain_text("no more user messages")
        page.keyboard.press("k")
        self.assertIn("live music tonight", self.focused(page))

    def test_jumping_to_errors(self) -> None:
        """E and Shift+E jump to the next and previous error, and announce the last one."""
        page = self.opened(page_of("every-kind"))
        errors = page.locator(".as-card", has=page.locator(".as-fault"))

        page.keyboard.press("t")  # hidden cards are shown when the key jumps to one
        for _ in range(errors.count()):
            page.keyboard.press("e")
        self.assertIn("not JSON", self.focused(page))
        page.keyboard.press("e")
        expect(page.locator("#as-announcer")).to_contain_text("no more errors")
        for _ in range(2):
            page.keyboard.press("Shift+E")

        self.assertIn("list_offers", self.focused(page))
        expect(page.locator(":focus")).to_be_in_viewport()

    def test_jumping_to_errors_elsewhere(self) -> None:
        """If the page has no more errors, the key opens the window with the next one."""
        page = self.opened(LONG)

        page.keyboard.press("Shift+E")
        page.wait_for_url("**?at=*")

        expect(page.locator(":focus")).to_contain_text("error")
        expect(page.get_by_role("heading", name="Turn 2,500")).to_be_visible()

    def test_jumping_to_a_turn_and_to_the_end(self) -> None:
        """G focuses the field for a turn's number; Shift+G jumps to the end of the conversation."""
        page = self.opened(f"{LONG}?after=0")

        page.keyboard.press("g")
        page.keyboard.type("1234")
        page.keyboard.press("Enter")
        page.wait_for_url("**?turn=1234*")
        expect(self.turns(page).first).to_contain_text("question 1234")
        page.keyboard.press("Shift+G")
        page.wait_for_url("**#end")

        expect(page.locator(".as-card").last).to_contain_text("answer 5000")
        expect(page.locator(".as-card").last).to_be_in_viewport()

    def test_list_beside_the_side_bar(self) -> None:
        """At 1280 pixels every column is in view, even with the side bar open and costs shown."""
        context = self.visitor()
        context.add_init_script("localStorage.setItem('django.admin.navSidebarIsOpen', 'true')")
        page = context.new_page()
        page.goto(self.base + LIST)
        expect(page.locator("#nav-sidebar")).to_be_visible()

        for name in ("messages", "tokens", "cost"):
            expect(page.locator(f"#result_list .column-{name}")).to_be_in_viewport(ratio=1)
        widths = page.locator(".results").evaluate("one => [one.scrollWidth, one.clientWidth]")
        self.assertLessEqual(widths[0], widths[1])
        self.assertIn("Calendar Club", page.locator("#result_list").inner_text())

    def test_failures_of_yesterday(self) -> None:
        """Two clicks filter the list to sessions of today in which a tool failed."""
        page = self.opened(LIST)

        page.get_by_role("link", name="Tool failed").click()
        page.get_by_role("link", name="Today").click()

        expect(page.locator("#result_list .session-failed").first).to_be_visible()
        expect(page.locator("#result_list tbody")).to_contain_text("A poster")
        page.get_by_role("link", name="Yesterday").click()
        expect(page.locator("#result_list")).to_have_count(0)

    def test_searching_by_keyboard(self) -> None:
        """A slash focuses the search; letters typed there are text; a hit links to its message."""
        page = self.opened(EVENING)

        page.keyboard.press("/")
        page.keyboard.type("jt jazz")
        words = page.get_by_label("Search in this conversation")
        expect(words).to_have_value("jt jazz")
        words.fill("TWO SEATS")
        page.keyboard.press("Enter")
        page.locator(".as-hits").get_by_role("link").first.click()

        expect(page.locator(".as-card:target")).to_contain_text("Two seats")

    def test_finding_nothing(self) -> None:
        """A search without a hit says so."""
        page = self.opened(f"{EVENING}?find=zebra")

        expect(page.locator(".as-hits")).to_contain_text("No message contains this.")

    def test_conversation_only(self) -> None:
        """A key or button hides the tools' cards, and the next window remembers it."""
        page = self.opened(LONG)
        toggle = page.get_by_role("button", name="Conversation only")
        call = page.locator(".as-card", has_text="search").first
        expect(call).to_be_visible()

        page.keyboard.press("t")
        expect(toggle).to_have_attribute("aria-pressed", "true")
        expect(call).to_be_hidden()
        page.get_by_role("link", name="Earlier", exact=True).first.click()
        page.wait_for_url("**?before=*")
        expect(toggle).to_have_attribute("aria-pressed", "true")
        expect(page.locator(".as-aside").first).to_be_hidden()
        toggle.click()

        expect(page.locator(".as-aside").first).to_be_visible()

    def test_folding(self) -> None:
        """Long parts are folded, and unfold by keyboard."""
        page = self.opened(page_of("every-kind"))
        folded = page.locator(".as-card details").first
        inside = folded.locator("[data-text], img").first
        expect(inside).to_be_hidden()

        folded.locator("summary").focus()
        page.keyboard.press("Enter")

        expect(inside).to_be_visible()

    def test_images(self) -> None:
        """An embedded image is shown on demand; an external one never is."""
        page = self.opened(page_of("every-kind"))
        image = page.locator("#content img").first
        expect(image).to_be_hidden()

        page.locator("details", has=page.locator("img")).first.locator("summary").first.click()

        expect(image).to_be_visible()
        page.wait_for_function("image => image.naturalWidth > 0", arg=image.element_handle())
        expect(page.get_by_text("https://images.example/poster.png").first).to_be_visible()
        self.assertEqual(page.locator("img[src*='images.example']").count(), 0)

    def test_copying(self) -> None:
        """The buttons copy a message's text and a turn's link, and announce it."""
        page = self.opened(EVENING, permissions=["clipboard-read", "clipboard-write"])
        card = page.locator(".as-card", has_text="Two seats")
        said = page.locator("#as-announcer")

        card.get_by_role("button", name="Copy").click()
        expect(said).to_have_text("Copied.")
        self.assertEqual(self.clipboard(page), "Two seats for the jazz session, please.")
        self.turns(page).last.get_by_role("button", name="Copy link").click()
        expect(said).to_have_text("Copied.")

        link = self.clipboard(page)
        page.goto(link)
        expect(page.locator(".as-card:target")).to_contain_text("Two seats")

    def clipboard(self, page: Page) -> str:
        return str(page.evaluate("() => navigator.clipboard.readText()"))

    def test_permanent_link(self) -> None:
        """The permanent link of an early turn opens it and focuses it."""
        page = self.opened(f"{LONG}?after=0")
        link = self.turns(page).nth(3).get_by_role("link").first.get_attribute("href")

        page.goto(f"{self.base}{LONG}{link}")

        target = page.locator(".as-card:target")
        expect(target).to_contain_text("question 4")
        expect(target).to_be_focused()
        expect(target).to_be_in_viewport()

    def test_raw_item(self) -> None:
        """The raw item of a message is one click away."""
        page = self.opened(EVENING)

        page.locator(".as-card", has_text="Two seats").get_by_role("link", name="Raw").click()
        page.wait_for_url("**/item/*/")

        item = json.loads(page.locator("body").inner_text())
        self.assertEqual(
            item, {"role": "user", "content": "Two seats for the jazz session, please."}
        )

    def test_windows(self) -> None:
        """Links lead through the windows of 20,000 messages, to the oldest and the newest."""
        page = self.opened(LONG)

        for name, first, last in (
            ("", "", "answer 5000"),
            ("Earlier", "", ""),
            ("Oldest", "question 1", ""),
            ("Later", "", ""),
            ("Newest", "", "answer 5000"),
        ):
            if name:
                with page.expect_navigation():
                    page.get_by_role("link", name=name, exact=True).first.click()
            cards = page.locator(".as-card")
            self.assertIn(cards.count(), range(50, MOST_CARDS), name)
            expect(cards.first).to_contain_text(first)
            expect(cards.last).to_contain_text(last)

    def test_fork_from_a_turn(self) -> None:
        """A fork after a turn ends with that turn, and links to its parent."""
        page = self.opened(EVENING)

        first = self.turns(page).first
        first.get_by_role("button", name="Fork after this turn").click()
        expect(page.get_by_role("radio", name="Me (root)")).to_be_checked()
        page.get_by_role("button", name="Fork").click()
        page.wait_for_url(lambda url: "evening" not in url)

        expect(self.turns(page)).to_have_count(1)
        expect(page.get_by_text("began as a copy of evening")).to_be_visible()
        expect(page.locator(".as-head").get_by_role("link", name="evening")).to_be_visible()
        expect(page.locator(".as-about")).to_contain_text("root")

    def test_exports(self) -> None:
        """Each export is a download that contains the conversation."""
        page = self.opened(EVENING)
        page.locator("summary", has_text="Export").click()
        tools = page.locator(".session-tools")

        for name, suffix in {
            "Web page": ".html",
            "Markdown": ".md",
            "JSON": ".json",
            "JSON Lines, to import again": ".jsonl",
        }.items():
            with page.expect_download() as download:
                tools.get_by_role("link", name=name, exact=True).click()
            file = download.value
            self.assertEqual(Path(file.suggested_filename).suffix, suffix)
            self.assertIn("Two seats for the jazz session", Path(file.path()).read_text())

    def test_purge(self) -> None:
        """A purge asks first; afterwards the turns are still there, without content."""
        page = self.opened(page_of("club-001"))
        turns = self.turns(page).count()

        page.get_by_role("link", name="Purge content").click()
        expect(page.locator("#content")).to_contain_text("Messages that lose their content: 4")
        page.get_by_role("button", name="Yes").click()
        page.wait_for_url("**/change/")

        expect(page.get_by_role("list").filter(has_text="lost their content")).to_be_visible()
        expect(self.turns(page)).to_have_count(turns)
        self.assertNotIn("six and nine", page.locator("#content").inner_text())

    def test_delete(self) -> None:
        """A deletion asks first, and counts the messages."""
        page = self.opened(page_of("club-002"))

        page.get_by_role("link", name="Delete").click()
        expect(page.locator("#content")).to_contain_text("Messages: 4")
        page.get_by_role("button", name="Yes").click()
        expect(page.locator(".messagelist")).to_contain_text("deleted successfully")

        page.goto(self.base + LIST)
        expect(page.locator("#result_list")).to_be_visible()
        self.assertEqual(page.locator("#result_list a[href*='club-002/']").count(), 0)

    def test_list_to_conversation(self) -> None:
        """A session is found by a word of its title, and opened."""
        page = self.opened(LIST)

        page.locator("#searchbar").fill("live music")
        page.keyboard.press("Enter")
        page.locator("#result_list").get_by_role("link", name="Live music tonight").first.click()

        expect(page.get_by_role("heading", level=1).last).to_have_text("Live music tonight")

    def test_phone(self) -> None:
        """No page is wider than the screen of a phone."""
        for address in (LIST, EVENING, page_of("every-kind"), f"{LIST}usage/"):
            page = self.opened(address, **PHONE)
            page.evaluate("() => document.querySelectorAll('details').forEach(d => d.open = true)")

            widths = page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
            self.assertLessEqual(widths[0], widths[1], address)

    def test_dark(self) -> None:
        """The pages are dark if the system is."""
        for address in (LIST, EVENING, f"{LIST}usage/"):
            page = self.opened(address, color_scheme="dark")
            for element in ("body", "#content"):
                light = page.locator(element).evaluate(LIGHTNESS)
                self.assertGreater(light, 150, address)

    def test_usage(self) -> None:
        """The usage page has a chart, and tables below it."""
        page = self.opened(LIST)

        page.get_by_role("link", name="Usage", exact=True).first.click()

        expect(page.locator("#content svg").first).to_be_visible()
        expect(page.locator("#content").get_by_role("table").first).to_contain_text("Calendar Club")

    def test_without_content(self) -> None:
        """Without the permission to read, the page shows turns and agents but no content."""
        page = self.opened(EVENING, user="lister")

        expect(self.turns(page)).to_have_count(2)
        content = page.locator("body").inner_text()
        self.assertIn("Calendar Club", content)
        for word in ("music", "jazz", "Two seats"):
            self.assertNotIn(word, content)


# The lightness of the text, from 0 to 255.
LIGHTNESS = """element => {
  const [red, green, blue] = getComputedStyle(element).color.match(/\\d+/g).map(Number);
  return (red + green + blue) / 3;
}"""
