"""admin.jit: queries that PostgreSQL does not compile."""

from __future__ import annotations

from unittest import skipUnless

from django.contrib.auth import get_user_model
from django.db import connection
from django.test import TestCase, TransactionTestCase, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from agent_sessions import Session
from agent_sessions.admin.changelist.text_sql import saying
from agent_sessions.admin.jit import without_compiling
from tests.contract import TURN

LIST = reverse("admin:agent_sessions_session_changelist", urlconf="tests.admin_urls")
is_postgres = connection.vendor == "postgresql"


class CompilingTests(TransactionTestCase):
    """without_compiling()."""

    def test_block(self) -> None:
        """The compiler is off within the block, and on after it."""
        self.assertEqual(self.setting(), "on" if is_postgres else None)

        with without_compiling("default"):
            within = self.setting()

        self.assertEqual(within, "off" if is_postgres else None)
        self.assertEqual(self.setting(), "on" if is_postgres else None)

    def setting(self) -> str | None:
        if not is_postgres:
            return None
        with connection.cursor() as cursor:
            cursor.execute("SHOW jit")
            return str(cursor.fetchone()[0])


@skipUnless(is_postgres, "It is about PostgreSQL's planner.")
@override_settings(ROOT_URLCONF="tests.admin_urls")
class PlanTests(TestCase):
    """PostgreSQL's plans for filters."""

    def test_filters(self) -> None:
        """The query of a filter by state runs with the compiler off."""
        self.client.force_login(get_user_model().objects.create_superuser("root"))
        Session.objects.append("one", TURN)

        with CaptureQueriesContext(connection) as captured:
            self.client.get(LIST, {"state": "complete"})

        sent = [query["sql"] for query in captured]
        at = sent.index("SET LOCAL jit = off")
        self.assertIn("WHEN", sent[at + 1])

    def test_words(self) -> None:
        """Words are searched in each session, not in the whole table of messages."""
        plan = Session.objects.filter(saying("jazz")).explain()

        self.assertIn("SubPlan", plan)
        self.assertNotIn("Join", plan)
