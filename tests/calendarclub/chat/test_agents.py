"""The agent, its model, and the API that it uses."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar
from unittest.mock import patch

from agents import RunContextWrapper, Runner
from agents.agent import Agent
from django.core.exceptions import ImproperlyConfigured
from django.test import SimpleTestCase, override_settings

from agent_sessions import Session
from calendarclub.chat.agents import calendar_club, is_offline, run_config
from calendarclub.offline_model import OfflineModel
from calendarclub.offline_model.model import present
from tests.calendarclub.programme import NOW

NAMES = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "CALENDARCLUB_API")


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """Set these of the agent's variables, and unset the others."""
    with patch.dict(os.environ, {name: values.get(name, "") for name in NAMES}):
        for name in NAMES:
            if not os.environ[name]:
                del os.environ[name]
        yield


class CompatibleServer(BaseHTTPRequestHandler):
    """Answer "Hello." in either API, and keep the requests."""

    requests: ClassVar[list[tuple[str, dict[str, Any], str]]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.requests.append((self.path, body, self.headers["Authorization"]))
        answer = json.dumps(CHAT if self.path.endswith("/chat/completions") else RESPONSE).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args: Any) -> None:
        """Stay silent."""


CHAT = {
    "id": "chat_1",
    "object": "chat.completion",
    "created": 0,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": "Hello."},
        }
    ],
}
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 0,
    "model": "m",
    "status": "completed",
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "output": [
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Hello.", "annotations": []}],
        }
    ],
}


@contextmanager
def serving() -> Iterator[str]:
    CompatibleServer.requests.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), CompatibleServer) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            server.shutdown()
            thread.join()


class CalendarClubTests(SimpleTestCase):
    def test_offline(self) -> None:
        """Without a key the offline model answers."""
        with environment():
            agent = calendar_club()

            self.assertTrue(is_offline())

        self.assertIsInstance(agent.model, OfflineModel)
        self.assertEqual(agent.name, "Calendar Club")

    @override_settings(CALENDARCLUB_MODEL="gpt-of-this-site")
    def test_online(self) -> None:
        """With a key the model is that of the setting."""
        with environment(OPENAI_API_KEY="key"):
            agent = calendar_club()

            self.assertFalse(is_offline())

        self.assertEqual(agent.model, "gpt-of-this-site")

    async def test_instructions(self) -> None:
        """The instructions contain the time, weekday and zone, as the offline model reads them."""
        with environment():
            agent = calendar_club(clock=lambda: NOW)

        text = await instructions_of(agent)

        self.assertIn("2040-11-28T15:05+01:00 (Wednesday), time zone Europe/Amsterdam", text)
        self.assertEqual(present(text), NOW)

    async def test_instructions_with_the_real_clock(self) -> None:
        """Without a clock the instructions contain the time of the call."""
        with environment():
            text = await instructions_of(calendar_club())

        self.assertIn(f"{present(text):%A}", text)

    def test_tools(self) -> None:
        """The agent has four tools."""
        with environment():
            names = [tool.name for tool in calendar_club().tools]

        self.assertEqual(
            names, ["search_events", "refine_results", "find_similar", "offer_quick_picks"]
        )


class RunConfigTests(SimpleTestCase):
    def test_tracing(self) -> None:
        """Traces are sent if the model is at OpenAI, and never otherwise."""
        cases = [
            ({}, True),
            ({"OPENAI_API_KEY": "key"}, False),
            ({"OPENAI_API_KEY": "key", "OPENAI_BASE_URL": "https://eu.api.openai.com/v1"}, False),
            ({"OPENAI_API_KEY": "key", "OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}, True),
            ({"OPENAI_API_KEY": "key", "OPENAI_BASE_URL": "https://notopenai.com/v1"}, True),
            ({"OPENAI_API_KEY": "key", "OPENAI_BASE_URL": "nonsense"}, True),
        ]

        for values, disabled in cases:
            with self.subTest(values), environment(**values):
                self.assertEqual(run_config().tracing_disabled, disabled)

    def test_unknown_api(self) -> None:
        """An unknown CALENDARCLUB_API raises an error that names the known ones."""
        with (
            environment(OPENAI_API_KEY="key", CALENDARCLUB_API="soap"),
            self.assertRaisesMessage(ImproperlyConfigured, "'soap' is neither"),
        ):
            run_config()

    @override_settings(CALENDARCLUB_MODEL="some-lab/some-model")
    async def test_another_server(self) -> None:
        """OPENAI_BASE_URL gets requests of the chosen API, with the model's name unchanged."""
        cases = {"": "/v1/responses", "chat_completions": "/v1/chat/completions"}
        for api, path in cases.items():
            with self.subTest(api), serving() as url:
                values = {"OPENAI_API_KEY": "a key", "OPENAI_BASE_URL": url}
                with environment(**values, CALENDARCLUB_API=api):
                    run = await Runner.run(calendar_club(), "Hi", run_config=run_config())

                self.assertEqual(run.final_output, "Hello.")
                ((asked, body, authorization),) = CompatibleServer.requests
                self.assertEqual(asked, path)
                self.assertEqual(body["model"], "some-lab/some-model")
                self.assertEqual(len(body["tools"]), 4)
                self.assertEqual(authorization, "Bearer a key")


async def instructions_of(agent: Agent[Session]) -> str:
    text = await agent.get_system_prompt(RunContextWrapper(Session()))
    assert text is not None
    return text
