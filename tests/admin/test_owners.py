"""admin.owners: search by owner, and links to owners."""

from __future__ import annotations

from unittest import mock

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission

from agent_sessions import Session
from tests.admin.changelist.testcase import ListTestCase
from tests.contract import TURN

User = get_user_model()
CLASS = "session-user"


class OwnerTests(ListTestCase):
    def setUp(self) -> None:
        super().setUp()
        User.objects.filter(pk=self.owner.pk).update(email="a.jansen@example.org")
        Session.objects.append("one", TURN, user=self.owner)
        Session.objects.append("two", TURN)

    def login(self, *codenames: str) -> None:
        person = User.objects.create_user(f"with {len(codenames)}", is_staff=True)
        person.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        self.client.force_login(person)

    def test_search_by_email(self) -> None:
        """A part of the owner's e-mail address finds their sessions."""
        self.assertEqual(self.found(q="JANSEN@example"), ["one"])
        self.assertEqual(self.found(q="annel"), ["one"])

    def test_permission_to_search_by_email(self) -> None:
        """Only users who may read sessions or see users can search by e-mail address."""
        self.login("view_session")
        self.assertEqual(self.found(q="jansen@example"), [])
        self.assertEqual(self.found(q="annel"), ["one"])

        for codename in ("view_content", "view_user", "change_user"):
            self.login("view_session", codename, *[""] * len(codename))
            self.assertEqual(self.found(q="jansen@example"), ["one"], codename)

    def test_users_without_an_address(self) -> None:
        """If the user model has no e-mail field, only the name is searched."""
        with mock.patch.object(User, "EMAIL_FIELD", "telegraph"):
            self.assertEqual(self.found(q="jansen@example"), [])
            self.assertEqual(self.found(q="annel"), ["one"])

    def test_users_known_by_their_address(self) -> None:
        """If users log in by e-mail address, the field is searched once."""
        with mock.patch.object(User, "USERNAME_FIELD", "email"):
            self.assertEqual(self.found(q="jansen@example"), ["one"])

    def test_link(self) -> None:
        """The list and the session's page link to the owner's page."""
        url = f"/admin/auth/user/{self.owner.pk}/change/"

        self.assertContains(self.get(), f'class="{CLASS}" href="{url}"', count=1)
        self.assertIn(f'<a href="{url}">annelies</a>', self.page("one"))

    def test_permission_to_see_users(self) -> None:
        """Without the permission to see users, there is no such link."""
        self.login("view_session")

        self.assertNotContains(self.get(), CLASS)
        self.assertContains(self.get(), f'<a href="?owner={self.owner.pk}">annelies</a>')
        self.assertNotIn("/auth/user/", self.page("one"))

    def test_a_site_without_users(self) -> None:
        """A site without a page of users has no links to them."""
        with self.settings(ROOT_URLCONF="tests.admin.tenant_urls"):
            page = self.client.get("/support/agent_sessions/session/?q=jansen@example")
            self.assertEqual(page.status_code, 200)
            self.assertNotContains(page, CLASS)
