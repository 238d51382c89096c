"""models: the operations for sync code, and rows as objects."""

from __future__ import annotations

import pickle

from django.contrib.auth.models import User
from django.db import transaction
from django.test import TestCase

from agent_sessions import ItemError, Message, Session, SessionOwnershipError
from tests.contract import ANSWER, TURN, USER


class SessionQuerySetTests(TestCase):
    """The operations of DjangoSession, without async."""

    def test_append_and_items(self) -> None:
        """Items appended are read in order, the newest few on request."""
        Session.objects.append("one", TURN)

        self.assertEqual(Session.objects.items("one"), TURN)
        self.assertEqual(Session.objects.items("one", 1), [ANSWER])

    def test_append_any_iterable(self) -> None:
        """A generator of items is a batch like a list."""
        Session.objects.append("one", (item for item in TURN))

        self.assertEqual(Session.objects.items("one"), TURN)

    def test_pop_replace_clear(self) -> None:
        """The rest of the protocol works the same."""
        Session.objects.append("one", TURN)

        self.assertEqual(Session.objects.pop("one"), ANSWER)
        Session.objects.replace("one", [USER])
        self.assertEqual(Session.objects.items("one"), [USER])
        Session.objects.clear("one")
        self.assertFalse(Session.objects.exists())

    def test_id_is_checked(self) -> None:
        """An id that some database would cut is refused before anything is written."""
        with self.assertRaisesMessage(ValueError, "255 fit"):
            Session.objects.append("x" * 256, [USER])

        self.assertFalse(Session.objects.exists())

    def test_owner_is_checked(self) -> None:
        """A user that is not saved is no user; nothing is read or written in its name."""
        Session.objects.append("nobody's", [USER])
        unsaved = User(username="not saved")

        for operation in (Session.objects.items, Session.objects.pop, Session.objects.clear):
            with self.assertRaisesMessage(ValueError, "anonymous or not saved"):
                operation("nobody's", user=unsaved)
        with self.assertRaisesMessage(ValueError, "anonymous or not saved"):
            Session.objects.append("new", [USER], user=unsaved)

        self.assertEqual(Session.objects.items("nobody's"), [USER])

    def test_filters_are_refused(self) -> None:
        """A queryset whose filters an operation would not heed has no operations."""
        owner = User.objects.create_user("owner")
        Session.objects.append("nobody's", [USER])
        filtered = [
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
        """The refusal of a session crosses processes, as in a task queue, in one piece."""
        error = pickle.loads(pickle.dumps(SessionOwnershipError("one")))

        self.assertEqual(str(error), str(SessionOwnershipError("one")))

    def test_part_of_a_larger_transaction(self) -> None:
        """What is appended inside atomic() goes with it when it is rolled back."""
        with self.assertRaises(RuntimeError), transaction.atomic():
            Session.objects.append("one", TURN)
            raise RuntimeError

        self.assertEqual(Session.objects.items("one"), [])

    def test_refusal_leaves_the_transaction_usable(self) -> None:
        """A refused append undoes itself and nothing else of the transaction around it."""
        owner, other = (User.objects.create_user(name) for name in ("owner", "other"))
        Session.objects.append("one", [USER], user=owner)

        with self.assertRaises(SessionOwnershipError):
            Session.objects.append("one", [ANSWER], user=other)

        self.assertEqual(Session.objects.items("one", user=owner), [USER])

    def test_owned_by(self) -> None:
        """A user's sessions are those that the user made."""
        owner, other = (User.objects.create_user(name) for name in ("owner", "other"))
        Session.objects.append("hers", [USER], user=owner)
        Session.objects.append("his", [USER], user=other)
        Session.objects.append("nobody's", [USER])

        self.assertEqual([session.pk for session in Session.objects.owned_by(owner)], ["hers"])

    def test_error_of_a_batch(self) -> None:
        """A batch with an item that is not JSON stores none of it."""
        with self.assertRaisesMessage(ItemError, "items[1] is a object"):
            Session.objects.append("one", [USER, object()])

        self.assertFalse(Session.objects.exists())


class SessionTests(TestCase):
    """A session as an object."""

    def test_name(self) -> None:
        """A session is called by its id, never by its title, which is content."""
        self.assertEqual(str(Session(session_id="one")), "one")
        self.assertEqual(str(Session(session_id="one\u202e", title="Jazz")), "one⟨U+202E⟩")

    def test_goes_with_its_owner(self) -> None:
        """Deleting a person deletes the person's conversations."""
        owner = User.objects.create_user("owner")
        Session.objects.append("one", TURN, user=owner)

        owner.delete()

        self.assertFalse(Message.objects.exists())

    def test_fork_outlives_its_parent(self) -> None:
        """Clearing a session leaves those that began as its copy."""
        Session.objects.append("parent", TURN)
        Session.objects.create(session_id="fork", parent_id="parent")

        Session.objects.clear("parent")

        self.assertIsNone(Session.objects.get(pk="fork").parent)


class MessageTests(TestCase):
    """A message as an object."""

    def test_item_and_entry(self) -> None:
        """A message gives its item, and the item as a person reads it."""
        Session.objects.append("one", [USER])
        message = Message.objects.get()

        self.assertEqual(message.item, USER)
        self.assertEqual((message.entry.label, message.entry.text), ("User", "Any jazz tonight?"))
        self.assertEqual(str(message), f"message {message.pk}")

    def test_row_of_the_sdk(self) -> None:
        """A row without columns reads the same, for they are in the item."""
        Session.objects.create(session_id="one")
        Message.objects.create(session_id="one", message_data='{"role": "user", "content": "Hi"}')
        message = Message.objects.get()

        self.assertEqual((message.entry.label, message.entry.text), ("User", "Hi"))
        self.assertEqual(str(message), f"message {message.pk}")

    def test_unreadable_row(self) -> None:
        """A row that is not JSON shows what it holds."""
        message = Message(message_data="not JSON")

        self.assertEqual((message.entry.label, message.entry.text), ("Unreadable", "not JSON"))
