"""items.reported_errors: the errors that an item reports, and failed tools."""

from __future__ import annotations

import asyncio
import logging
from io import StringIO
from typing import Any

from agents import Agent, RunConfig, Runner, function_tool
from agents.testing import ScriptedModel, assistant_message, function_call
from asgiref.sync import sync_to_async
from django.test import SimpleTestCase, TransactionTestCase

from agent_sessions import DjangoSession, Message, Session, fork
from agent_sessions.items import Item
from agent_sessions.items.columns import columns
from agent_sessions.items.reported_errors import NOT_APPROVED, TOOL_FAILED, faults_of, tool_failed
from agent_sessions.transfer import imported, lines
from tests.sdk_sessions import needs_a_file, sqlite_session


def output(said: Any = "[]", **more: Any) -> Item:
    return {"type": "function_call_output", "call_id": "c", "output": said, **more}


def hosted(kind: str, **more: Any) -> Item:
    return {"type": kind, "id": "h", **more}


def shell(outcome: Any) -> Item:
    outputs = [{"stdout": "", "stderr": "", "outcome": outcome}]
    return {"type": "shell_call_output", "call_id": "c", "output": outputs}


FAILED: list[tuple[Item, list[str]]] = [
    (output(status="failed"), ["failed"]),
    (output(status="incomplete", error="x"), ["incomplete", "error"]),
    (output(f"{TOOL_FAILED}. Please try again."), ["error"]),
    (output("Tool 'refund' timed out after 1.5 seconds."), ["timed out"]),
    (output("Tool 'refund' not found."), ["no such tool"]),
    (shell({"type": "exit", "exit_code": 2}), ["exit code 2"]),
    (shell({"type": "timeout"}), ["timed out"]),
    (hosted("mcp_call", error="no such host", output=None), ["error"]),
    (hosted("mcp_call", error={"code": 500}), ["error"]),
    (hosted("mcp_list_tools", error="no such host"), ["error"]),
    (hosted("web_search_call", status="failed"), ["failed"]),
    (hosted("code_interpreter_call", status="incomplete"), ["incomplete"]),
    (hosted("telepathy_call", status="failed"), ["failed"]),
    ({"type": "apply_patch_call_output", "call_id": "c", "status": "failed"}, ["failed"]),
]
DONE: list[Item] = [
    output(),
    output("The customer said: Tool 'refund' not found. What now?"),
    output([{"type": "input_text", "text": "found"}]),
    output(status=["failed"]),
    shell({"type": "exit", "exit_code": 0}),
    shell(None),
    {"type": "shell_call_output", "call_id": "c", "output": ["x"]},
    hosted("web_search_call", status="completed"),
    hosted("mcp_call", error=None, output="12 degrees"),
    hosted("mcp_list_tools", tools=[]),
]
NO_RESULT: list[Item] = [
    {"role": "user", "content": f"{TOOL_FAILED}."},
    {"type": "function_call", "call_id": "c", "name": "refund", "arguments": ""},
    {"type": "function_call", "call_id": "c", "name": "refund", "status": "incomplete"},
    {"type": "reasoning", "summary": [], "status": "incomplete"},
    hosted("web_search_call", status="searching"),
    hosted("image_generation_call", status="generating"),
    {"__enc__": 1, "v": 1, "kid": "k", "payload": "gAAAA"},
    {"type": "mcp_approval_request", "id": "a", "name": "refund"},
]
DECLINED: list[Item] = [
    output(NOT_APPROVED),
    # The SDK gives a declined patch the status of a failed one.
    {"type": "apply_patch_call_output", "call_id": "c", "output": NOT_APPROVED, "status": "failed"},
]


class FaultsTests(SimpleTestCase):
    """faults_of() and tool_failed()."""

    def test_failed(self) -> None:
        """Every way to report a failure is recognized, of hosted tools too."""
        for item, faults in FAILED:
            with self.subTest(item):
                self.assertEqual(faults_of(item["type"], item), faults)
                self.assertIs(tool_failed(item["type"], item), True)

    def test_done(self) -> None:
        """A result that reports no failure has not failed."""
        for item in DONE:
            with self.subTest(item):
                self.assertEqual(faults_of(item["type"], item), [])
                self.assertIs(tool_failed(item["type"], item), False)

    def test_no_result(self) -> None:
        """An item without a result has no known failure or success."""
        for item in NO_RESULT:
            with self.subTest(item):
                self.assertIs(columns(item).tool_failed, None)

    def test_declined(self) -> None:
        """A declined call is reported as not approved, and has not failed."""
        for item in DECLINED:
            with self.subTest(item):
                self.assertEqual(faults_of(item["type"], item)[-1], "not approved")
                self.assertIs(tool_failed(item["type"], item), False)


@function_tool
def broken() -> str:
    raise OSError("no refunds today")


@function_tool(timeout=0.01)
async def slow() -> str:
    await asyncio.sleep(60)
    return "late"


@function_tool
def fine() -> str:
    return "done"


class StoredFailuresTests(TransactionTestCase):
    """Message.tool_failed."""

    async def run_with(self, *names: str) -> None:
        """Run an agent that calls the tools of these names, and then answers."""
        calls = [function_call(name, {}, call_id=name) for name in names]
        agent = Agent(
            name="Desk",
            model=ScriptedModel([calls, [assistant_message("Sorry.")]]),
            tools=[broken, slow, fine],
        )
        config = RunConfig(tool_not_found_behavior="return_error_to_model")
        logging.disable(logging.ERROR)  # the SDK logs the tool's exception
        try:
            await Runner.run(agent, "Refund me", session=DjangoSession("one"), run_config=config)
        finally:
            logging.disable(logging.NOTSET)

    async def failures(self, session_id: str = "one") -> dict[str, bool | None]:
        """Return whether each tool failed, by the id of its call."""
        rows = Message.objects.filter(session=session_id, kind="function_call_output")
        return {call: failed async for call, failed in rows.values_list("call_id", "tool_failed")}

    async def test_a_run(self) -> None:
        """The outputs that the SDK stores for failed tools are recognized."""
        await self.run_with("broken", "slow", "fine", "missing")

        expected = {"broken": True, "slow": True, "fine": False, "missing": True}
        self.assertEqual(await self.failures(), expected)

    async def test_copies(self) -> None:
        """A fork, an import and a purged session keep the failures."""
        session = DjangoSession("one")
        await session.add_items([item for item, _ in FAILED] + DONE)
        row = await Session.objects.aget(pk="one")
        expected = [True] * len(FAILED) + [False] * len(DONE)

        copy = await fork(session, session_id="copy")
        text = await sync_to_async(lambda: "".join(lines(row)))()
        await DjangoSession("import").add_items([*imported(StringIO(text))])
        await Session.objects.apurge("one")

        for session_id in ("one", copy.session_id, "import"):
            found = Message.objects.filter(session=session_id).order_by("pk")
            known = [failed async for failed in found.values_list("tool_failed", flat=True)]
            self.assertEqual(known, expected)

    @needs_a_file
    async def test_rows_of_the_sdk(self) -> None:
        """Rows written by the SDK have no known failure or success."""
        async with sqlite_session("one") as theirs:
            await theirs.add_items([item for item, _ in FAILED])

        found = Message.objects.values_list("tool_failed", flat=True)
        self.assertEqual({failed async for failed in found}, {None})
