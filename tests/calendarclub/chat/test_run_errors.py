"""Every kind of API error has a sentence for the visitor, and the log never contains a key."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar

from agents.exceptions import MaxTurnsExceeded
from django.test import SimpleTestCase
from openai import AsyncOpenAI, OpenAIError

from agent_sessions import Session
from calendarclub.chat.run_errors import OTHERWISE, sentence_for

KEY = "sk-this-key-must-stay-secret"
SESSION = Session(session_id="s-1", user_id=7, title="Something private")


class Refusing(BaseHTTPRequestHandler):
    """An API that answers every request with the status in its path, quoting the key."""

    def do_POST(self) -> None:
        body = f'{{"error": {{"message": "You sent {self.headers["Authorization"]}"}}}}'.encode()
        self.send_response(int(self.path.split("/")[1]))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Keep the test's output quiet."""


class ExplainTests(SimpleTestCase):
    server: ClassVar[ThreadingHTTPServer]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
        cls.addClassCleanup(cls.server.server_close)
        Thread(target=cls.server.serve_forever, daemon=True).start()
        cls.addClassCleanup(cls.server.shutdown)

    async def failure_at(self, url: str) -> tuple[str, str]:
        """Return the sentence and the log of a real request that fails."""
        async with AsyncOpenAI(api_key=KEY, base_url=url, max_retries=0) as client:
            with self.assertRaises(OpenAIError) as caught:
                await client.responses.create(model="gpt-5-mini", input="hi")
        with self.assertLogs("calendarclub.chat", "ERROR") as logs:
            sentence = sentence_for(caught.exception, SESSION)
        return sentence, "\n".join(logs.output)

    async def test_status(self) -> None:
        """The sentence says who has to act. Neither it nor the log quotes the key."""
        words = {
            401: "does not accept this site's key",
            403: "may not use the language model",
            404: "CALENDARCLUB_MODEL",
            429: "busy",
            500: "internal error",
            418: OTHERWISE,
        }

        for status, expected in words.items():
            with self.subTest(status):
                url = f"http://127.0.0.1:{self.server.server_port}/{status}"
                sentence, log = await self.failure_at(url)
                self.assertIn(expected, sentence)
                self.assertIn("session 's-1' of user 7: ", log)
                self.assertIn(f"status {status}", log)
                self.assertNotIn(KEY, sentence + log)
                self.assertNotIn("private", log)

    async def test_api_down(self) -> None:
        """An API without a server cannot be reached."""
        sentence, log = await self.failure_at("http://127.0.0.1:9")  # the discard port

        self.assertIn("cannot be reached", sentence)
        self.assertIn("APIConnectionError", log)

    def test_too_many_steps(self) -> None:
        """A run that took too many steps suggests a more specific message."""
        with self.assertLogs("calendarclub.chat", "ERROR"):
            sentence = sentence_for(MaxTurnsExceeded("Max turns (10) exceeded"), SESSION)

        self.assertIn("more specific", sentence)

    def test_anything_else(self) -> None:
        """The details of an unexpected error are only in the log."""
        with self.assertLogs("calendarclub.chat", "ERROR") as logs:
            sentence = sentence_for(ZeroDivisionError("somewhere"), SESSION)

        self.assertEqual(sentence, OTHERWISE)
        self.assertIn("somewhere", logs.output[0])
        self.assertIn("session 's-1' of user 7.", logs.output[0])

    def test_conversation_of_a_browser(self) -> None:
        """The log says that a session has no owner."""
        with self.assertLogs("calendarclub.chat", "ERROR") as logs:
            sentence_for(ZeroDivisionError("somewhere"), Session(session_id="s-2"))

        self.assertIn("session 's-2' of nobody.", logs.output[0])
