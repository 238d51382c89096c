"""The chat over HTTP: whose conversation is whose, what is refused, and what is remembered."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import Any, ClassVar
from unittest.mock import patch

from django.contrib.auth.models import User
from django.test import AsyncClient, TestCase
from django.urls import reverse
from django.utils import timezone

from agent_sessions import DjangoSession, Session
from calendarclub.events.models import Event

# An API that nobody serves: the discard port.
API_DOWN = {"OPENAI_API_KEY": "sk-dummy", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}


def without_key() -> Any:
    """Let the offline model answer, whatever the environment of the tests holds."""
    return patch.dict(os.environ, {"OPENAI_API_KEY": ""})


class ChatTestCase(TestCase):
    def setUp(self) -> None:
        environment = without_key()
        environment.start()
        self.addCleanup(environment.stop)

    async def begin(self, client: AsyncClient | None = None) -> str:
        """Begin a conversation and return its address."""
        response = await (client or self.async_client).post("/conversations/")
        return str(response.json()["url"])

    async def post(self, url: str, body: object, client: AsyncClient | None = None) -> Any:
        """Post to a conversation as the page's script does."""
        data = body if isinstance(body, bytes) else json.dumps(body)
        return await (client or self.async_client).post(
            f"{url}messages/",
            data,
            content_type="application/json",
            headers={"accept": "application/json, text/event-stream"},
        )

    async def events(self, response: Any) -> dict[str, dict[str, Any]]:
        """Return the stream's events by name, the last one of each."""
        text = b"".join([part async for part in response.streaming_content]).decode()
        blocks = [block.split("\n") for block in text.removesuffix("\n\n").split("\n\n")]
        self.assertEqual(blocks[-1][0], "event: done")
        return {name[len("event: ") :]: json.loads(data[len("data: ") :]) for name, data in blocks}

    async def items(self, url: str) -> list[Any]:
        return list(await DjangoSession(url.split("/")[2]).get_items())


class HomeTests(ChatTestCase):
    async def test_empty_chat(self) -> None:
        """A visitor finds an empty conversation, and that the model is the offline one."""
        response = await self.async_client.get("/")

        self.assertContains(response, "What are you in the mood for?")
        self.assertContains(response, "offline model")
        self.assertNotContains(response, reverse("admin:index"))

    async def test_nothing_is_made(self) -> None:
        """Looking at the page makes no conversation."""
        await self.async_client.get("/")

        self.assertEqual(await Session.objects.acount(), 0)

    async def test_staff(self) -> None:
        """Staff are led to the admin."""
        user = await User.objects.acreate_user("ada", is_staff=True)
        await self.async_client.aforce_login(user)

        response = await self.async_client.get("/")

        self.assertContains(response, reverse("admin:index"))

    def test_queries(self) -> None:
        """The page asks for the browser's session and for its conversations, once each."""
        self.client.post("/conversations/")

        with self.assertNumQueries(2):
            self.client.get("/")


class BeginTests(ChatTestCase):
    async def test_anonymous(self) -> None:
        """Without a user, a conversation is nobody's and its id is in the browser's session."""
        response = await self.async_client.post("/conversations/")

        self.assertEqual(response.status_code, 201)
        session = await Session.objects.aget(pk=response.json()["id"])
        self.assertIsNone(session.user_id)
        self.assertEqual(response.json()["url"], f"/conversations/{session.pk}/")
        browser = await self.async_client.asession()
        self.assertEqual(await browser.aget("conversations"), [session.pk])

    async def test_user(self) -> None:
        """A user's conversation is theirs, in this browser and in any other."""
        user = await User.objects.acreate_user("ada")
        await self.async_client.aforce_login(user)
        other_browser = AsyncClient()
        await other_browser.aforce_login(user)

        url = await self.begin()

        response = await other_browser.get(url)
        self.assertEqual(response.status_code, 200)
        self.assertEqual((await Session.objects.aget()).user_id, user.pk)


class OwnershipTests(ChatTestCase):
    async def assert_closed_to(self, client: AsyncClient, url: str) -> None:
        """Nobody learns that there is a conversation, and nothing of it changes."""
        before = await self.items(url)
        page = await client.get(url)
        run = await self.post(url, {"message": "hi"}, client)
        reset = await client.post(f"{url}reset/")
        self.assertEqual([page.status_code, run.status_code, reset.status_code], [404] * 3)
        self.assertIn("error", run.json())
        self.assertEqual(await self.items(url), before)

    async def test_other_browser(self) -> None:
        """An anonymous conversation exists in its own browser alone."""
        url = await self.begin()
        await DjangoSession(url.split("/")[2]).add_items([{"role": "user", "content": "hi"}])

        await self.assert_closed_to(AsyncClient(), url)

        self.assertEqual((await self.async_client.get(url)).status_code, 200)

    async def test_other_user(self) -> None:
        """A user's conversation exists for that user alone, not for staff in the chat either."""
        await self.async_client.aforce_login(await User.objects.acreate_user("ada"))
        url = await self.begin()
        other = AsyncClient()
        await other.aforce_login(await User.objects.acreate_superuser("bob"))

        await self.assert_closed_to(other, url)
        await self.assert_closed_to(AsyncClient(), url)

    async def test_user_in_the_list_of_a_browser(self) -> None:
        """A list in the browser's session opens no conversation that has an owner."""
        owner = await User.objects.acreate_user("ada")
        await DjangoSession("hers", user=owner).add_items([{"role": "user", "content": "hi"}])
        browser = await self.async_client.asession()
        await browser.aset("conversations", ["hers"])
        await browser.asave()

        await self.assert_closed_to(self.async_client, "/conversations/hers/")

    async def test_no_such_conversation(self) -> None:
        """An id that nobody has is as unknown as somebody else's."""
        for url in ["/conversations/nope/", "/conversations/a%00b/", "/conversations/%ff/"]:
            with self.subTest(url):
                response = await self.async_client.get(url)
                self.assertContains(response, "Not found", status_code=404)

    async def test_page_of_an_error(self) -> None:
        """The page asks for no user: a connection in the thread that draws it would stay open."""
        await self.async_client.aforce_login(await User.objects.acreate_user("ada"))

        response = await self.async_client.get("/conversations/nope/")

        self.assertNotContains(response, "Log out", status_code=404)
        self.assertNotContains(response, "Log in", status_code=404)

    async def test_after_logging_in(self) -> None:
        """A conversation that began before the login is still the browser's."""
        url = await self.begin()

        await self.async_client.aforce_login(await User.objects.acreate_user("ada"))

        self.assertEqual((await self.async_client.get(url)).status_code, 200)


class MessagesTests(ChatTestCase):
    event: ClassVar[Event]

    @classmethod
    def setUpTestData(cls) -> None:
        start = timezone.now() + timedelta(hours=1)
        cls.event = Event.objects.create(
            uid="trio",
            title="Late Trio",
            category="music",
            start=start,
            end=start + timedelta(hours=2),
            timezone="Europe/Amsterdam",
        )

    async def test_turn(self) -> None:
        """A message is answered in a stream, and both are remembered."""
        url = await self.begin()
        question = f"Music on {timezone.localdate(self.event.start)}?"

        response = await self.post(url, {"message": question})
        events = await self.events(response)

        self.assertEqual(response["Content-Type"], "text/event-stream")
        self.assertEqual(response["Cache-Control"], "no-store")
        self.assertEqual([card["title"] for card in events["events"]["events"]], ["Late Trio"])
        self.assertTrue(events["quick_picks"]["quick_picks"])
        self.assertTrue(events["done"]["answered"])
        page = await self.async_client.get(url)
        self.assertContains(page, question)
        self.assertContains(page, events["done"]["html"])
        self.assertContains(page, f"/events/{self.event.pk}.ics")
        for pick in events["quick_picks"]["quick_picks"]:
            self.assertContains(page, pick)

    async def test_title(self) -> None:
        """The first message names the conversation, shortened, and the second does not."""
        url = await self.begin()
        first = "Something  with\nmusic " + "and dancing " * 20

        for message in [first, "Tonight"]:
            await self.events(await self.post(url, {"message": message}))

        session = await Session.objects.aget()
        self.assertTrue(session.title.startswith("Something with music and dancing"))
        self.assertLessEqual(len(session.title), 60)

    async def test_bad_requests(self) -> None:
        """What is no message is refused with a sentence, and nothing is remembered."""
        url = await self.begin()
        bad = [
            b"",
            b"not json",
            b"\xff",
            b"[" * 100_000,
            [],
            {},
            {"message": None},
            {"message": 5},
            {"message": " \n"},
            {"message": "half \ud83d"},
            {"retry": "yes"},
        ]

        for body in bad:
            with self.subTest(repr(body)[:30]):
                response = await self.post(url, body)
                self.assertEqual(response.status_code, 400)
                self.assertTrue(response.json()["error"])
        self.assertEqual(await self.items(url), [])

    async def test_too_long(self) -> None:
        """A message of 8,001 characters is too long, and so are 100 kB and 3 MB."""
        url = await self.begin()

        for characters in [8_001, 100_000, 3_000_000]:
            with self.subTest(characters):
                response = await self.post(url, {"message": "x" * characters})
                self.assertEqual(response.status_code, 413)
                self.assertIn("8,000", response.json()["error"])
        self.assertEqual(await self.items(url), [])

    async def test_longest(self) -> None:
        """A message of 8,000 characters is answered."""
        url = await self.begin()

        events = await self.events(await self.post(url, {"message": "é" * 8_000}))

        self.assertTrue(events["done"]["answered"])

    async def test_wrong_method(self) -> None:
        """Reading the address of the messages is refused in JSON."""
        url = await self.begin()

        response = await self.async_client.get(f"{url}messages/")

        self.assertEqual(response.status_code, 405)
        self.assertEqual(response["Allow"], "POST")
        self.assertTrue(response.json()["error"])

    async def test_forged(self) -> None:
        """Without the page's token nothing runs: a script reads JSON, a person a page."""
        client = AsyncClient(enforce_csrf_checks=True)

        with self.assertLogs("django.security.csrf", "WARNING"):
            run = await self.post("/conversations/any/", {"message": "hi"}, client)
            form = await client.post("/conversations/any/reset/", headers={"accept": "text/html"})

        self.assertEqual(run.status_code, 403)
        self.assertIn("Reload", run.json()["error"])
        self.assertContains(form, "Please send that again", status_code=403)


class RetryTests(ChatTestCase):
    async def test_api_down(self) -> None:
        """A message that failed is kept, and answered once when it is tried again."""
        url = await self.begin()
        with patch.dict(os.environ, API_DOWN), self.assertLogs("calendarclub.chat", "ERROR"):
            failed = await self.events(await self.post(url, {"message": "Music tonight"}))
        kept = await self.items(url)
        page = await self.async_client.get(url)

        again = await self.events(await self.post(url, {"retry": True}))

        self.assertIn("cannot be reached", failed["error"]["message"])
        self.assertFalse(failed["done"]["answered"])
        self.assertEqual(kept, [{"role": "user", "content": "Music tonight"}])
        self.assertContains(page, "This message has no answer yet.")
        self.assertTrue(again["done"]["answered"])
        roles = [item.get("role") for item in await self.items(url)]
        self.assertEqual(roles.count("user"), 1)
        self.assertEqual(roles[-1], "assistant")

    async def test_nothing_to_try(self) -> None:
        """An answered conversation and an empty one are not answered again."""
        empty, answered = await self.begin(), await self.begin()
        await self.events(await self.post(answered, {"message": "hi"}))

        for url in [empty, answered]:
            before = await self.items(url)
            response = await self.post(url, {"retry": True})
            self.assertEqual(response.status_code, 409)
            self.assertEqual(await self.items(url), before)


class ConversationTests(ChatTestCase):
    async def page_of(self, *items: Any) -> Any:
        url = await self.begin()
        await DjangoSession(url.split("/")[2]).add_items(list(items))
        return await self.async_client.get(url)

    async def test_hostile_text(self) -> None:
        """What people and models wrote is shown as text."""
        hostile = "<script>alert(1)</script><img src=x onerror=alert(1)>"

        response = await self.page_of(
            {"role": "user", "content": hostile}, {"role": "assistant", "content": hostile}
        )

        self.assertNotContains(response, "<script>alert")
        self.assertNotContains(response, "<img")
        self.assertContains(response, "&lt;script&gt;alert(1)&lt;/script&gt;", count=2)

    async def test_policy(self) -> None:
        """The browser runs and loads what is ours alone, on every page."""
        for path in ["/", "/conversations/", "/accounts/login/", "/nowhere/"]:
            with self.subTest(path):
                response = await self.async_client.get(path)
                policy = response["Content-Security-Policy"]
                self.assertIn("default-src 'none'", policy)
                self.assertIn("script-src 'self';", policy)
                self.assertNotIn("unsafe", policy)

    async def test_not_cached(self) -> None:
        """A conversation is not kept by the browser's cache: another person may sit there next."""
        response = await self.page_of({"role": "user", "content": "hi"})

        self.assertIn("no-store", response["Cache-Control"])

    def test_queries(self) -> None:
        """However long the conversation, the page asks four times."""
        url = self.client.post("/conversations/").json()["url"]
        items: list[Any] = [{"role": "user", "content": "hi"}] * 50
        Session.objects.append(url.split("/")[2], items)

        # The browser's session, the conversation, its items, and the list beside them.
        with self.assertNumQueries(4):
            self.client.get(url)

    async def test_long_conversation(self) -> None:
        """Of a very long conversation the latest part is shown, and the page says so."""
        items = [{"role": "user", "content": f"message {number}."} for number in range(401)]

        response = await self.page_of(*items)

        self.assertContains(response, "Earlier messages are not shown")
        self.assertContains(response, "message 400.")
        self.assertNotContains(response, "message 0.")


class ListTests(ChatTestCase):
    async def test_mine(self) -> None:
        """The list holds the visitor's own conversations, the latest first."""
        user = await User.objects.acreate_user("ada")
        await Session.objects.acreate(session_id="somebody", title="Somebody else's")
        for name in ["first", "second/with a slash"]:
            row = await Session.objects.acreate(session_id=name, user=user, title=name)
            await DjangoSession(row.session_id).add_items([{"role": "user", "content": "hi"}])
        await self.async_client.aforce_login(user)

        response = await self.async_client.get("/conversations/")

        self.assertNotContains(response, "Somebody else")
        self.assertContains(response, "/conversations/second/with%20a%20slash/")
        titles = [session.title for session in response.context["page"]]
        self.assertEqual(titles, ["second/with a slash", "first"])

    async def test_many(self) -> None:
        """A long list comes in pages."""
        user = await User.objects.acreate_user("ada")
        rows = [Session(session_id=str(number), user=user) for number in range(51)]
        await Session.objects.abulk_create(rows)
        await self.async_client.aforce_login(user)

        first = await self.async_client.get("/conversations/")
        second = await self.async_client.get("/conversations/?page=2")

        self.assertEqual(len(first.context["page"]), 50)
        self.assertContains(first, "?page=2")
        self.assertEqual(len(second.context["page"]), 1)


class ResetTests(ChatTestCase):
    async def test_reset(self) -> None:
        """A conversation that is reset is gone, from the list as well."""
        kept, url = await self.begin(), await self.begin()
        await DjangoSession(url.split("/")[2]).add_items([{"role": "user", "content": "hi"}])

        response = await self.async_client.post(f"{url}reset/")

        self.assertRedirects(response, "/", fetch_redirect_response=False)
        self.assertEqual((await self.async_client.get(url)).status_code, 404)
        self.assertEqual([row.pk async for row in Session.objects.all()], [kept.split("/")[2]])
        browser = await self.async_client.asession()
        self.assertEqual(await browser.aget("conversations"), [kept.split("/")[2]])

    async def test_reading(self) -> None:
        """A link cannot reset a conversation."""
        url = await self.begin()

        response = await self.async_client.get(f"{url}reset/")

        self.assertEqual(response.status_code, 405)


class LoginTests(ChatTestCase):
    async def test_login_and_logout(self) -> None:
        """A user logs in and out on pages of the chat's own."""
        await User.objects.acreate_user("ada", password="pass")

        page = await self.async_client.get("/accounts/login/")
        wrong = await self.async_client.post(
            "/accounts/login/", {"username": "ada", "password": "no"}
        )
        right = await self.async_client.post(
            "/accounts/login/", {"username": "ada", "password": "pass"}
        )
        out = await self.async_client.post("/accounts/logout/")

        self.assertContains(page, "follow you from browser to browser")
        self.assertContains(wrong, "correct username and password")
        self.assertRedirects(right, "/", fetch_redirect_response=False)
        self.assertRedirects(out, "/", fetch_redirect_response=False)
