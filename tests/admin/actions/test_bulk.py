"""admin.actions.bulk: the list's actions, and deletion."""

from __future__ import annotations

import json
from html import unescape
from typing import Any
from unittest.mock import patch

from django.contrib import admin
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db import OperationalError, connection
from django.test import RequestFactory

from agent_sessions import Message, Session
from agent_sessions.admin import SessionAdmin
from agent_sessions.admin.actions.bulk import delete_selected
from agent_sessions.models.deletion import BATCH
from agent_sessions.models.operations import SessionQuerySet
from tests.admin.actions.testcase import ActionTestCase, url
from tests.admin.testcase import LIST
from tests.contract import TURN
from tests.statements import statements


class DeletionTests(ActionTestCase):
    """Deletion."""

    def test_log_without_titles(self) -> None:
        """The log keeps the ids of deleted sessions, not their titles."""
        for session_id in ("one", "two", "three"):
            Session.objects.append(session_id, TURN)
        Session.objects.update(title="Secret")

        self.client.post(url("delete", "one"), {"post": "yes"})
        self.act("delete_selected", ["two", "three"], post="yes")

        self.assertFalse(Session.objects.exists())
        names = LogEntry.objects.filter(action_flag=DELETION).values_list("object_repr", flat=True)
        self.assertEqual(set(names), {"one", "two", "three"})

    def test_in_a_popup(self) -> None:
        """A deletion in a popup closes the popup; any other redirects to the list."""
        for session_id in ("one", "two"):
            Session.objects.append(session_id, TURN)

        popup = self.client.post(url("delete", "one"), {"post": "yes", "_popup": "1"})
        page = self.client.post(url("delete", "two"), {"post": "yes"})

        self.assertEqual(popup.status_code, 200)
        self.assertRedirects(page, LIST)
        self.assertFalse(Session.objects.exists())

    def test_statements(self) -> None:
        """Confirmation and deletion take as many queries for fifty sessions as for two."""
        ContentType.objects.get_for_model(Session)  # cached from now on
        counts = []
        for number in (2, 50):
            ids = [f"session {index}" for index in range(number)]
            for session_id in ids:
                Session.objects.append(session_id, TURN)
            with statements() as sent:
                self.act("delete_selected", ids)
                self.act("delete_selected", ids, post="yes")
            counts.append(len(sent))

        self.assertEqual(counts[0], counts[1])
        self.assertFalse(Message.objects.exists())

    def test_deleting_none(self) -> None:
        """An action on sessions that were deleted meanwhile does nothing."""
        for action in ("delete_selected", "purge_selected", "export_selected", "fork_selected"):
            response = self.act(action, ["unknown"], post="yes")
            self.assertEqual(response.status_code, 302, action)


class ListTests(ActionTestCase):
    """Several sessions at once."""

    def setUp(self) -> None:
        super().setUp()
        for session_id in ("one", "two", "three"):
            Session.objects.append(session_id, TURN, user=self.owner)

    def test_export(self) -> None:
        """Selected sessions are sent as one document per line, and each export is logged."""
        Session.objects.fork("one", "copy")

        response = self.act("export_selected", ["one", "two", "copy"])

        lines = response.getvalue().decode().splitlines()
        documents = {read["session_id"]: read for read in map(json.loads, lines)}
        self.assertEqual(documents.keys(), {"one", "two", "copy"})
        self.assertEqual([message["item"] for message in documents["two"]["messages"]], TURN)
        self.assertEqual(documents["copy"]["parent"], "one")
        self.assertEqual(response["Content-Disposition"], 'attachment; filename="sessions.jsonl"')
        self.assertEqual({message for _, message in self.logged()}, {"Exported: json."})
        self.assertEqual({name for name, _ in self.logged()}, {"one", "two", "copy"})

    def test_fork(self) -> None:
        """Selected sessions are forked after one question, for the user or for their owners."""
        Session.objects.filter(pk="two").update(user=self.superuser)
        page = self.act("fork_selected", ["one", "two"]).content.decode()
        self.assertIn("The owner of each conversation", page)
        self.assertIn('name="action" value="fork_selected"', page)
        self.assertFalse(Session.objects.exclude(parent=None).exists())

        for owner, users in (
            ("same", [self.owner, self.superuser]),
            ("mine", [self.superuser] * 2),
        ):
            response = self.act("fork_selected", ["one", "two"], owner=owner)
            forks = Session.objects.exclude(parent=None).order_by("parent")
            self.assertEqual([fork.parent_id for fork in forks], ["one", "two"])
            self.assertEqual([fork.user for fork in forks], users)
            self.assertIn("2 sessions were forked.", self.said(response))
            forks.delete()

    def test_forking_what_goes(self) -> None:
        """If a session is deleted between selection and fork, an error is shown."""
        with patch.object(SessionQuerySet, "_hold", return_value=False):
            response = self.act("fork_selected", ["one"], owner="mine")

        self.assertIn("There is no session 'one' to fork.", self.said(response))
        self.assertEqual(Session.objects.count(), 3)

    def test_purge(self) -> None:
        """Sessions are purged after a confirmation, which counts messages in one query."""
        with statements() as few:
            page = unescape(self.act("purge_selected", ["one"]).content.decode())
        with statements() as sent:
            page = unescape(self.act("purge_selected", ["one", "two"]).content.decode())
        self.assertIn("Sessions: 2", page)
        self.assertIn("Messages that lose their content: 8", page)
        self.assertEqual(len(few), len(sent))
        self.assertEqual(Session.objects.items("one"), TURN)

        response = self.act("purge_selected", ["one", "two"], post="yes")

        self.assertIn("8 messages have lost their content.", self.said(response))
        found = [Session.objects.items(session_id) for session_id in ("one", "two", "three")]
        self.assertEqual(found, [[], [], TURN])

    def test_confirmation_is_a_form_of_the_list(self) -> None:
        """The form of the confirmation contains all fields that the action needs."""
        page = self.act("purge_selected", ["one", "two"]).content.decode()
        form = page.split("<form")[-1]

        for field in ('name="action" value="purge_selected"', 'name="post" value="yes"'):
            self.assertIn(field, form)
        for session_id in ("one", "two"):
            self.assertIn(f'name="_selected_action" value="{session_id}"', form)

    def test_all_of_a_list(self) -> None:
        """One field selects all sessions that a search has found."""
        data = {"action": "fork_selected", "select_across": "1", "_selected_action": ["one"]}
        data["owner"] = "mine"
        self.client.post(f"{LIST}?q=t", data)

        parents = Session.objects.exclude(parent=None).values_list("parent", flat=True)
        self.assertEqual(set(parents), {"two", "three"})

    def test_too_many(self) -> None:
        """Every action rejects more sessions than the limit."""
        with patch("agent_sessions.admin.actions.bulk.AT_ONCE", 2):
            for action in ("delete_selected", "purge_selected", "export_selected", "fork_selected"):
                response = self.act(action, ["one"], select_across="1", post="yes")
                self.assertIn("More than 2 sessions are selected.", self.said(response), action)

        self.assertEqual(Session.objects.count(), 3)
        self.assertEqual(Session.objects.items("one"), TURN)

    def test_as_many_as_may_be(self) -> None:
        """As many sessions as the limit allows fit into Django's form."""
        Session.objects.all().delete()
        Session.objects.bulk_create(Session(session_id=f"session {at}") for at in range(500))
        ids = list(Session.objects.values_list("pk", flat=True))

        self.act("delete_selected", ids, post="yes")

        self.assertFalse(Session.objects.exists())


class BatchTests(ActionTestCase):
    """Many sessions at once, one transaction per batch, and a database that fails."""

    def setUp(self) -> None:
        super().setUp()
        self.ids = [f"{at:03}" for at in range(BATCH + 10)]
        Session.objects.bulk_create(Session(session_id=session_id) for session_id in self.ids)

    def failing_at(self, session_id: str) -> Any:
        """Let the database fail when a write names a session."""

        def execute(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            if sql.startswith(("DELETE", "UPDATE")) and session_id in (params or ()):
                raise OperationalError("on purpose")
            return execute(sql, params, many, context)

        return connection.execute_wrapper(execute)

    def test_deletion(self) -> None:
        """All sessions are deleted and logged, and the message counts them."""
        response = self.act("delete_selected", self.ids, post="yes")

        self.assertIn("210 sessions were deleted.", self.said(response))
        self.assertFalse(Session.objects.exists())
        self.assertEqual(LogEntry.objects.filter(action_flag=DELETION).count(), BATCH + 10)

    def test_deletion_that_fails(self) -> None:
        """Deleted sessions are counted and logged; the failed batch and those after it stay."""
        with self.failing_at(self.ids[-1]), self.assertLogs("agent_sessions", "ERROR"):
            response = self.act("delete_selected", self.ids, post="yes")

        said = self.said(response)
        self.assertIn("an error after 200 of 210 sessions: OperationalError.", said)
        self.assertNotIn("were deleted.", said)
        self.assertEqual(Session.objects.count(), 10)
        self.assertEqual(LogEntry.objects.filter(action_flag=DELETION).count(), BATCH)

    def test_purge_that_fails(self) -> None:
        """If a purge fails, the purged sessions are counted and logged."""
        Session.objects.update(title="Secret")
        with self.failing_at("002"), self.assertLogs("agent_sessions", "ERROR"):
            response = self.act("purge_selected", self.ids[:5], post="yes")

        self.assertIn("an error after 2 of 5 sessions", self.said(response))
        self.assertEqual(Session.objects.filter(title="").count(), 2)
        self.assertEqual(LogEntry.objects.count(), 2)

    def test_nothing_purged(self) -> None:
        """If the first session fails, nothing is logged."""
        with self.failing_at("000"), self.assertLogs("agent_sessions", "ERROR"):
            self.act("purge_selected", ["000"], post="yes")

        self.assertFalse(LogEntry.objects.exists())

    def test_related_permissions(self) -> None:
        """Related rows may need permissions, which are checked as Django does."""

        class Guarded(SessionAdmin):
            def get_deleted_objects(self, objs: Any, request: Any) -> Any:
                *rest, _, protected = super().get_deleted_objects(objs, request)
                return *rest, {"feedback"}, protected

        request = RequestFactory().post(LIST, {"post": "yes"})
        request.user = self.superuser
        guarded = Guarded(Session, admin.site)

        with self.assertRaises(PermissionDenied):
            delete_selected(guarded, request, Session.objects.all())
        self.assertEqual(Session.objects.count(), BATCH + 10)
