"""The chat in a real browser."""

from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import icalendar
import pytest

from tests.browser import BrowserTestCase, expect, run, serving
from tests.calendarclub.databases import own_database
from tests.turso.server import free_port

if TYPE_CHECKING:
    from playwright.sync_api import Page

QUESTION = "What's on in the next 7 days?"


class BrowserTests(BrowserTestCase):
    @classmethod
    def variables(cls, folder: str) -> dict[str, str]:
        return {**own_database(folder), "DJANGO_SUPERUSER_PASSWORD": "pass"}

    @classmethod
    def prepare(cls) -> None:
        superuser = ["--noinput", "--username=ada", "--email=ada@example.org"]
        for command in (
            ["migrate", "--verbosity=0"],
            ["load_sample_events"],
            ["createsuperuser", *superuser],
        ):
            run(cls.environment, "manage.py", *command)

    def chat(self, **size: int) -> Page:
        page = self.visitor(**size).new_page()
        page.goto(self.base)
        return page

    def ask(self, page: Page, message: str) -> None:
        """Type a message, send it with the keyboard, and wait until it is answered."""
        page.get_by_label("Your message").fill(message)
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_have_text("Answered.")
        expect(page.get_by_role("button", name="Send")).to_be_visible()

    def test_conversation(self) -> None:
        """A message is answered with cards, and a reload shows the same page."""
        page = self.chat()

        self.ask(page, QUESTION)
        self.ask(page, "Only free ones")
        page.wait_for_url("**/conversations/*/")
        before = page.get_by_role("log").inner_text()
        picks = page.get_by_role("group", name="Suggestions").inner_text()
        page.reload()

        self.assertEqual(page.get_by_role("log").inner_text(), before)
        self.assertEqual(page.get_by_role("group", name="Suggestions").inner_text(), picks)
        expect(page.locator(".turn")).to_have_count(2)
        expect(page.locator(".turn").first.locator(".card").first).to_be_visible()
        current = page.get_by_role("navigation").locator("[aria-current=page]")
        expect(current).to_have_text(QUESTION)
        expect(page).to_have_title(f"{QUESTION} · Calendar Club")

    def test_keyboard(self) -> None:
        """Shift+Enter starts a new line, Enter sends, and the focus stays in the input."""
        page = self.chat()
        message = page.get_by_label("Your message")
        expect(message).to_be_focused()

        page.keyboard.type("This weekend")
        page.keyboard.press("Shift+Enter")
        page.keyboard.type("with music")
        page.keyboard.press("Enter")

        expect(page.locator("[data-question]")).to_have_text("This weekend\nwith music")
        expect(page.get_by_role("status")).to_have_text("Answered.")
        expect(message).to_be_focused()
        expect(message).to_have_value("")

    def test_quick_pick(self) -> None:
        """A click on a suggestion sends it."""
        page = self.chat()
        self.ask(page, QUESTION)
        pick = page.get_by_role("group", name="Suggestions").get_by_role("button").first
        text = pick.inner_text()

        pick.click()

        expect(page.locator(".turn")).to_have_count(2)
        expect(page.locator("[data-question]").last).to_have_text(text)
        expect(page.locator("[data-answer]").last).not_to_be_empty()

    def test_reset(self) -> None:
        """A conversation is deleted after a confirmation."""
        page = self.chat()
        self.ask(page, QUESTION)
        url = page.url
        page.once("dialog", lambda dialog: dialog.accept())

        page.get_by_role("button", name="Delete").click()

        page.wait_for_url(f"{self.base}/")
        expect(page.locator("#nav-list li")).to_have_count(0)
        response = page.goto(url)
        assert response is not None
        self.assertEqual(response.status, 404)

    def test_calendar_files(self) -> None:
        """One event, or all events, can be downloaded as a calendar."""
        page = self.chat()
        self.ask(page, QUESTION)
        cards = page.locator(".card")

        with page.expect_download() as one:
            cards.first.get_by_role("link", name=".ics").click()
        with page.expect_download() as all_events:
            page.get_by_role("link", name="Download all").click()

        title = cards.first.get_by_role("heading").inner_text()
        self.assertEqual(self.summaries(one.value.path()), [title])
        self.assertEqual(len(self.summaries(all_events.value.path())), cards.count())

    def summaries(self, path: Path) -> list[str]:
        calendar = icalendar.Calendar.from_ical(path.read_bytes())
        return [str(event["SUMMARY"]) for event in calendar.walk("VEVENT")]

    def test_other_browser(self) -> None:
        """Another browser gets a 404 for the conversation."""
        page = self.chat()
        self.ask(page, QUESTION)
        other = self.visitor().new_page()

        response = other.goto(page.url)

        assert response is not None
        self.assertEqual(response.status, 404)
        expect(other.get_by_role("heading", name="Not found")).to_be_visible()

    def test_phone(self) -> None:
        """On a phone no element is wider than the screen, and a drawer has the conversations."""
        page = self.chat(width=390, height=844)
        self.ask(page, QUESTION)
        shelf = page.locator("#conversations")
        expect(shelf).to_be_hidden()

        page.get_by_role("button", name="Conversations").click()

        expect(shelf.get_by_role("link", name=QUESTION)).to_be_visible()
        page.keyboard.press("Escape")
        expect(shelf).to_be_hidden()
        widths = page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
        self.assertLessEqual(widths[0], widths[1])

    def test_refusal(self) -> None:
        """A message that is rejected stays in the input, and the page says why."""
        page = self.chat()
        message = page.get_by_label("Your message")
        page.evaluate("() => document.getElementById('message').removeAttribute('maxlength')")
        long = "x" * 8_001

        message.fill(long)
        page.keyboard.press("Enter")

        expect(page.locator("#problem")).to_contain_text("too long")
        expect(message).to_have_value(long)
        expect(page.locator(".turn")).to_have_count(0)

    @pytest.mark.exhaustive
    def test_api_down(self) -> None:
        """A message whose run failed shows why, is kept, and is answered once on a second try."""
        page = self.visitor().new_page()
        port = free_port()
        down = {"OPENAI_API_KEY": "sk-dummy", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
        with serving({**self.environment, **down}, port) as base:
            page.goto(base)
            page.get_by_label("Your message").fill(QUESTION)
            page.keyboard.press("Enter")
            expect(page.get_by_role("alert")).to_contain_text("cannot be reached")
            page.reload()
            expect(page.get_by_role("alert")).to_contain_text("no answer yet")

        with serving(self.environment, port):
            page.get_by_role("button", name="Try again").click()
            expect(page.get_by_role("status")).to_have_text("Answered.")
            page.reload()

        expect(page.locator(".turn")).to_have_count(1)
        expect(page.locator("[data-failed]")).to_have_count(0)
        expect(page.locator("[data-answer]")).not_to_be_empty()

    def test_stop(self) -> None:
        """The Stop button ends the run on the server, which closes its request to the model."""
        page = self.visitor().new_page()
        with closing(socket.create_server(("127.0.0.1", 0))) as api:
            api.settimeout(30)
            url = f"http://127.0.0.1:{api.getsockname()[1]}/v1"
            far = {"OPENAI_API_KEY": "sk-dummy", "OPENAI_BASE_URL": url}
            with serving({**self.environment, **far}) as base:
                page.goto(base)
                page.get_by_label("Your message").fill(QUESTION)
                page.keyboard.press("Enter")
                with closing(api.accept()[0]) as request:
                    request.settimeout(30)
                    page.get_by_role("button", name="Stop").click()
                    while request.recv(65_536):
                        pass

                expect(page.get_by_role("alert")).to_contain_text("Stopped.")
                expect(page.get_by_role("button", name="Try again")).to_be_visible()
                expect(page.get_by_role("button", name="Send")).to_be_visible()

    def test_policy(self) -> None:
        """The pages of the chat and the admin break no content security policy."""
        page = self.chat()
        complaints: list[str] = []
        page.on("console", lambda entry: complaints.append(f"{page.url}: {entry.text}"))
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.goto(f"{self.base}/accounts/login/")
        page.get_by_label("Username").fill("ada")
        page.get_by_label("Password").fill("pass")
        page.get_by_role("main").get_by_role("button", name="Log in").click()
        self.ask(page, QUESTION)
        page.reload()
        name = page.url.split("/")[-2]

        for path in [
            "/conversations/",
            "/admin/",
            "/admin/agent_sessions/session/",
            f"/admin/agent_sessions/session/{name}/change/",
            "/admin/events/event/",
            "/admin/events/event/add/",
        ]:
            response = page.goto(self.base + path)
            assert response is not None
            self.assertEqual(response.status, 200, path)

        # The admin has no icon; that alone is not found.
        self.assertEqual([text for text in complaints if "404" not in text], [])
