"""forks: the place at which a copy ends, and what is refused."""

from __future__ import annotations

from typing import Any

from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.db import IntegrityError, connections
from django.test import TestCase
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from agent_sessions import DjangoSession, Message, Session, SessionOwnershipError
from agent_sessions.items import Item
from tests.contract import ANSWER, CALL, OUTPUT, TURN, USER
from tests.encryption import encrypted
from tests.forking import forked, items_of, stored


class PlaceTests(TestCase):
    """The places at which a fork can end."""

    def setUp(self) -> None:
        self.items = [CALL, OUTPUT, *TURN, USER, *TURN]  # turns 0, 1, 2 and 3
        self.session = stored("one", self.items)
        self.pks = list(Message.objects.order_by("pk").values_list("pk", flat=True))

    def test_at_a_turn(self) -> None:
        """The copy ends with the last message of the turn."""
        for number, length in ((0, 2), (1, 6), (2, 7), (3, 11)):
            with self.subTest(turn=number):
                self.assertEqual(items_of(forked(self.session, at=number)), self.items[:length])

    def test_before_a_turn(self) -> None:
        """The copy ends before the turn's user message, which may be the first message."""
        for number, length in ((0, 0), (1, 2), (2, 6), (3, 7)):
            with self.subTest(turn=number):
                new = forked(self.session, before=number)
                self.assertEqual(items_of(new), self.items[:length])

    def test_turn(self) -> None:
        """A Turn of the session is the same place as its number."""
        turns = async_to_sync(self.session.get_conversation_turns)()

        self.assertEqual(items_of(forked(self.session, at=turns[1])), self.items[:6])
        self.assertEqual(items_of(forked(self.session, before=turns[1])), self.items[:2])

    def test_turn_that_grew(self) -> None:
        """A Turn that was read before it grew ends where it ended then."""
        turn = async_to_sync(self.session.get_conversation_turns)()[-1]
        Session.objects.append("one", [ANSWER])

        self.assertEqual(items_of(forked(self.session, at=turn)), self.items)

    def test_message(self) -> None:
        """The copy can end at, or before, any message."""
        for index in (0, 4, len(self.pks) - 1):
            message = Message.objects.get(pk=self.pks[index])
            with self.subTest(message=index):
                new = forked(self.session, at=message)
                self.assertEqual(items_of(new), self.items[: index + 1])
                new = forked(self.session, before=message)
                self.assertEqual(items_of(new), self.items[:index])

    def test_rows_of_the_sdk(self) -> None:
        """Turns are counted from the items if the rows have blank columns."""
        Message.objects.filter(pk__in=self.pks[2:8]).update(
            kind="", role="", tool_name="", call_id=""
        )
        Message.objects.create(session_id="one", message_data="not JSON")

        for number, length in ((0, 2), (1, 6), (2, 7)):
            self.assertEqual(items_of(forked(self.session, at=number)), self.items[:length])

    def test_gaps(self) -> None:
        """Messages of other sessions in between are not copied."""
        Session.objects.append("other", TURN)
        Session.objects.append("one", TURN)

        self.assertEqual(items_of(forked(self.session, at=4)), [*self.items, *TURN])
        self.assertEqual(items_of(forked(self.session, at=3)), self.items)

    def test_sync(self) -> None:
        """Session.objects.fork() takes the ids of messages."""
        Session.objects.fork("one", "up to", at=self.pks[4])
        Session.objects.fork("one", "before", before=self.pks[4])
        Session.objects.fork("one", "whole")

        for session_id, length in (("up to", 5), ("before", 4), ("whole", 11)):
            self.assertEqual(Session.objects.items(session_id), self.items[:length])

    async def test_async_twin(self) -> None:
        """afork() does the same."""
        await Session.objects.afork("one", "before", before=self.pks[4])

        self.assertEqual(await Session.objects.aitems("before"), self.items[:4])


class RefusalTests(TestCase):
    """Forks that are refused, after which nothing has changed."""

    def setUp(self) -> None:
        self.owner = User.objects.create_user("owner")
        self.session = stored("one", TURN, user=self.owner)

    def assert_refused(self, error: type[Exception], words: str, **options: Any) -> None:
        session = options.pop("session", self.session)
        before = list(Session.objects.order_by("pk").values()), Message.objects.count()
        with self.assertRaisesMessage(error, words):
            forked(session, **options)
        after = list(Session.objects.order_by("pk").values()), Message.objects.count()
        self.assertEqual(after, before)

    def test_two_ends(self) -> None:
        """`at` and `before` together are refused."""
        self.assert_refused(ValueError, "Pass one", at=1, before=1)

    def test_missing_turn(self) -> None:
        """A number without a turn is refused, and so is turn 0 if there is none."""
        for number in (-1, 0, 2):
            self.assert_refused(ValueError, f"has no turn {number}. Turns are", at=number)
            self.assert_refused(ValueError, f"has no turn {number}. Turns are", before=number)

    def test_message_of_another_session(self) -> None:
        """A message or turn of another session is refused."""
        new = forked(self.session)
        message = Message.objects.filter(session=new.session_id).first()
        turn = async_to_sync(new.get_conversation_turns)()[0]

        for place in (message, turn):
            self.assert_refused(ValueError, "is not in session 'one'", at=place)
            self.assert_refused(ValueError, "is not in session 'one'", before=place)

    def test_unsaved_message(self) -> None:
        """A message without an id is refused, instead of copying everything."""
        self.assert_refused(ValueError, "is not stored", at=Message(session_id="one"))

    def test_other_types(self) -> None:
        """A place that is not a number, turn or message raises TypeError."""
        for place in ("1", True, 1.0):
            self.assert_refused(TypeError, "Cannot fork a session at", at=place)

    def test_wrapper(self) -> None:
        """A wrapper is refused: its copy would still write to the original session inside."""
        session = encrypted("one", self.session)

        self.assert_refused(TypeError, "Cannot fork EncryptedSession", session=session)

    def test_missing_session(self) -> None:
        """A session that is not stored cannot be forked."""
        session = DjangoSession("new")

        self.assert_refused(ValueError, "There is no session 'new' to fork", session=session)
        self.assert_refused(
            ValueError,
            "has no turn 1. Turns are numbered from 1; number of turns: 0",
            session=session,
            at=1,
        )

    def test_taken_id(self) -> None:
        """The id of an existing session is refused, the parent's own included."""
        self.assert_refused(ValueError, "The id 'one' is taken", session_id="one")

    def test_invalid_id(self) -> None:
        """The new id is checked like any session id."""
        self.assert_refused(ValueError, "255 fit", session_id="x" * 256)
        with self.assertRaisesMessage(ValueError, "255 fit"):
            Session.objects.fork("one", "x" * 256)

    def test_other_integrity_error(self) -> None:
        """An integrity error that is not about the id is raised unchanged."""

        def fail(execute: Any, sql: str, *arguments: Any) -> Any:
            if sql.startswith("INSERT"):
                raise IntegrityError("for the test")
            return execute(sql, *arguments)

        with connections["default"].execute_wrapper(fail):
            self.assert_refused(IntegrityError, "for the test", session_id="two")

    def test_other_owner(self) -> None:
        """Another user's session cannot be forked, nor its turns counted."""
        session = DjangoSession("one", user=User.objects.create_user("other"))

        places: list[dict[str, Any]] = [
            {},
            {"at": 1},
            {"before": 9},
            {"at": Message.objects.first()},
        ]
        for place in places:
            self.assert_refused(SessionOwnershipError, "does not belong", session=session, **place)

    def test_filters(self) -> None:
        """A filtered queryset is refused: fork() would ignore the filters."""
        with self.assertRaisesMessage(TypeError, "ignores the filters"):
            Session.objects.owned_by(self.owner).fork("one", "two")


class GeneratedTests(HypothesisTestCase):
    """Forks at every turn of any session."""

    kinds = st.sampled_from([USER, CALL, OUTPUT, ANSWER, {}, {"role": "system", "content": "s"}])

    @given(st.lists(kinds, max_size=12), st.lists(st.booleans(), min_size=12, max_size=12))
    def test_prefixes(self, items: list[Item], blank: list[bool]) -> None:
        """A fork at a turn ends before the next turn; a fork before it ends before the turn."""
        session = stored("one", items)
        pks = list(Message.objects.order_by("pk").values_list("pk", flat=True))
        blanks = [pk for pk, is_blank in zip(pks, blank, strict=False) if is_blank]
        Message.objects.filter(pk__in=blanks).update(kind="", role="")
        starts = [at for at, item in enumerate(items) if item == USER]
        stops = [*starts, len(items)][1:]

        for number, (start, stop) in enumerate(zip(starts, stops, strict=False), start=1):
            self.assertEqual(items_of(forked(session, at=number)), items[:stop])
            self.assertEqual(items_of(forked(session, before=number)), items[:start])
