"""States: what the database says is what Python says."""

from __future__ import annotations

import random
from typing import ClassVar

from django.test import TestCase

from agent_sessions import Message, Session
from agent_sessions.items.kinds import CALLS, OUTPUTS
from agent_sessions.turns.rows import COLUMNS, grouped_by_turn, read, state_of
from agent_sessions.turns.session_state import SessionState, state, states
from tests.contract import ANSWER, CALL, OUTPUT, TURN, USER

MESSAGES = [("message", role) for role in ("user", "assistant", "assistant", "system")]
OTHERS = [("reasoning", "assistant"), ("web_search_call", "assistant"), ("encrypted", "")]
SEARCHES = ["tool_search_call", "tool_search_output"]


def expected(session_id: str) -> SessionState:
    """Return what Python tells of the last turn, or unknown where the columns do not tell."""
    rows = Message.objects.filter(session=session_id).order_by("pk")
    turns = list(grouped_by_turn(read((*row, None) for row in rows.values_list(*COLUMNS))))
    if not turns:
        return "empty"
    last = turns[-1][1]
    return "unknown" if any(not row.kind for row in last) else state_of(last)


class RandomHistoriesTests(TestCase):
    """Whatever stands in a session, in whatever order."""

    seed: ClassVar[random.Random]

    def history(self, session_id: str, pairs: list[str], ids: int) -> list[Message]:
        """Return messages of calls and outputs of these kinds, among others."""
        kinds = [(kind, "") for kind in pairs] * 3 + MESSAGES + OTHERS[: self.seed.randrange(3)]
        kinds += [("", "")] * (self.seed.random() < 0.1) + OTHERS * (self.seed.random() < 0.1)
        return [
            Message(
                session_id=session_id,
                message_data="{}",
                kind=kind,
                role=role,
                call_id=f"call {self.seed.randrange(ids)}" if self.seed.random() < 0.9 else "",
            )
            for kind, role in self.seed.choices(kinds, k=self.seed.randrange(12))
        ]

    def test_any_history(self) -> None:
        """The state is the one that the rows of the last turn have in Python."""
        self.seed = random.Random(5)
        found: dict[str, SessionState] = {}
        for _ in range(4):
            Session.objects.all().delete()
            ids = [f"session {number}" for number in range(250)]
            Session.objects.bulk_create([Session(session_id=session_id) for session_id in ids])
            messages: list[Message] = []
            for session_id in ids:
                pairs = self.seed.choice([["function_call", "function_call_output"], SEARCHES])
                pairs = self.seed.choice([pairs, pairs, [*OUTPUTS, *CALLS]])
                messages += self.history(session_id, pairs, ids=self.seed.randint(1, 4))
            Message.objects.bulk_create(messages)

            found = states(ids)

            self.assertEqual(found, {session_id: expected(session_id) for session_id in ids})
        self.assertEqual(len(set(found.values())), 5)


class StatesTests(TestCase):
    def test_states(self) -> None:
        """Each state is told from the others, in one statement."""
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
        """Sessions can be found by their state."""
        Session.objects.append("complete", TURN)
        Session.objects.append("waiting", [USER, CALL])

        found = Session.objects.alias(state=state()).filter(state="waiting")

        self.assertEqual([session.pk for session in found], ["waiting"])

    def test_rows_of_the_sdk(self) -> None:
        """A turn with messages that have no columns is unknown, until another turn follows."""
        Session.objects.append("one", TURN)
        Message.objects.create(session_id="one", message_data="{}")
        Session.objects.append("one", [ANSWER])
        self.assertEqual(states(["one"]), {"one": "unknown"})

        Session.objects.append("one", TURN)
        self.assertEqual(states(["one"]), {"one": "complete"})

    def test_purged_content(self) -> None:
        """What a message was counts, also when its item is gone."""
        Session.objects.append("one", [USER, CALL])
        Message.objects.update(message_data="")

        self.assertEqual(states(["one"]), {"one": "waiting"})

    def test_an_id_given_again(self) -> None:
        """An output answers the newest call of its id, and the one before stays open."""
        Session.objects.append("one", [USER, CALL, CALL, OUTPUT, ANSWER])
        self.assertEqual(states(["one"]), {"one": "incomplete"})

        Session.objects.append("two", [USER, CALL, OUTPUT, CALL, OUTPUT, ANSWER])
        self.assertEqual(states(["two"]), {"two": "complete"})
