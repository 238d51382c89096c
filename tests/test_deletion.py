"""models.deletion: sessions deleted beside writers, in every way that Django has."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from itertools import count
from random import Random
from typing import Any
from weakref import WeakSet

from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import Field, signals
from django.db.models.deletion import CASCADE, Collector
from django.test import (
    Client,
    TestCase,
    TransactionTestCase,
    override_settings,
    skipUnlessDBFeature,
)
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from agent_sessions import DjangoSession, Message, Session, Usage
from agent_sessions.models.deletion import BATCH, delete_in_batches
from agent_sessions.usage.steps import Step, Tokens
from tests.concurrent_writers import in_threads
from tests.contract import TURN, numbered

STEP = Step("Calendar Club", tokens=Tokens(1, 10, 0, 5, 0, 15))
LIST = reverse("admin:agent_sessions_session_changelist", urlconf="tests.admin_urls")
WRITERS = 6
# SQLite locks the whole file for each writer: 30 deletions would take a minute.
DELETIONS = 30 if connection.features.has_select_for_update else 4
SESSIONS = 8
INNODB_DEADLOCK = 1213


class Writers:
    """Threads that write to a few sessions until they are stopped, and their errors."""

    def __init__(self, users: list[Any]) -> None:
        self.users = users
        self.stopped = threading.Event()
        self.faults: list[str] = []
        self.writes = 0

    def work(self, number: int) -> None:
        random = Random(number)
        while not self.stopped.is_set():
            at = random.randrange(SESSIONS)
            write = random.choice((self.append, self.append, self.add, self.pop, self.replace))
            try:
                write(f"session {at}", self.users[at % len(self.users)] if self.users else None)
            except IntegrityError as error:
                if self.users:  # the owner was deleted
                    continue
                self.faults.append(repr(error))
            except OperationalError as error:
                # InnoDB ends one of two upserts of a key that was just deleted, whoever deleted it:
                # both hold the gap before it. An application repeats such a transaction.
                if error.args[0] != INNODB_DEADLOCK:
                    self.faults.append(repr(error))
            except Exception as error:  # the test reports any
                self.faults.append(repr(error))
            self.writes += 1

    def append(self, session_id: str, user: Any) -> None:
        Session.objects.append(session_id, numbered(3), user=user, step=STEP)

    def add(self, session_id: str, user: Any) -> None:
        async_to_sync(DjangoSession(session_id, user=user).add_items)(numbered(2))

    def pop(self, session_id: str, user: Any) -> None:
        Session.objects.pop(session_id, user=user)

    def replace(self, session_id: str, user: Any) -> None:
        Session.objects.replace(session_id, numbered(2), user=user)
        Session.objects.purge(session_id, user=user)


@override_settings(ROOT_URLCONF="tests.admin_urls", DEBUG_PROPAGATE_EXCEPTIONS=True)
class AmongWritersTests(TransactionTestCase):
    """Deletions beside appends, pops, replacements and purges: none gets an error."""

    maxDiff = None

    def setUp(self) -> None:
        User.objects.create_superuser("root")
        # In a small table MariaDB reads all rows, and locks the rows that it reads.
        bystanders = [Session(session_id=f"bystander {at}") for at in range(500)]
        Session.objects.bulk_create(bystanders)
        Message.objects.bulk_create(
            Message(session=session, message_data="{}") for session in bystanders for _ in range(6)
        )
        if connection.vendor == "mysql":
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE TABLE agent_sessions, agent_messages")
        self.clients = {number: Client() for number in range(2)}
        for client in self.clients.values():
            client.force_login(User.objects.get(username="root"))

    def go(self, delete: Callable[[int], None], users: list[Any] | None = None) -> None:
        """Run two deleting threads beside the writers, and expect no errors."""
        writers = Writers(users or [])
        left = count(2 - 1, -1)

        def work(number: int) -> None:
            if number >= 2:
                writers.work(number)
                return
            for _ in range(DELETIONS // 2):
                try:
                    delete(number)
                except Exception as error:  # the test reports any
                    writers.faults.append(f"deletion: {error!r}")
            if not next(left):
                writers.stopped.set()

        in_threads(2 + WRITERS, work)

        self.assertEqual(dict(Counter(writers.faults)), {})
        self.assertGreater(writers.writes, 0)
        self.assertEqual(orphans(), (0, 0))

    def any_session(self) -> Any:
        return Session.objects.filter(pk__startswith="session").order_by("?")

    def test_page(self) -> None:
        """The admin's delete page."""
        random = Random(1)

        def delete(number: int) -> None:
            session_id = f"session {random.randrange(SESSIONS)}"
            address = reverse(
                "admin:agent_sessions_session_delete", args=[session_id.replace(" ", "_20")]
            )
            self.clients[number].post(address, {"post": "yes"})

        self.go(delete)

    def test_action(self) -> None:
        """The admin's delete action."""
        ids = [f"session {at}" for at in range(SESSIONS)]
        data = {"action": "delete_selected", "_selected_action": ids, "post": "yes"}

        def delete(number: int) -> None:
            self.clients[number].post(LIST, data)

        self.go(delete)

    def test_object_and_queryset(self) -> None:
        """Session.delete() and QuerySet.delete()."""

        def delete(number: int) -> None:
            if number:
                Session.objects.filter(pk__startswith="session").delete()
            elif session := self.any_session().first():
                session.delete()

        self.go(delete)

    def test_collector(self) -> None:
        """Django's deletion collector, used directly."""

        def delete(number: int) -> None:
            collector = Collector(using="default")
            collector.collect(self.any_session()[:3])
            collector.delete()

        self.go(delete)

    def test_clear(self) -> None:
        """clear() beside deletions."""

        def delete(number: int) -> None:
            if number:
                Session.objects.clear("session 1")
            else:
                Session.objects.filter(pk__in=["session 1", "session 2"]).delete()

        self.go(delete)

    def test_users(self) -> None:
        """Users with their sessions, in the admin and by delete()."""
        users = [User.objects.create_user(f"user {at}") for at in range(4)]
        pks = [user.pk for user in users]

        def delete(number: int) -> None:
            at = number * 2 + next(turns[number]) % 2
            if at % 2:
                User.objects.get(pk=pks[at]).delete()
            else:
                address = reverse("admin:auth_user_delete", args=[pks[at]])
                response = self.clients[number].post(address, {"post": "yes"})
                self.assertEqual(response.status_code, 302)
            users[at] = User.objects.create_user(f"user {at}", id=pks[at])

        turns = [count(), count()]
        self.go(delete, users)


@skipUnlessDBFeature("can_defer_constraint_checks", "has_select_for_update")
class BetweenLocksTests(TransactionTestCase):
    """A user's deletion, which locks first the user's sessions and then the user."""

    def test_stored_in_between(self) -> None:
        """A session that is stored between the two locks is deleted too, without a deadlock.

        When a transaction that updated a row twice commits, PostgreSQL locks the row's owner.
        """
        owner = User.objects.create_user("owner")
        Session.objects.append("first", TURN, user=owner)
        are_sessions_locked, is_second_written = threading.Event(), threading.Event()

        def pause(execute: Any, sql: str, *args: Any) -> Any:
            if "auth_user" in sql and "FOR UPDATE" in sql:
                are_sessions_locked.set()
                self.assertTrue(is_second_written.wait(30))
            return execute(sql, *args)

        def delete() -> None:
            with connection.execute_wrapper(pause):
                owner.delete()

        def write() -> None:
            self.assertTrue(are_sessions_locked.wait(30))
            Session.objects.append("second", TURN, user=owner)
            with transaction.atomic():
                Session.objects.append("second", TURN, user=owner)
                Session.objects.append("second", TURN, user=owner)
                is_second_written.set()
                wait_for_blocked_backend()

        in_threads(2, lambda number: (delete, write)[number]())

        self.assertEqual((Session.objects.count(), orphans()), (0, (0, 0)))


def wait_for_blocked_backend() -> None:
    """Wait, for at most 10 seconds, until another connection waits for a lock."""
    blocked = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    deadline = time.monotonic() + 10
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute(blocked)
            if cursor.fetchone()[0]:
                return
            time.sleep(0.01)


class CascadeTests(TestCase):
    """Related rows, deleted without concurrent writers."""

    def test_owner(self) -> None:
        """Deleting a user deletes the user's sessions, with only two batches in memory."""
        owner = User.objects.create_user("owner")
        number = 3 * BATCH + 1
        Session.objects.bulk_create(
            Session(session_id=f"theirs {at}", user=owner) for at in range(number)
        )
        Session.objects.append("theirs 7", TURN, user=owner, step=STEP)
        Session.objects.append("of nobody", TURN, step=STEP)
        alive: WeakSet[Session] = WeakSet()
        most = 0

        def count_alive(instance: Session, **facts: Any) -> None:
            nonlocal most
            alive.add(instance)
            most = max(most, len(alive))

        signals.post_init.connect(count_alive, sender=Session)
        self.addCleanup(signals.post_init.disconnect, count_alive, sender=Session)
        deleted, by_model = owner.delete()

        self.assertEqual((deleted, by_model["agent_sessions.Session"]), (number + 1, number))
        self.assertLessEqual(most, 2 * BATCH)  # a batch, and the one before it
        self.assertEqual([session.pk for session in Session.objects.all()], ["of nobody"])
        self.assertEqual((Message.objects.count(), Usage.objects.count()), (len(TURN), 1))

    def test_several_owners(self) -> None:
        """Deleting several users at once deletes the sessions of each."""
        for name in ("one", "two", "three"):
            user = User.objects.create_user(name)
            Session.objects.append(f"of {name}", TURN, user=user)

        User.objects.filter(username__in=["one", "two"]).delete()

        self.assertEqual([session.pk for session in Session.objects.all()], ["of three"])
        self.assertEqual(orphans(), (0, 0))

    def test_listeners(self) -> None:
        """post_delete is sent for each message."""
        Session.objects.append("one", TURN)
        heard: list[int] = []

        def hear(instance: Message, **facts: Any) -> None:
            heard.append(instance.pk)

        signals.post_delete.connect(hear, sender=Message)
        self.addCleanup(signals.post_delete.disconnect, hear, sender=Message)
        pks = [*Message.objects.values_list("pk", flat=True)]
        Session.objects.get().delete()

        self.assertCountEqual(heard, pks)
        self.assertFalse(Message.objects.exists())

    def test_forks(self) -> None:
        """A fork outlives its parent."""
        Session.objects.append("one", TURN)
        Session.objects.fork("one", "fork")

        Session.objects.get(pk="one").delete()

        self.assertEqual(Session.objects.get().parent_id, None)
        self.assertEqual(Session.objects.items("fork"), TURN)

    def test_locks_first(self) -> None:
        """The first statement of a deletion locks the session's row, or on SQLite the file."""
        Session.objects.append("one", TURN)
        session = Session.objects.get()

        with CaptureQueriesContext(connection) as captured:
            session.delete()

        sent = [query["sql"] for query in captured if "agent_" in query["sql"]]
        expected = "FOR UPDATE" if connection.features.has_select_for_update else "DELETE"
        self.assertIn(expected, sent[0])

    @skipUnlessDBFeature("has_select_for_update")
    def test_made_again(self) -> None:
        """A session that was deleted before the lock, and then made again, stays whole."""
        for session_id in ("one", "two"):
            Session.objects.append(session_id, TURN)
        collector = Collector(using="default")
        collector.collect(Session.objects.all())
        Session.objects.clear("one")
        made = False

        def make(execute: Any, sql: str, *args: Any) -> Any:
            nonlocal made
            if sql.startswith("DELETE") and not made:
                made = True
                Session.objects.append("one", TURN)
            return execute(sql, *args)

        with connection.execute_wrapper(make):
            collector.delete()

        self.assertEqual([session.pk for session in Session.objects.all()], ["one"])
        self.assertEqual(Session.objects.items("one"), TURN)

    def test_migrations(self) -> None:
        """Migrations see Django's own foreign keys with CASCADE."""
        for model, name in ((Session, "user"), (Message, "session"), (Usage, "session")):
            field = model._meta.get_field(name)
            assert isinstance(field, Field)
            _, path, _, kwargs = field.deconstruct()
            self.assertEqual(path, "django.db.models.ForeignKey")
            self.assertIs(kwargs["on_delete"], CASCADE)


class BatchesTests(TestCase):
    """delete_in_batches()."""

    def test_batches(self) -> None:
        """Each batch is yielded after its deletion and before the next one."""
        Session.objects.bulk_create(Session(session_id=f"{at:04}") for at in range(2 * BATCH + 1))

        left = [Session.objects.count() for _ in delete_in_batches(Session.objects.all())]

        self.assertEqual(left, [BATCH + 1, 1, 0])


def orphans() -> tuple[int, int]:
    """Count the messages and usage rows whose session is missing."""
    there = Session.objects.values("pk")
    left = (model.objects.exclude(session__in=there).count() for model in (Message, Usage))
    return next(left), next(left)
