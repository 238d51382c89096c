"""turns.session_state: the database computes the same state as Python."""

from __future__ import annotations

import random

from django.test import TestCase

from agent_sessions import Message, Session
from agent_sessions.items.kinds import CALL_OF, OUTPUT_OF
from agent_sessions.turns.rows import COLUMNS, grouped_by_turn, read, state_of
from agent_sessions.turns.session_state import SessionState, state, states
from tests.contract import ANSWER, CALL, OUTPUT, TURN, USER

MESSAGES = [("message", role) for role in ("user", "assistant", "assistant", "system")]
OTHERS = [("reasoning", "assistant"), ("web_search_call", "assistant"), ("encrypted", "")]
SEARCHES = ["tool_search_call", "tool_search_output"]


def expected(session_id: str) -> SessionState:
    """Return the state of the last turn by Python, or unknown if a column is blank."""
    rows = Message.objects.filter(session=session_id).order_by("pk")
    turns = list(grouped_by_turn(read((*row, None) for row in rows.values_list(*COLUMNS))))
    if not turns:
        return "empty"
    last = turns[-1][1]
    return "unknown" if any(not row.kind for row in last) else state_of(last)


class RandomHistoriesTests(TestCase):
    """Random messages in random order."""

    def setUp(self) -> None:
        self.random = random.Random(5)

    def history(self, session_id: str, pairs: list[str], ids: int) -> list[Message]:
        """Return random messages, calls and outputs of these kinds among them."""
        kinds = [(kind, "") for kind in pairs] * 3 + MESSAGES + OTHERS[: self.random.randrange(3)]
        kinds += [("", "")] * (self.random.random() < 0.1) + OTHERS * (self.random.random() < 0.1)
        return [
            Message(
                session_id=session_id,
                message_data="{}",
                kind=kind,
                role=role,
                call_id=f"call {self.random.randrange(ids)}" if self.random.random() < 0.9 else "",
            )
            for kind, role in self.random.choices(kinds, k=self.random.randrange(12))
        ]

    def test_any_history(self) -> None:
        """The state is that of the last turn's rows in Python."""
        found: dict[str, SessionState] = {}
        for _ in range(4):
            Session.objects.all().delete()
            ids = [f"session {number}" for number in range(250)]
            Session.objects.bulk_create([Session(session_id=session_id) for session_id in ids])
            messages: list[Message] = []
            for session_id in ids:
                pairs = self.random.choice([["function_call", "function_call_output"], SEARCHES])
                pairs = self.random.choice([pairs, pairs, [*OUTPUT_OF, *CALL_OF]])
                messages += self.history(session_id, pairs, ids=self.random.randint(1, 4))
            Message.objects.bulk_create(messages)

            found = states(ids)

            self.assertEqual(found, {session_id: expected(session_id) for session_id in ids})
        self.assertEqual(len(set(found.values())), 5)


class StatesTests(TestCase):
    """states() and state()."""

    def test_states(self) -> None:
        """The states of several sessions take one statement."""
        for session_id, items in {
            "complete": TURN,
            "waiting": [USER, CALL],
            "incomplete": [USER, CALL, OUTPUT],
            "answered without the output": [USER, CALL, ANSWER],
            "unknown": [*TURN, {"__enc__": 1, "v": 1, "kid": "hkdf-v1", "payload": "gAAAA"}],
        }.items():
            Session.objects.append(session_id, items)
        Session.objects.create(session_id="empty")
        ids = Session.objects.values_list("pk", flat=True)

        with self.assertNumQueries(2):  # one is for the ids
            found = states(ids)

        self.assertEqual(found.pop("answered without the output"), "incomplete")
        self.assertEqual(found, {name: name for name in found})
        self.assertEqual(len(found), 5)

    def test_filter(self) -> None:
        """Sessions can be filtered by their state."""
        Session.objects.append("complete", TURN)
        Session.objects.append("waiting", [USER, CALL])

        found = Session.objects.alias(state=state()).filter(state="waiting")

        self.assertEqual([session.pk for session in found], ["waiting"])

    def test_rows_of_the_sdk(self) -> None:
        """A turn with blank columns is unknown, until another turn follows."""
        Session.objects.append("one", TURN)
        Message.objects.create(session_id="one", message_data="{}")
        Session.objects.append("one", [ANSWER])
        self.assertEqual(states(["one"]), {"one": "unknown"})

        Session.objects.append("one", TURN)
        self.assertEqual(states(["one"]), {"one": "complete"})

    def test_purged_content(self) -> None:
        """Purged messages count like others."""
        Session.objects.append("one", [USER, CALL])
        Message.objects.update(message_data="")

        self.assertEqual(states(["one"]), {"one": "waiting"})

    def test_repeated_call_id(self) -> None:
        """An output answers the newest call of its id; an earlier one stays open."""
        Session.objects.append("one", [USER, CALL, CALL, OUTPUT, ANSWER])
        self.assertEqual(states(["one"]), {"one": "incomplete"})

        Session.objects.append("two", [USER, CALL, OUTPUT, CALL, OUTPUT, ANSWER])
        self.assertEqual(states(["two"]), {"two": "complete"})
