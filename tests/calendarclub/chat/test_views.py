"""The pages of the chat: who may open a conversation, and what the pages show."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.test import AsyncClient
from django.urls import reverse

from agent_sessions import DjangoSession, Session
from tests.calendarclub.chat.visits import ChatTestCase


class HomeTests(ChatTestCase):
    async def test_empty_chat(self) -> None:
        """The home page is an empty conversation, and says that the model is offline."""
        response = await self.async_client.get("/")

        self.assertContains(response, "What are you in the mood for?")
        self.assertContains(response, "offline model")
        self.assertNotContains(response, reverse("admin:index"))

    async def test_nothing_is_created(self) -> None:
        """Opening the home page creates no conversation."""
        await self.async_client.get("/")

        self.assertEqual(await Session.objects.acount(), 0)

    async def test_staff(self) -> None:
        """Staff get a link to the admin."""
        user = await User.objects.acreate_user("ada", is_staff=True)
        await self.async_client.aforce_login(user)

        response = await self.async_client.get("/")

        self.assertContains(response, reverse("admin:index"))

    def test_queries(self) -> None:
        """The home page queries the browser's session and its conversations once each."""
        self.client.post("/conversations/")

        with self.assertNumQueries(2):
            self.client.get("/")


class BeginTests(ChatTestCase):
    async def test_anonymous(self) -> None:
        """Without a login a conversation has no owner, and the browser's session lists its id."""
        response = await self.async_client.post("/conversations/")

        self.assertEqual(response.status_code, 201)
        session = await Session.objects.aget(pk=response.json()["id"])
        self.assertIsNone(session.user_id)
        self.assertEqual(response.json()["url"], f"/conversations/{session.pk}/")
        browser = await self.async_client.asession()
        self.assertEqual(await browser.aget("conversations"), [session.pk])

    async def test_user(self) -> None:
        """A user opens their conversation in any browser."""
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
        """Check that `client` gets a 404 for everything, and that nothing changes."""
        before = await self.items(url)
        page = await client.get(url)
        run = await self.post(url, {"message": "hi"}, client)
        reset = await client.post(f"{url}reset/")
        self.assertEqual([page.status_code, run.status_code, reset.status_code], [404] * 3)
        self.assertIn("error", run.json())
        self.assertEqual(await self.items(url), before)

    async def test_other_browser(self) -> None:
        """Another browser gets a 404 for a conversation without an owner."""
        url = await self.begin()
        await DjangoSession(url.split("/")[2]).add_items([{"role": "user", "content": "hi"}])

        await self.assert_closed_to(AsyncClient(), url)

        self.assertEqual((await self.async_client.get(url)).status_code, 200)

    async def test_other_user(self) -> None:
        """Another user gets a 404 for a user's conversation, even a superuser."""
        await self.async_client.aforce_login(await User.objects.acreate_user("ada"))
        url = await self.begin()
        other = AsyncClient()
        await other.aforce_login(await User.objects.acreate_superuser("bob"))

        await self.assert_closed_to(other, url)
        await self.assert_closed_to(AsyncClient(), url)

    async def test_user_in_the_list_of_a_browser(self) -> None:
        """An id in the browser's session does not open a conversation that has an owner."""
        owner = await User.objects.acreate_user("ada")
        await DjangoSession("hers", user=owner).add_items([{"role": "user", "content": "hi"}])
        browser = await self.async_client.asession()
        await browser.aset("conversations", ["hers"])
        await browser.asave()

        await self.assert_closed_to(self.async_client, "/conversations/hers/")

    async def test_no_such_conversation(self) -> None:
        """An unknown id gets a 404."""
        for url in ["/conversations/nope/", "/conversations/a%00b/", "/conversations/%ff/"]:
            with self.subTest(url):
                response = await self.async_client.get(url)
                self.assertContains(response, "Not found", status_code=404)

    async def test_page_of_an_error(self) -> None:
        """A page of an error does not query the user: its connection would stay open."""
        await self.async_client.aforce_login(await User.objects.acreate_user("ada"))

        response = await self.async_client.get("/conversations/nope/")

        self.assertNotContains(response, "Log out", status_code=404)
        self.assertNotContains(response, "Log in", status_code=404)

    async def test_after_logging_in(self) -> None:
        """A conversation from before the login can still be opened in its browser."""
        url = await self.begin()

        await self.async_client.aforce_login(await User.objects.acreate_user("ada"))

        self.assertEqual((await self.async_client.get(url)).status_code, 200)


class ConversationTests(ChatTestCase):
    async def page_of(self, *items: Any) -> Any:
        url = await self.begin()
        await DjangoSession(url.split("/")[2]).add_items(list(items))
        return await self.async_client.get(url)

    async def test_hostile_text(self) -> None:
        """HTML in the texts of people and models is escaped."""
        hostile = "<script>alert(1)</script><img src=x onerror=alert(1)>"

        response = await self.page_of(
            {"role": "user", "content": hostile}, {"role": "assistant", "content": hostile}
        )

        self.assertNotContains(response, "<script>alert")
        self.assertNotContains(response, "<img")
        self.assertContains(response, "&lt;script&gt;alert(1)&lt;/script&gt;", count=2)

    async def test_policy(self) -> None:
        """Every page has a policy that allows only the site's own files."""
        for path in ["/", "/conversations/", "/accounts/login/", "/nowhere/"]:
            with self.subTest(path):
                response = await self.async_client.get(path)
                policy = response["Content-Security-Policy"]
                self.assertIn("default-src 'none'", policy)
                self.assertIn("script-src 'self';", policy)
                self.assertNotIn("unsafe", policy)

    async def test_not_cached(self) -> None:
        """Browsers do not cache a conversation: another person may use the browser next."""
        response = await self.page_of({"role": "user", "content": "hi"})

        self.assertIn("no-store", response["Cache-Control"])

    def test_queries(self) -> None:
        """A page makes four queries, however long the conversation is."""
        url = self.client.post("/conversations/").json()["url"]
        items: list[Any] = [{"role": "user", "content": "hi"}] * 50
        Session.objects.append(url.split("/")[2], items)

        # The browser's session, the conversation, its items, and the list beside them.
        with self.assertNumQueries(4):
            self.client.get(url)

    async def test_long_conversation(self) -> None:
        """A page shows the latest part of a very long conversation, and says so."""
        items = [{"role": "user", "content": f"message {number}."} for number in range(401)]

        response = await self.page_of(*items)

        self.assertContains(response, "Earlier messages are not shown")
        self.assertContains(response, "message 400.")
        self.assertNotContains(response, "message 0.")


class ListTests(ChatTestCase):
    async def test_mine(self) -> None:
        """The list shows the visitor's own conversations, the latest first."""
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
        """A long list has pages."""
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
        """A conversation that is deleted is removed from the browser's list as well."""
        kept, url = await self.begin(), await self.begin()
        await DjangoSession(url.split("/")[2]).add_items([{"role": "user", "content": "hi"}])

        response = await self.async_client.post(f"{url}reset/")

        self.assertRedirects(response, "/", fetch_redirect_response=False)
        self.assertEqual((await self.async_client.get(url)).status_code, 404)
        self.assertEqual([row.pk async for row in Session.objects.all()], [kept.split("/")[2]])
        browser = await self.async_client.asession()
        self.assertEqual(await browser.aget("conversations"), [kept.split("/")[2]])

    async def test_reading(self) -> None:
        """A GET request does not delete a conversation."""
        url = await self.begin()

        response = await self.async_client.get(f"{url}reset/")

        self.assertEqual(response.status_code, 405)


class LoginTests(ChatTestCase):
    async def test_login_and_logout(self) -> None:
        """Users log in and out on the chat's own pages."""
        await User.objects.acreate_user("ada", password="pass")

        page = await self.async_client.get("/accounts/login/")
        wrong = await self.async_client.post(
            "/accounts/login/", {"username": "ada", "password": "no"}
        )
        right = await self.async_client.post(
            "/accounts/login/", {"username": "ada", "password": "pass"}
        )
        out = await self.async_client.post("/accounts/logout/")

        self.assertContains(page, "find your conversations in every browser")
        self.assertContains(wrong, "correct username and password")
        self.assertRedirects(right, "/", fetch_redirect_response=False)
        self.assertRedirects(out, "/", fetch_redirect_response=False)
