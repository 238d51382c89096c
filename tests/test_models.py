"""models: the operations on Session.objects, sessions and messages."""

from __future__ import annotations

import pickle
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.test import TestCase

from agent_sessions import ItemError, Message, Session, SessionOwnershipError
from tests.contract import ANSWER, TURN, USER


class SessionQuerySetTests(TestCase):
    """The operations on Session.objects, for sync code."""

    def test_append_and_items(self) -> None:
        """Appended items are read in order; a limit returns the newest."""
        Session.objects.append("one", TURN)

        self.assertEqual(Session.objects.items("one"), TURN)
        self.assertEqual(Session.objects.items("one", 1), [ANSWER])

    def test_append_any_iterable(self) -> None:
        """A batch may be any iterable."""
        Session.objects.append("one", (item for item in TURN))

        self.assertEqual(Session.objects.items("one"), TURN)

    def test_pop_replace_clear(self) -> None:
        """pop(), replace() and clear() do the same as on DjangoSession."""
        Session.objects.append("one", TURN)

        self.assertEqual(Session.objects.pop("one"), ANSWER)
        Session.objects.replace("one", [USER])
        self.assertEqual(Session.objects.items("one"), [USER])
        Session.objects.clear("one")
        self.assertFalse(Session.objects.exists())

    def test_id_is_checked(self) -> None:
        """An id that is too long is refused before anything is written."""
        with self.assertRaisesMessage(ValueError, "255 fit"):
            Session.objects.append("x" * 256, [USER])

        self.assertFalse(Session.objects.exists())

    def test_owner_is_checked(self) -> None:
        """An unsaved user is refused before anything is read or written."""
        Session.objects.append("nobody's", [USER])
        unsaved = User(username="not saved")

        for operation in (Session.objects.items, Session.objects.pop, Session.objects.clear):
            with self.assertRaisesMessage(ValueError, "anonymous or not saved"):
                operation("nobody's", user=unsaved)
        with self.assertRaisesMessage(ValueError, "anonymous or not saved"):
            Session.objects.append("new", [USER], user=unsaved)

        self.assertEqual(Session.objects.items("nobody's"), [USER])

    def test_filters_are_refused(self) -> None:
        """Filtered querysets are refused: the operations would ignore the filters."""
        owner = User.objects.create_user("owner")
        Session.objects.append("nobody's", [USER])
        filtered: list[Any] = [  # querysets and a related manager
            Session.objects.owned_by(owner),
            owner.agent_sessions,
            Session.objects.all()[:1],
        ]

        for sessions in filtered:
            with self.assertRaisesMessage(TypeError, "ignores the filters"):
                sessions.items("nobody's")
            with self.assertRaisesMessage(TypeError, "ignores the filters"):
                sessions.append("nobody's", [ANSWER])
            with self.assertRaisesMessage(TypeError, "ignores the filters"):
                sessions.pop("nobody's")

        self.assertEqual(Session.objects.items("nobody's"), [USER])

    def test_error_survives_pickling(self) -> None:
        """SessionOwnershipError can be pickled, as a task queue does."""
        error = pickle.loads(pickle.dumps(SessionOwnershipError("one")))

        self.assertEqual(str(error), str(SessionOwnershipError("one")))

    def test_part_of_a_larger_transaction(self) -> None:
        """Items appended inside atomic() are rolled back with it."""
        with self.assertRaises(RuntimeError), transaction.atomic():
            Session.objects.append("one", TURN)
            raise RuntimeError

        self.assertEqual(Session.objects.items("one"), [])

    def test_refusal_leaves_the_transaction_usable(self) -> None:
        """A refused append leaves the transaction around it usable."""
        owner, other = (User.objects.create_user(name) for name in ("owner", "other"))
        Session.objects.append("one", [USER], user=owner)

        with self.assertRaises(SessionOwnershipError):
            Session.objects.append("one", [ANSWER], user=other)

        self.assertEqual(Session.objects.items("one", user=owner), [USER])

    def test_owned_by(self) -> None:
        """owned_by() returns the sessions of one user."""
        owner, other = (User.objects.create_user(name) for name in ("owner", "other"))
        Session.objects.append("hers", [USER], user=owner)
        Session.objects.append("his", [USER], user=other)
        Session.objects.append("nobody's", [USER])

        self.assertEqual([session.pk for session in Session.objects.owned_by(owner)], ["hers"])

    def test_error_of_a_batch(self) -> None:
        """A batch with an item that is not JSON stores nothing."""
        with self.assertRaisesMessage(ItemError, "items[1] is a object"):
            Session.objects.append("one", [USER, object()])

        self.assertFalse(Session.objects.exists())


class SessionTests(TestCase):
    """Session."""

    def test_name(self) -> None:
        """The text of a session is its id; its title is content."""
        self.assertEqual(str(Session(session_id="one")), "one")
        self.assertEqual(str(Session(session_id="one\u202e", title="Jazz")), "one⟨U+202E⟩")

    def test_deleted_owner(self) -> None:
        """Deleting a user deletes the user's sessions."""
        owner = User.objects.create_user("owner")
        Session.objects.append("one", TURN, user=owner)

        owner.delete()

        self.assertFalse(Message.objects.exists())

    def test_fork_outlives_its_parent(self) -> None:
        """Clearing a session keeps its forks."""
        Session.objects.append("parent", TURN)
        Session.objects.create(session_id="fork", parent_id="parent")

        Session.objects.clear("parent")

        self.assertIsNone(Session.objects.get(pk="fork").parent)


class MessageTests(TestCase):
    """Message."""

    def test_item_and_entry(self) -> None:
        """A message has its item, and an entry for reading."""
        Session.objects.append("one", [USER])
        message = Message.objects.get()

        self.assertEqual(message.item, USER)
        self.assertEqual((message.entry.label, message.entry.text), ("User", "Any jazz tonight?"))
        self.assertEqual(str(message), f"message {message.pk}")

    def test_row_of_the_sdk(self) -> None:
        """A row with blank columns has the same entry, from its item."""
        Session.objects.create(session_id="one")
        Message.objects.create(session_id="one", message_data='{"role": "user", "content": "Hi"}')
        message = Message.objects.get()

        self.assertEqual((message.entry.label, message.entry.text), ("User", "Hi"))
        self.assertEqual(str(message), f"message {message.pk}")

    def test_unreadable_row(self) -> None:
        """The entry of a row that is not JSON is its text."""
        message = Message(message_data="not JSON")

        self.assertEqual((message.entry.label, message.entry.text), ("Unreadable", "not JSON"))
