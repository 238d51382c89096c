"""admin.actions.fork: forking one session."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth.models import Permission, User

from agent_sessions import Message, Session
from tests.admin.actions.testcase import ActionTestCase, url
from tests.contract import TURN, numbered


class ForkTests(ActionTestCase):
    """fork()."""

    def test_whole(self) -> None:
        """A fork belongs to the user who made it, is logged, and is shown next."""
        Session.objects.append("a/b", TURN, user=self.owner)
        Session.objects.update(title="Secret")

        response = self.client.post(url("fork", "a/b"), {"owner": "mine"})

        new = Session.objects.get(parent="a/b")
        self.assertRedirects(response, url("change", new.pk))
        self.assertEqual((new.user, new.title), (self.superuser, "Secret"))
        self.assertEqual(list(Session.objects.owned_by(self.owner)), [Session(pk="a/b")])
        self.assertEqual(Session.objects.items(new.pk), TURN)
        self.assertIn("a/b", self.said(response))
        self.assertEqual(
            self.logged(), [(new.pk, "Forked from a/b."), ("a/b", f"Forked as {new.pk}.")]
        )
        self.assertEqual(LogEntry.objects.filter(action_flag=ADDITION).count(), 1)

    def test_from_a_message(self) -> None:
        """A fork ends at or before the named message."""
        Session.objects.append("one", numbered(4))
        third = Message.objects.order_by("pk")[2].pk

        for place, length in (("at", 3), ("before", 2)):
            self.client.post(url("fork", "one"), {place: third, "owner": "same"})
            new = Session.objects.get(parent="one")
            self.assertEqual(Session.objects.items(new.pk), numbered(length))
            new.delete()

    def test_unknown_message(self) -> None:
        """An unknown message is an error on the page, and nothing is forked."""
        Session.objects.append("one", TURN)
        Session.objects.append("other", TURN)
        foreign = Message.objects.filter(session="other").first()
        assert foreign
        places: list[dict[str, Any]] = [
            {"at": foreign.pk},
            {"at": 9 * 10**30},
            {"at": 1, "before": 1},
            {"before": "x"},
            {"at": ""},
            {"at": "9" * 5_000},
        ]

        for place in places:
            response = self.client.post(url("fork", "one"), place | {"owner": "mine"})
            self.assertRedirects(response, url("change", "one"))
            self.assertTrue(self.said(response), place)

        self.assertEqual(Session.objects.count(), 2)

    def test_question(self) -> None:
        """The button only asks for the owner of the fork; "me" comes first."""
        Session.objects.append("one", TURN, user=self.owner)
        first = Message.objects.order_by("pk")[0].pk

        page = self.client.get(url("fork", "one"), {"at": first}).content.decode()
        again = self.client.post(url("fork", "one"), {"at": first}).content.decode()

        for asked in (page, again):
            mine, _, same = asked.partition('value="same"')
            self.assertIn('name="owner" value="mine" checked', mine)
            self.assertIn("Me (root)", mine)
            self.assertIn("The owner of the conversation (annelies)", same)
            self.assertIn(f'name="at" value="{first}"', asked)
        self.assertEqual(Session.objects.count(), 1)

    def test_for_the_owner(self) -> None:
        """With "same", the fork has the owner of the session, or none."""
        Session.objects.append("one", TURN, user=self.owner)
        Session.objects.append("nobody's", TURN)

        for session_id, owner in (("one", self.owner), ("nobody's", None)):
            self.client.post(url("fork", session_id), {"owner": "same"})
            self.assertEqual(Session.objects.get(parent=session_id).user, owner)
        self.assertContains(self.client.get(url("fork", "nobody's")), "Nobody")

    def test_without_content(self) -> None:
        """A user who may not read the conversation cannot own its fork."""
        forker = User.objects.create_user("forker", is_staff=True)
        codenames = ("view_session", "add_session")
        forker.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        self.client.force_login(forker)
        Session.objects.append("one", TURN, user=self.owner)

        self.assertNotContains(self.client.get(url("fork", "one")), 'value="mine"')
        for owner in ("mine", "somebody", ""):
            response = self.client.post(url("fork", "one"), {"owner": owner})
            self.assertEqual(response.status_code, 403)
        self.assertEqual(self.act("fork_selected", ["one"], owner="mine").status_code, 403)

        self.assertEqual(Session.objects.count(), 1)

    def test_no_such_session(self) -> None:
        """Forking or purging an unknown session is a 404."""
        for view in ("fork", "purge"):
            self.assertEqual(self.client.post(url(view, "unknown")).status_code, 404)
