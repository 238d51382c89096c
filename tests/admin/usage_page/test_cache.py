"""Slow counts of the usage page are kept for everybody who may see the same sessions."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import TestCase, override_settings
from django.urls import reverse
from django.utils import timezone

from agent_sessions.admin.usage_page import cache as usage_cache
from agent_sessions.admin.usage_page.cache import Counted, counted
from agent_sessions.models import Session, Usage
from tests.admin.usage_page.usage_rows import PRICES, now, store

PAGE = reverse("admin:agent_sessions_session_usage", urlconf="tests.admin_urls")
MEMORY = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}


@override_settings(CACHES=MEMORY)
class CacheTestCase(TestCase):
    """Every count is treated as a slow one."""

    def setUp(self) -> None:
        cache.clear()
        self.enterContext(patch.multiple(usage_cache, SLOW_SECONDS=0, KEPT_TIMES=10**9))


class CountedTests(CacheTestCase):
    """counted()."""

    def counted(
        self, value: int, sessions: Any = None, *facts: Any, **options: Any
    ) -> Counted[int]:
        sessions = Session.objects.all() if sessions is None else sessions
        return counted(sessions, *facts, count=lambda: value, **options)

    def test_kept(self) -> None:
        """The second request gets the count of the first, and its time."""
        first, second = self.counted(1), self.counted(2)

        self.assertEqual((first.value, first.is_kept), (1, False))
        self.assertEqual(second, Counted(1, first.at, is_kept=True))

    def test_fast(self) -> None:
        """A fast count is not kept, and deletes an older one that was."""
        self.counted(1)

        with patch.object(usage_cache, "SLOW_SECONDS", 60):
            self.assertEqual(self.counted(2, is_new=True).value, 2)
            self.assertEqual(self.counted(3).value, 3)

    def test_new(self) -> None:
        """A new count that one request forces is shown to all later ones."""
        self.counted(1)

        self.assertEqual(self.counted(2, is_new=True).value, 2)
        self.assertEqual(self.counted(3).value, 2)

    def test_keys(self) -> None:
        """Other sessions, facts, prices or time zones are counted separately."""
        user = User.objects.create_user("annelies")
        querysets = [
            Session.objects.all(),
            Session.objects.filter(user=user),
            Session.objects.filter(user=user.pk + 1),
            Session.objects.none(),
            Session.objects.using("archive"),
        ]
        found = [self.counted(at, sessions).value for at, sessions in enumerate(querysets)]
        found.append(self.counted(5, None, "model").value)
        with override_settings(AGENT_SESSIONS_PRICES=PRICES):
            found.append(self.counted(6).value)
        with timezone.override("Asia/Kathmandu"):
            found.append(self.counted(7).value)

        self.assertEqual(found, [*range(8)])


@override_settings(ROOT_URLCONF="tests.admin_urls")
class PageTests(CacheTestCase):
    """The usage page with kept numbers."""

    def setUp(self) -> None:
        super().setUp()
        self.client.force_login(User.objects.create_superuser("root"))

    def test_age(self) -> None:
        """A page says how old its numbers are; "Count again" counts once and redirects."""
        store([now(agent_name="First")])
        fresh = self.client.get(PAGE)
        store([now(agent_name="Second")])

        kept = self.client.get(PAGE)

        self.assertNotContains(fresh, "were counted")
        self.assertContains(kept, "The numbers were counted 0\xa0minutes ago.")
        self.assertNotContains(kept, "Second")
        again = self.client.get(PAGE + kept.context["again"])
        address = PAGE + "?period=30d&by=agent&measure=tokens"
        self.assertRedirects(again, address)
        self.assertContains(self.client.get(address), "Second")

    def test_deleted(self) -> None:
        """A new count leaves out usage that was deleted after the last one."""
        store([now()])
        self.client.get(PAGE)
        Usage.objects.all().delete()

        self.assertContains(self.client.get(PAGE), "<bdi>Bot</bdi>")
        again = self.client.get(PAGE, {"new": "1"}, follow=True)
        self.assertContains(again, "Nothing was recorded")
