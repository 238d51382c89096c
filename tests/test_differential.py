"""DjangoSession and SQLiteSession return the same after the same random operations."""

from __future__ import annotations

import itertools
import json
from typing import Any

from agents import SQLiteSession
from asgiref.sync import async_to_sync
from django.test import TransactionTestCase
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from agent_sessions import DjangoSession, Message
from tests.json_values import json_values, texts
from tests.sample_items import SAMPLES


def nested(depth: int) -> Any:
    """Return an item with `depth` levels of nesting."""
    item: Any = "bottom"
    for _ in range(depth):
        item = {"inner": item} if depth % 2 else [item]
    return item


session_numbers = itertools.count()
items = (
    st.sampled_from([sample.item for sample in SAMPLES.values()])
    | json_values
    | st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "content": texts})
    | st.integers(min_value=-(10**600), max_value=10**600)
    | st.integers(min_value=1, max_value=900).map(nested)
)
limits = st.none() | st.integers(min_value=-3, max_value=12) | st.just(2**31 - 1)
unreadable = st.sampled_from(["", "not JSON", '{"cut": ', "\x01", "nul"])


class SameAnswers(RuleBasedStateMachine):
    """Two sessions whose every answer is compared."""

    def __init__(self) -> None:
        super().__init__()
        name = f"random {next(session_numbers)}"
        self.ours = DjangoSession(name)
        self.theirs = SQLiteSession(name)

    def teardown(self) -> None:
        self.theirs.close()

    def both(self, method: str, *arguments: Any) -> None:
        ours = async_to_sync(getattr(self.ours, method))(*arguments)
        theirs = async_to_sync(getattr(self.theirs, method))(*arguments)
        # Compared as text, since 1, 1.0 and True are equal in Python.
        assert json.dumps(ours) == json.dumps(theirs), f"{method}: {ours!r} is not {theirs!r}"

    @rule(batch=st.lists(items, max_size=6))
    def add(self, batch: list[Any]) -> None:
        self.both("add_items", batch)

    @rule(batch=st.lists(items, min_size=1, max_size=2))
    def add_twice(self, batch: list[Any]) -> None:
        self.both("add_items", batch + batch)

    @rule(limit=limits)
    def read(self, limit: int | None) -> None:
        self.both("get_items", limit)

    @rule(limit=limits)
    def change_settings(self, limit: int | None) -> None:
        for session in (self.ours, self.theirs):
            assert session.session_settings is not None
            session.session_settings.limit = limit

    @rule()
    def pop(self) -> None:
        self.both("pop_item")

    @rule()
    def clear(self) -> None:
        self.both("clear_session")

    @rule(text=unreadable)
    def damage(self, text: str) -> None:
        """Store an unreadable row in both, if the session exists."""
        name = self.ours.session_id
        if not Message.objects.filter(session_id=name).exists():
            return
        Message.objects.create(session_id=name, message_data=text)
        self.theirs._shared_connection.execute(
            "INSERT INTO agent_messages (session_id, message_data) VALUES (?, ?)", (name, text)
        )
        self.theirs._shared_connection.commit()

    @invariant()
    def same_history(self) -> None:
        self.both("get_items", -1)


class DifferentialTests(TransactionTestCase):
    """The state machine as a test."""

    def test_same_answers(self) -> None:
        """Any operations in any order return the same from both."""
        run_state_machine_as_test(
            SameAnswers, settings=settings(max_examples=60, stateful_step_count=25, deadline=None)
        )
