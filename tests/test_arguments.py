"""arguments: values of a wrong type are refused in a sentence, by every public name."""

from __future__ import annotations

from collections.abc import Callable
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
    """user="""

    def test_what_is_not_a_user(self) -> None:
        """A name, a number and anything else that is not a user object."""
        for user in ("annelies", 3, object(), User, Session(session_id="one")):
            for use in (
                lambda user=user: DjangoSession("one", user=user),
                lambda user=user: Session.objects.items("one", user=user),
                lambda user=user: Turns("one", user=user),
            ):
                with self.assertRaisesMessage(TypeError, "Pass a User object"):
                    use()

    def test_forgotten_await(self) -> None:
        """`request.auser()` without await is a coroutine, and refused as such."""

        async def auser() -> None:
            """Return nobody."""

        coroutine = auser()
        self.addCleanup(coroutine.close)

        with self.assertRaisesMessage(TypeError, "user is a coroutine. Pass a User object"):
            DjangoSession("one", user=coroutine)

    def test_lazy_users(self) -> None:
        """`request.user` is lazy: it is the user that it holds, or nobody."""
        annelies = User.objects.create(username="annelies")

        session = DjangoSession("one", user=SimpleLazyObject(lambda: annelies))
        async_to_sync(session.add_items)([USER])

        self.assertEqual(Session.objects.get().user, annelies)
        for nobody in (AnonymousUser(), User(), SimpleLazyObject(AnonymousUser)):
            with self.assertRaisesMessage(ValueError, "anonymous or not saved"):
                DjangoSession("one", user=nobody)


class SessionIdTests(TestCase):
    """session_id"""

    def test_empty(self) -> None:
        """An empty id, such as that of a field that nobody filled in, is no session's."""
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
    """Everything else."""

    def setUp(self) -> None:
        Session.objects.append("one", TURN)

    def assert_refused(self, sentence: str, *uses: Callable[[], Any]) -> None:
        for use in uses:
            with self.assertRaisesMessage(TypeError, sentence):
                use()

    def test_items_without_a_list(self) -> None:
        """One item, or a text, is not taken for a batch of its keys or letters."""
        session = DjangoSession("one")

        for items, kind in ((USER, "dict"), ("Hi", "str"), (None, "NoneType"), (3, "int")):
            self.assert_refused(
                f"items is a {kind}. Pass a list of items",
                lambda items=items: async_to_sync(session.add_items)(items),  # type: ignore[misc]
                lambda items=items: async_to_sync(session.replace_items)(items),  # type: ignore[misc]
                lambda items=items: Session.objects.append("one", items),  # type: ignore[misc]
            )

        self.assertEqual(Session.objects.items("one"), TURN)

    def test_limits_and_numbers(self) -> None:
        """A number from an address is text before somebody makes it a number."""
        session: Any = DjangoSession("one")

        self.assert_refused(
            "limit is a str. Pass a whole number.",
            lambda: async_to_sync(session.get_items)("5"),
            lambda: async_to_sync(session.get_conversation_turns)("5"),
            lambda: Session.objects.items("one", "5"),  # type: ignore[arg-type]
        )
        self.assert_refused(
            "number is a str. Pass a whole number.",
            lambda: async_to_sync(session.get_turn_items)("1"),
        )

    def test_runs_and_agents(self) -> None:
        """A text or a list of texts is neither a result nor an agent."""
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
        """An alias that DATABASES do not have is named at once, with those that they have."""
        for using in ("archives", 3):
            with self.assertRaisesMessage(ConnectionDoesNotExist, "Pass one of 'default'"):
                DjangoSession("one", using=using)  # type: ignore[arg-type]

    def test_sessions(self) -> None:
        """An id is not a session: forks take a DjangoSession, files a row."""
        one: Any = "one"

        self.assert_refused("No str can be forked.", lambda: async_to_sync(fork)(one))
        self.assert_refused("Pass a DjangoSession.", lambda: async_to_sync(forks)(one))
        self.assert_refused("Session.objects.get(pk=...)", lambda: [*lines(one)])
        self.assert_refused("lines is a str.", lambda: [*imported('{"role": "user"}')])

    def test_keys_of_usage(self) -> None:
        """A key that is not known, whatever its type, is answered with those that are."""
        for keys in (("agents",), (), ("user", "agents"), (3,)):
            with self.assertRaisesMessage(ValueError, "by() takes one or more of 'session'"):
                Usage.objects.by(*keys)  # type: ignore[arg-type]
