"""recording: the agent and the tokens of each step of a run."""

from __future__ import annotations

import asyncio
from typing import Any

import agents
from agents import Agent, GuardrailFunctionOutput, RunContextWrapper, Runner, input_guardrail
from agents.testing import ModelStep, ScriptedModel, assistant_message
from django.test import SimpleTestCase, TestCase, TransactionTestCase, override_settings
from openai.types.responses.response_usage import OutputTokensDetails

from agent_sessions import DjangoSession, Message, recording
from agent_sessions.items.columns import columns
from agent_sessions.models.usage import Usage
from agent_sessions.usage.steps import Tokens
from tests.contract import ANSWER, OUTPUT, USER
from tests.event_loop import loop_of_this_thread
from tests.priced_agents import calls, club, says
from tests.recording_contract import Encrypted, Owned, Recording, Traced


class RecordedRuns(Recording):
    """Runs of every kind, whose rows add up to the SDK's own counter."""

    async def test_run(self) -> None:
        """Each step has a row with its agent, tokens, trace and last message."""
        result = await self.run_club(club(calls("search_events", tokens=10), says("None.", 20)))

        await self.assert_spent(result.context_wrapper.usage)
        self.assertEqual(
            await self.rows(), [Tokens(1, 10, 1, 10, 1, 20), Tokens(1, 20, 2, 20, 2, 40)]
        )
        steps = [step async for step in Usage.objects.order_by("pk")]
        ids = await self.values("pk", Message)
        self.assertEqual([step.message_id for step in steps], [ids[2], ids[3]])
        self.assertEqual({step.agent_name for step in steps}, {"Calendar Club"})
        self.assertEqual({bool(step.trace_id) for step in steps}, {self.is_traced})
        self.assertEqual(len({step.run_id for step in steps}), 1)
        self.assertEqual(await self.values("agent_name", Message), ["", *["Calendar Club"] * 3])

    async def test_streamed(self) -> None:
        """A streamed run is recorded like any other run."""
        agent = club(calls("search_events", tokens=10), says("None.", 20))

        result = Runner.run_streamed(agent, "Any jazz?", session=self.session)
        async for _ in result.stream_events():
            pass

        await self.assert_spent(result.context_wrapper.usage)
        self.assertEqual(len(await self.rows()), 2)

    async def test_several_runs(self) -> None:
        """Each run on a session has its own run id and its own tokens."""
        for tokens in (10, 20):
            result = await self.run_club(club(says("None.", tokens)))
            self.assertEqual(result.context_wrapper.usage.total_tokens, 2 * tokens)

        self.assertEqual([row.total_tokens for row in await self.rows()], [20, 40])
        self.assertEqual(len(set(await self.values("run_id", Usage))), 2)

    async def test_tools_in_parallel(self) -> None:
        """The tool calls of one response are one step."""
        result = await self.run_club(
            club(calls("search_events", "search_events", tokens=10), says("None.", 20))
        )

        await self.assert_spent(result.context_wrapper.usage)
        self.assertEqual(len(await self.rows()), 2)

    async def test_handoff(self) -> None:
        """A step belongs to its agent; a handoff belongs to the agent that hands off."""
        bookings = club(says("Booked.", 20), name="Bookings")
        triage = club(calls("transfer_to_bookings", tokens=10), name="Triage", handoffs=[bookings])

        result = await self.run_club(triage)

        await self.assert_spent(result.context_wrapper.usage)
        self.assertEqual(await self.values("agent_name", Usage), ["Triage", "Bookings"])
        self.assertEqual(
            await self.values("agent_name", Message), ["", "Triage", "Triage", "Bookings"]
        )

    async def test_agent_as_tool(self) -> None:
        """The cost of an agent used as a tool is part of the step that called it."""
        expert = club(says("Jazz is a music.", 7), name="Expert")
        agent = club(
            calls("ask", tokens=10, input="What is jazz?"),
            says("Done.", 20),
            tools=[expert.as_tool("ask", "Ask an expert.")],
        )

        result = await self.run_club(agent)

        await self.assert_spent(result.context_wrapper.usage)
        self.assertEqual([row.requests for row in await self.rows()], [2, 1])

    async def test_agent_as_tool_that_remembers(self) -> None:
        """An agent used as a tool with its own session is recorded there and not counted twice."""
        expert = club(says("Jazz is a music.", 7), name="Expert")
        agent = club(
            calls("ask", tokens=10, input="What is jazz?"),
            says("Done.", 20),
            tools=[expert.as_tool("ask", "Ask.", session=self.make_session("expert"))],
        )

        result = await self.run_club(agent)

        await self.assert_spent(result.context_wrapper.usage)
        of_session = Usage.objects.order_by("pk").values_list("session_id", "total_tokens")
        self.assertEqual(
            [row async for row in of_session], [("expert", 14), ("one", 20), ("one", 40)]
        )

    async def test_agents_as_tools_at_once(self) -> None:
        """Agents that work as tools at the same time are all counted, in any order."""
        names = ["one", "two", "three"]
        tools = [
            club(says(name, 7), name=name).as_tool(
                f"ask_{name}", "Ask.", session=self.make_session(f"expert {name}")
            )
            for name in names
        ]
        agent = club(
            calls(*(f"ask_{name}" for name in names), tokens=10, input="Jazz?"),
            says("Done.", 20),
            tools=tools,
        )

        result = await self.run_club(agent)

        await self.assert_spent(result.context_wrapper.usage)
        self.assertEqual([row.total_tokens for row in await self.rows()][-1], 40)

    async def test_runs_at_once_on_one_object(self) -> None:
        """Each of two concurrent runs on one session object is charged its own steps only."""
        both_began = asyncio.Barrier(2)

        def waiting(name: str, tokens: int) -> Agent[Any]:
            async def think(call: Any) -> ModelStep:
                await both_began.wait()
                return says(name, tokens)

            steps = [ModelStep.respond(think), says(f"{name} again", tokens + 1)]
            return Agent(name, model=ScriptedModel(steps))

        results = await asyncio.gather(
            *(self.run_club(waiting(*one)) for one in (("slow", 10), ("fast", 100)))
        )

        total = agents.Usage()
        for result in results:
            total.add(result.context_wrapper.usage)
        await self.assert_spent(total)
        rows = Usage.objects.order_by("total_tokens").values_list("agent_name", "total_tokens")
        self.assertEqual([row async for row in rows], [("slow", 20), ("fast", 200)])

    async def test_tool_that_raises(self) -> None:
        """record_run() stores, once, the tokens that a failed run spent after its last step."""
        agent = club(calls("search_events", tokens=10), calls("breaks", tokens=20))

        with self.assertRaises(agents.UserError) as raised:
            await self.run_club(agent)

        self.assertEqual([row.total_tokens for row in await self.rows()], [20])
        data = raised.exception.run_data
        assert data is not None
        for _ in ("once", "again"):
            await DjangoSession("one").record_run(data)
            await self.assert_spent(data.context_wrapper.usage)

    async def test_too_many_turns(self) -> None:
        """A run that is stopped by max_turns has recorded all of its tokens."""
        agent = club(calls("search_events", tokens=10))

        with self.assertRaises(agents.MaxTurnsExceeded) as raised:
            await self.run_club(agent, max_turns=1)

        data = raised.exception.run_data
        assert data is not None
        await self.assert_spent(data.context_wrapper.usage)

    async def test_input_guardrail(self) -> None:
        """A run that is refused before it calls a model has no usage."""

        @input_guardrail(run_in_parallel=False)
        async def guard(context: Any, agent: Any, items: Any) -> GuardrailFunctionOutput:
            return GuardrailFunctionOutput(None, tripwire_triggered=True)

        with self.assertRaises(agents.InputGuardrailTripwireTriggered):
            await self.run_club(club(says("None.", 10), input_guardrails=[guard]))

        self.assertEqual(await self.rows(), [])

    async def test_reused_context(self) -> None:
        """A context that other runs have used adds none of their cost."""
        context: RunContextWrapper[Any] = RunContextWrapper(context=None)
        await Runner.run(club(says("None.", 100)), "Elsewhere", context=context)

        for tokens in (10, 20):
            await self.run_club(club(says("None.", tokens)), context=context)

        self.assertEqual([row.total_tokens for row in await self.rows()], [20, 40])

    async def test_run_without_a_message(self) -> None:
        """A run without a new message, in the trace of an earlier run, is another run."""
        with agents.trace("An evening"):
            for tokens, message in ((10, "Any jazz?"), (20, [])):
                await self.run_club(club(says("None.", tokens)), message)

        self.assertEqual([row.total_tokens for row in await self.rows()], [20, 40])
        self.assertEqual(len(set(await self.values("run_id", Usage))), 2)

    async def test_silent_provider(self) -> None:
        """A count that the provider leaves out is unknown, not 0."""
        step = ModelStep(output=[assistant_message("None.")], usage=agents.Usage(requests=1))
        await self.run_club(club(step))
        silent = await self.run_club(Agent("Calendar Club", model=SilentModel([step])))
        await DjangoSession("one").record_run(silent)

        self.assertEqual(await self.rows(), self.silent_rows)

    @override_settings(AGENT_SESSIONS_RECORDING=False)
    async def test_switched_off(self) -> None:
        """With the setting off, items are stored without their agent and without usage."""
        result = await self.run_club(club(says("None.", 10)))
        await DjangoSession("one").record_run(result)

        self.assertEqual(await self.rows(), [])
        self.assertEqual(await self.values("agent_name", Message), ["", ""])


class SilentModel(ScriptedModel):
    """A model whose provider counts nothing, not even requests."""

    async def get_response(self, *args: Any, **kwargs: Any) -> Any:
        response = await super().get_response(*args, **kwargs)
        response.usage = agents.Usage()
        return response


class RecordingTests(RecordedRuns, TestCase):
    """Recorded runs without traces."""


class TracedRecordingTests(RecordedRuns, Traced, TestCase):
    """Recorded runs with traces."""


class OwnedRecordingTests(RecordedRuns, Owned, TestCase):
    """Recorded runs on a session with an owner."""


class EncryptedRecordingTests(RecordedRuns, Encrypted, TestCase):
    """Recorded runs on a session inside EncryptedSession."""


class CounterTests(SimpleTestCase):
    """Counters that lack what the SDK's own have."""

    def test_details_left_out(self) -> None:
        """Missing details count as 0: a response that was not validated may lack them."""
        counter = agents.Usage(requests=1, input_tokens=3, output_tokens=2, total_tokens=5)
        counter.input_tokens_details = None  # type: ignore[assignment]  # as without validation
        counter.output_tokens_details = OutputTokensDetails.model_construct(reasoning_tokens=None)

        self.assertEqual(recording.tokens_of(counter), Tokens(1, 3, 0, 2, 0, 5))

    def test_total_left_out(self) -> None:
        """A missing total is the sum of input and output."""
        spent_tokens = recording.without_false_zeros(Tokens(1, 3, 0, 2, 0, 0))

        self.assertEqual(spent_tokens, Tokens(1, 3, 0, 2, 0, 5))


class RunSyncTests(TransactionTestCase):
    """Runner.run_sync, which runs its own event loop."""

    def test_run_sync(self) -> None:
        """A synchronous run is recorded like any other run."""
        agent = club(calls("search_events", tokens=10), says("None.", 20))

        with loop_of_this_thread():
            result = Runner.run_sync(agent, "Any jazz?", session=DjangoSession("one"))

        spent_tokens = Usage.objects.order_by("pk").values_list("total_tokens", flat=True)
        self.assertEqual(list(spent_tokens), [20, 40])
        self.assertEqual(result.context_wrapper.usage.total_tokens, 60)


class InputTests(SimpleTestCase):
    """is_input(): what a run may begin with."""

    def test_words(self) -> None:
        """A user's words and instructions are input."""
        system = {"role": "system", "content": "Be brief."}

        self.assertTrue(recording.is_input(map(columns, [system, USER])))

    def test_answers(self) -> None:
        """An output and an approval, which a resumed run stores first, are not."""
        approval = {"type": "mcp_approval_response", "approval_request_id": "a", "approve": True}

        for item in (OUTPUT, ANSWER, approval):
            self.assertFalse(recording.is_input([columns(item)]), item)
