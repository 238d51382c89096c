"""session_page.page: the page of a session."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection
from django.http import HttpRequest
from django.test import RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext

from agent_sessions import Message, Session, Usage
from agent_sessions.admin import SessionAdmin
from agent_sessions.signals import content_viewed
from tests.admin.testcase import AdminTestCase
from tests.contract import LONE_SURROGATES, STRANGE_ITEMS, TURN, numbered
from tests.sample_items import SAMPLES
from tests.statements import statements

User = get_user_model()
SIZE = override_settings(AGENT_SESSIONS_ADMIN_PAGE_SIZE=10)
PRICED = override_settings(AGENT_SESSIONS_PRICES={"small": {"input": 1, "output": 2}})


class PageTestCase(AdminTestCase):
    """A superuser who opens pages."""

    def spend(self, message: Message, **facts: Any) -> None:
        tokens = {"input_tokens": 900, "cached_tokens": 0, "output_tokens": 100}
        total = {"reasoning_tokens": 0, "total_tokens": 1_000, "requests": 1}
        Usage.objects.create(
            session_id=message.session_id, message=message, **{**tokens, **total, **facts}
        )


class ConversationTests(PageTestCase):
    """The content of the conversation."""

    def test_turn(self) -> None:
        """Messages are shown in order, and a call together with its output."""
        Session.objects.append("one", TURN)

        page = self.page("one")

        shown = [page.index(text) for text in ("Any jazz tonight?", "search_events", "None ton")]
        self.assertEqual(shown, sorted(shown))
        self.assertEqual(page.count('role="group"'), 3)

    def test_every_kind_of_item(self) -> None:
        """The page shows strange and damaged items."""
        Session.objects.append("one", [sample.item for sample in SAMPLES.values()])
        Session.objects.append("one", [*STRANGE_ITEMS, *LONE_SURROGATES])
        for text in ("not JSON", "", "[" * 100_000):
            Message.objects.create(session_id="one", message_data=text)

        page = self.page("one")

        for words in ("Two concerts.", "hours.txt", "print(6 * 7)", "tickets: buy", "too dear"):
            self.assertIn(words, page)
        for words in ("Encrypted by EncryptedSession", "Unreadable", "purged", "compacted"):
            self.assertIn(words, page)

    def test_huge_item(self) -> None:
        """The page shows the beginning of a huge item and a link to the rest."""
        Session.objects.append("one", [{"role": "user", "content": "word " * 500_000}])

        page = self.page("one")

        self.assertLess(len(page), 60_000)
        self.assertIn("The raw item has all of it.", page)

    def test_attachments(self) -> None:
        """Embedded images are shown, from the admin's own addresses; external ones are text."""
        image = "data:image/png;base64," + b64encode(b"\x89PNG\r\n\x1a\n").decode()
        svg = "data:image/svg+xml,<svg onload=alert(1)>"
        parts = [
            {"type": "input_image", "image_url": url}
            for url in (image, svg, "https://example.org/spy.png")
        ]
        Session.objects.append("one", [{"role": "user", "content": parts}])
        pk = Message.objects.get().pk

        page = self.page("one")

        self.assertEqual(page.count("<img"), 1)
        self.assertIn(f'src="/admin/agent_sessions/session/one/media/{pk}/0/"', page)
        self.assertIn(f'href="/admin/agent_sessions/session/one/media/{pk}/1/" download', page)
        self.assertIn('<code dir="auto">https://example.org/spy.png</code>', page)

    def test_empty_session(self) -> None:
        """A session without messages says so."""
        Session.objects.create(session_id="one")

        self.assertIn("This session has no messages.", self.page("one"))

    @PRICED
    def test_numbers_of_a_turn(self) -> None:
        """A turn shows its model, tokens, cost and a link to its trace."""
        Session.objects.append("one", TURN * 2)
        first = Message.objects.order_by("pk")[3]
        self.spend(first, model="small", trace_id="trace_1")
        self.spend(Message.objects.latest("pk"), model="large")

        page = self.page("one")

        for words in ("small", "(900 in, 100 out)", "0.0011", "trace_id=trace_1", "large", "≥"):
            self.assertIn(words, page)


@SIZE
class WindowTests(PageTestCase):
    """The window of the session that is shown."""

    def shown(self, **query: Any) -> list[int]:
        page = self.page("one", **query)
        return [number for number in range(25) if f"<p>item {number}</p>" in page]

    def test_long_sessions_by_window(self) -> None:
        """The newest messages are shown first; links lead to the earlier ones and back."""
        Session.objects.append("one", numbered(25))
        newest = Message.objects.order_by("-pk")

        self.assertEqual(self.shown(), list(range(15, 25)))
        self.assertEqual(self.shown(before=newest[9].pk), list(range(5, 15)))
        page = self.page("one")
        self.assertIn(f'?before={newest[9].pk}#conversation" rel="prev"', page)
        self.assertNotIn('rel="next"', page)
        self.assertIn('rel="next"', self.page("one", before=newest[9].pk))
        self.assertIn("Turn 16", page)

    def test_pieces(self) -> None:
        """A turn too long for a window is shown in pieces."""
        Session.objects.append("one", [*numbered(1), *[{"role": "assistant"}] * 50])

        page = self.page("one", before=Message.objects.order_by("-pk")[9].pk)

        self.assertIn("continued", page)
        self.assertIn("This turn continues.", page)

    def test_turn_by_number(self) -> None:
        """A long conversation has a form that opens a turn by its number; a short one has none."""
        Session.objects.append("one", numbered(25))
        Session.objects.append("short", numbered(3))

        page = self.page("one", turn=12)

        self.assertIn('name="turn" min="1" max="25"', page)
        self.assertIn('href="?#end"', page)
        self.assertIn('href="#end"', self.page("one"))
        self.assertLess(page.index("Turn 12"), page.index("Turn 13"))
        self.assertNotIn("Turn 11", page)
        self.assertNotIn('name="turn"', self.page("short"))

    def test_failures(self) -> None:
        """The head counts failures and links to the newest; others are linked beside the window."""
        failure = {"type": "web_search_call", "id": "w", "status": "failed"}
        Session.objects.append("one", [failure, *numbered(20), failure, *numbered(20), failure])
        oldest, middle, newest = Message.objects.filter(tool_failed=True).order_by("pk")

        page = self.page("one", at=middle.pk)

        for pk, name in ((oldest.pk, "Earlier error"), (newest.pk, "Later error")):
            self.assertRegex(page, rf'href="\?at={pk}#message-{pk}" [^>]*>{name}</a>')
        self.assertRegex(page, rf'href="\?at={newest.pk}#message-{newest.pk}" [^>]*>3</a>')
        self.assertIn("Tool failed", page)
        Session.objects.append("two", numbered(20))
        self.assertNotIn("Failed tools", self.page("two"))

    def test_turns_are_counted_once(self) -> None:
        """Turns are counted once, for the head and for the numbers of the newest turns."""
        Session.objects.append("one", numbered(40))

        with CaptureQueriesContext(connection) as sent:
            self.page("one")

        counting = [q for q in sent if "COUNT(" in q["sql"] and "without_columns" in q["sql"]]
        self.assertEqual(len(counting), 1)
        self.assertFalse([q for q in sent if 'AS "unknown"' in q["sql"]])

    def test_statements(self) -> None:
        """A long session takes as many queries as a short one."""
        Session.objects.append("short", numbered(10))
        Session.objects.append("long", numbered(10_000))
        self.page("short")  # fills Django's caches
        counts = []
        for session_id in ("short", "long"):
            with statements() as sent:
                self.page(session_id)
            counts.append(len(sent))

        self.assertEqual(counts[0], counts[1])
        self.assertLess(counts[0], 16)


class HeadTests(PageTestCase):
    """The head of the page."""

    def test_facts(self) -> None:
        """Title, id, owner, metadata and relatives are shown, escaped."""
        Session.objects.append("one", TURN, user=self.superuser)
        facts: Any = {"title": "<b>Jazz\u202e", "metadata": {"bidi": "\u202e", "a": "<i>"}}
        Session.objects.filter(pk="one").update(**facts)
        for number in range(12):
            Session.objects.fork("one", f"fork {number}")

        page, fork = self.page("one"), self.page("fork 3")

        for words in ("<b>Jazz⟨U+202E⟩", "root", '"bidi": "⟨U+202E⟩"', "fork 11", ", …"):
            self.assertIn(words, page)
        self.assertIn('Forked from</dt><dd><a href="/admin/agent_sessions/session/one/', fork)

    def test_first_words(self) -> None:
        """The heading is the title, else the first words of the user, else the id."""
        Session.objects.append("one", TURN)
        Session.objects.create(session_id="two\u202e")

        self.assertIn('<h1 class="as-title" dir="auto">Any jazz tonight?</h1>', self.page("one"))
        page = self.page("two\u202e")
        self.assertIn('<h1 class="as-title" dir="auto">two⟨U+202E⟩</h1>', page)
        self.assertNotIn("\u202e", page)


class SearchTests(PageTestCase):
    """?find=."""

    def test_hits(self) -> None:
        """Hits are permanent links, and escaped."""
        Session.objects.append("one", [*TURN, {"role": "user", "content": "<b>jazz</b>"}])
        pk = Message.objects.latest("pk").pk

        page = self.page("one", find="<B>jazz")

        self.assertIn(f'href="?at={pk}#message-{pk}"', page)
        self.assertIn("1 message with “<B>jazz”", page)
        self.assertIn("No message contains this.", self.page("one", find="samba"))
        self.assertNotIn("as-hits", self.page("one", find=" "))


class PermissionTests(PageTestCase):
    """A user who may see sessions but not read them."""

    def setUp(self) -> None:
        viewer = User.objects.create_user("viewer", is_staff=True)
        ours = Permission.objects.filter(content_type__app_label="agent_sessions")
        viewer.user_permissions.set(ours.filter(codename="view_session"))
        self.client.force_login(viewer)

    def test_without_content(self) -> None:
        """The page shows kinds, tools, sizes and numbers, but no content."""
        Session.objects.append("one", TURN)
        Session.objects.filter(pk="one").update(title="secret", metadata={"secret": "secret"})
        self.spend(Message.objects.latest("pk"))

        page = self.page("one", find="jazz")

        for words in ("search_events", "1,000", "agent_sessions.view_content", "bytes"):
            self.assertIn(words, page)
        for words in ("jazz", "secret", "/item/", "/media/", "as-find", "data-copy-text"):
            self.assertNotIn(words, page)

    def test_recorded(self) -> None:
        """Reading the page and searching it are recorded; seeing it without content is not."""
        Session.objects.append("one", TURN)
        views: list[str] = []

        def note(view: str, **kwargs: Any) -> None:
            views.append(view)

        content_viewed.connect(note)
        self.addCleanup(content_viewed.disconnect, note)
        self.page("one", find="jazz")
        self.client.force_login(self.superuser)
        self.page("one", find="jazz")

        self.assertEqual(sorted(views), ["page", "search"])


class SubclassTests(PageTestCase):
    """A project's subclass of SessionAdmin."""

    def test_fields(self) -> None:
        """Fields that a subclass adds are shown; fields that it leaves out are not."""

        class Ours(SessionAdmin):
            fields = ("session_id", "title", "customer")
            readonly_fields = ("customer",)

            @admin.display(description="Customer")
            def customer(self, obj: Session) -> str:
                return "Acme"

            def get_queryset(self, request: HttpRequest) -> Any:
                return super().get_queryset(request).exclude(pk="elsewhere")

        Session.objects.append("elsewhere", TURN)
        Session.objects.fork("elsewhere", "one")
        Session.objects.filter(pk="one").update(metadata={"a": "secret"})
        request = RequestFactory().get("/")
        request.user = self.superuser
        view: Any = Ours(Session, admin.site).change_view(request, "one")

        page = view.render().content.decode()

        self.assertIn("<dt>Customer</dt><dd>Acme</dd>", page)
        for hidden in ("secret", "Last activity", "elsewhere"):
            self.assertNotIn(hidden, page)
