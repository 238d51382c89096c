"""arguments: every public name refuses values of a wrong type, and says what to pass."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from asgiref.sync import async_to_sync
from django.contrib.auth.models import AnonymousUser, User
from django.test import TestCase
from django.utils.connection import ConnectionDoesNotExist
from django.utils.functional import SimpleLazyObject

from agent_sessions import DjangoSession, Session, Turns, Usage, fork
from agent_sessions.forks import forks
from agent_sessions.transfer import imported, lines
from tests.contract import TURN, USER


class UserTests(TestCase):
    """The `user` argument."""

    def test_not_a_user(self) -> None:
        """A name, a number, or any other object that is not a user, raises TypeError."""
        for user in ("annelies", 3, object(), User, Session(session_id="one")):
            for use in (DjangoSession, Session.objects.items, Turns):
                with self.assertRaisesMessage(TypeError, "Pass a User object"):
                    use("one", user=user)

    def test_forgotten_await(self) -> None:
        """`request.auser()` without await is refused as a coroutine."""

        async def auser() -> None:
            """Return nobody."""

        coroutine = auser()
        self.addCleanup(coroutine.close)

        with self.assertRaisesMessage(TypeError, "user is a coroutine. Pass a User object"):
            DjangoSession("one", user=coroutine)

    def test_lazy_users(self) -> None:
        """`request.user`, which is lazy, is resolved to its user."""
        annelies = User.objects.create(username="annelies")

        session = DjangoSession("one", user=SimpleLazyObject(lambda: annelies))
        async_to_sync(session.add_items)([USER])

        self.assertEqual(Session.objects.get().user, annelies)
        for nobody in (AnonymousUser(), User(), SimpleLazyObject(AnonymousUser)):
            with self.assertRaisesMessage(ValueError, "anonymous or not saved"):
                DjangoSession("one", user=nobody)


class SessionIdTests(TestCase):
    """The `session_id` argument."""

    def test_empty(self) -> None:
        """An empty id, as from a field left blank, is refused."""
        for use in (
            lambda: DjangoSession(""),
            lambda: Turns(""),
            lambda: Session.objects.append("", [USER]),
            lambda: Session.objects.fork("one", ""),
        ):
            with self.assertRaisesMessage(ValueError, "session_id is empty."):
                use()

        self.assertFalse(Session.objects.exists())


class OtherArgumentTests(TestCase):
    """All other arguments."""

    def setUp(self) -> None:
        Session.objects.append("one", TURN)

    def assert_refused(self, sentence: str, *uses: Callable[[], Any]) -> None:
        for use in uses:
            with self.assertRaisesMessage(TypeError, sentence):
                use()

    def test_items_without_a_list(self) -> None:
        """One item, or a text, is refused instead of storing its keys or characters."""
        session = DjangoSession("one")
        wrong: list[tuple[Any, str]] = [
            (USER, "dict"),
            ("Hi", "str"),
            (None, "NoneType"),
            (3, "int"),
        ]

        for items, kind in wrong:
            self.assert_refused(
                f"items is a {kind}. Pass a list of items",
                partial(async_to_sync(session.add_items), items),
                partial(async_to_sync(session.replace_items), items),
                partial(Session.objects.append, "one", items),
            )

        self.assertEqual(Session.objects.items("one"), TURN)

    def test_limits_and_numbers(self) -> None:
        """A number as text, as a URL gives it, is refused."""
        session: Any = DjangoSession("one")

        self.assert_refused(
            "limit is a str. Pass a whole number.",
            lambda: async_to_sync(session.get_items)("5"),
            lambda: async_to_sync(session.get_conversation_turns)("5"),
            lambda: Session.objects.items("one", "5"),  # type: ignore[arg-type]  # the case
        )
        self.assert_refused(
            "number is a str. Pass a whole number.",
            lambda: async_to_sync(session.get_turn_items)("1"),
        )

    def test_runs_and_agents(self) -> None:
        """A text is refused instead of a result, and a list of texts instead of agents."""
        session: Any = DjangoSession("one")

        self.assert_refused(
            "record_run() got a str. Pass the result of a run",
            lambda: async_to_sync(session.record_run)("answer"),
        )
        self.assert_refused(
            "pick_agent() got a str. Pass a list of agents.",
            lambda: async_to_sync(session.pick_agent)(["Calendar Club"]),
        )

    def test_databases(self) -> None:
        """An alias that is not in DATABASES is refused at once, with the known ones."""
        for using in ("archives", 3):
            with self.assertRaisesMessage(ConnectionDoesNotExist, "Pass one of 'default'"):
                DjangoSession("one", using=using)  # type: ignore[arg-type]  # one is a number

    def test_sessions(self) -> None:
        """An id is refused instead of a session, and one line instead of lines."""
        one: Any = "one"

        self.assert_refused("Cannot fork str.", lambda: async_to_sync(fork)(one))
        self.assert_refused("Pass a DjangoSession.", lambda: async_to_sync(forks)(one))
        self.assert_refused("Session.objects.get(pk=...)", lambda: [*lines(one)])
        self.assert_refused("lines is a str.", lambda: [*imported('{"role": "user"}')])

    def test_keys_of_usage(self) -> None:
        """An unknown key of any type is refused, with the known ones."""
        for keys in (("agents",), (), ("user", "agents"), (3,)):
            with self.assertRaisesMessage(ValueError, "by() takes one or more of 'session'"):
                Usage.objects.by(*keys)
