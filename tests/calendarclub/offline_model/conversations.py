"""Conversations with the offline model, on the programme of a week."""

from __future__ import annotations

import json
import os
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import agents
from agents import Agent, Runner, RunResult, RunResultStreaming, SQLiteSession
from django.test import TestCase
from openai.types.responses import ResponseFunctionToolCall

from agent_sessions import Session
from calendarclub.chat.agents import calendar_club, run_config
from tests.calendarclub.programme import NOW, PROGRAMME, make_programme


@dataclass(frozen=True)
class Answered:
    """The calls of a turn without the quick picks, its picks, its text and the tools' outputs."""

    calls: list[tuple[str, dict[str, Any]]]
    picks: list[str]
    text: str
    outputs: list[dict[str, Any]]

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.calls]


def agent() -> Agent[Session]:
    with patch.dict(os.environ, {"OPENAI_API_KEY": ""}):
        return calendar_club(clock=lambda: NOW)


def answered(run: RunResult | RunResultStreaming) -> Answered:
    calls: list[tuple[str, dict[str, Any]]] = []
    outputs = []
    for item in run.new_items:
        if item.type == "tool_call_item":
            assert isinstance(item.raw_item, ResponseFunctionToolCall)
            calls.append((item.raw_item.name, json.loads(item.raw_item.arguments)))
        if item.type == "tool_call_output_item":
            outputs.append(json.loads(str(item.output)))
    *lookups, (name, arguments) = calls
    assert name == "offer_quick_picks", calls
    return Answered(lookups, arguments["picks"], str(run.final_output), outputs)


async def say(text: str, session: agents.Session | None = None) -> Answered:
    with patch.dict(os.environ, {"OPENAI_API_KEY": ""}):
        config = run_config()
    return answered(await Runner.run(agent(), text, session=session, run_config=config))


async def talk(*texts: str) -> list[Answered]:
    """Hold a conversation, and return its turns."""
    with closing(SQLiteSession("talk")) as session:
        return [await say(text, session) for text in texts]


class ConversationTestCase(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        make_programme()

    def assert_searched(self, turn: Answered, **expected: Any) -> None:
        """Check the only lookup of the turn. Arguments without a name have their defaults."""
        defaults = {"words": "", "category": "", "free_only": False}
        self.assertEqual(turn.calls, [("search_events", defaults | expected)])

    def assert_titles(self, turn: Answered, *titles: str) -> None:
        """Check which events of the programme the text names."""
        named = [title for title, *_ in PROGRAMME if title in turn.text]
        self.assertEqual(sorted(named), sorted(titles))
