"""A stand-in for OpenAI's Responses API on this machine, for OPENAI_BASE_URL.

It answers with the user messages of the request, so that a page shows what the session remembers.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Barrier, Semaphore, Thread
from types import TracebackType
from typing import Any, Self

WAIT_SECONDS = 120


class ModelApi:
    """The server, running inside a `with` block.

    It answers only once `together` requests are waiting, and calls `meanwhile` before the answers.
    Clients hold `gate` except while they wait for an answer, so that its size limits the number of
    clients that are at work at the same time.
    """

    def __init__(
        self,
        together: int = 1,
        meanwhile: Callable[[], None] = lambda: None,
        gate: Semaphore | None = None,
    ) -> None:
        self.barrier = Barrier(together, meanwhile, timeout=WAIT_SECONDS)
        self.gate = gate or Semaphore()

    def think(self) -> None:
        """Wait until all requests are there, outside the gate."""
        self.gate.release()
        self.barrier.wait()
        self.gate.acquire()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/v1"

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables that make a process use this server only."""
        return {
            "OPENAI_API_KEY": "sk-for-tests-only",
            "OPENAI_BASE_URL": self.url,
            "OPENAI_AGENTS_DISABLE_TRACING": "1",
        }

    def __enter__(self) -> Self:
        think = self.think

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                think()
                body = json.dumps(_response(asked)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Keep the output quiet."""

        class Server(ThreadingHTTPServer):
            request_queue_size = 256  # for many concurrent runs
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.server.shutdown()
        self.server.server_close()


def _response(asked: dict[str, Any]) -> dict[str, Any]:
    said = [item["content"] for item in asked["input"] if item.get("role") == "user"]
    text = {"type": "output_text", "text": f"You said: {' / '.join(said)}", "annotations": []}
    message = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed"}
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": int(time.time()),
        "model": asked["model"],
        "output": [message | {"content": [text]}],
        "parallel_tool_calls": False,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": 10,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 5,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 15,
        },
    }
