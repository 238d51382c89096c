"""No value of an item is lost on the page of a session or in an export."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.template.loader import render_to_string
from django.test import SimpleTestCase, TestCase, override_settings
from hypothesis import given

from agent_sessions import Message, Session
from agent_sessions.admin.actions.export import FORMATS
from agent_sessions.admin.actions.export_html import rendered
from agent_sessions.admin.session_page.spent import Spent
from agent_sessions.admin.session_page.turns import TurnView, conversation
from agent_sessions.items import Item
from agent_sessions.items.codec import encode
from agent_sessions.transfer.markdown_document import message_of
from tests.admin.actions.exporting import export_url
from tests.admin.browser_testcase import page_of
from tests.admin.windows import START, window_of
from tests.item_strategies import items, places, shown_leaves
from tests.sample_items import SAMPLES

PAGES = "admin/agent_sessions/session/session_page/"


def turn(item: Item) -> TurnView:
    [found] = conversation(window_of([item]), Spent([], []), may_read=True)
    return found


def lost(item: Item, text: str) -> set[str]:
    return {leaf for leaf in shown_leaves(item) if leaf not in text}


@override_settings(ROOT_URLCONF="tests.admin_urls")
class LeavesTests(SimpleTestCase):
    """Every value of any item, except those that are left out on purpose."""

    @given(items)
    def test_page(self, item: Item) -> None:
        """Every value is on the session's page; attachments are links."""
        session = Session(session_id="one")
        about = {"original": session, "opts": Session._meta, "may_read": True}

        page = render_to_string(f"{PAGES}turn.html", {"turn": turn(item), **about})

        self.assertEqual(lost(item, page), set(), page)

    @given(items)
    def test_web_page(self, item: Item) -> None:
        """Every value is in the exported web page."""
        page = rendered(turn(item))

        self.assertEqual(lost(item, page), set(), page)

    @given(items)
    def test_markdown(self, item: Item) -> None:
        """Every value is in the Markdown; attachments are placeholders."""
        text = message_of(Message(message_data=encode(item), created_at=START))

        self.assertEqual(lost(item, text) - places(item), set(), text)


@override_settings(ROOT_URLCONF="tests.admin_urls")
class NewFieldsTests(TestCase):
    """The pages, with an unknown field in an item of every kind."""

    def test_every_kind(self) -> None:
        """The page and every export show the field, except in an envelope."""
        self.client.force_login(get_user_model().objects.create_superuser("root"))
        found = [sample.item for sample in SAMPLES.values() if isinstance(sample.item, dict)]
        novel = [{**item, "novel": f"novelty {at}!"} for at, item in enumerate(found)]
        Session.objects.append("one", novel)
        addresses = [page_of("one"), *(export_url("one", name) for name in FORMATS)]

        for address in addresses:
            response = self.client.get(address)
            text = b"".join(response) if response.streaming else response.content
            for item in novel:
                is_shown = "__enc__" not in item or "/json" in address
                self.assertEqual(f"{item['novel']}".encode() in text, is_shown, address)
