"""recording: what runs spend and who speaks, as the rows say it and as the SDK says it."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence
from typing import Any, ClassVar

import agents
from agents import (
    Agent,
    GuardrailFunctionOutput,
    OpenAIResponsesCompactionSession,
    RunContextWrapper,
    Runner,
    RunState,
    function_tool,
    input_guardrail,
    output_guardrail,
    set_trace_processors,
    set_tracing_disabled,
)
from agents.extensions.memory import EncryptedSession
from agents.models import get_default_model
from agents.testing import ModelStep, ScriptedModel, assistant_message, function_call
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import User
from django.db import connection
from django.test import SimpleTestCase, TestCase, TransactionTestCase, override_settings
from openai.types.responses.response_usage import InputTokensDetails, OutputTokensDetails

from agent_sessions import (
    DjangoSession,
    ItemError,
    Message,
    Session,
    SessionOwnershipError,
    recording,
)
from agent_sessions.models.usage import Usage
from agent_sessions.usage.steps import Step, Tokens
from tests.contract import ANSWER, USER
from tests.encryption import encrypted
from tests.event_loop import loop_of_this_thread
from tests.statements import statements

FIELDS = Tokens._fields


def spent(tokens: int) -> agents.Usage:
    """Return what a request costs of `tokens` tokens, a tenth of them cached or reasoning."""
    return agents.Usage(
        requests=1,
        input_tokens=tokens,
        input_tokens_details=InputTokensDetails(cached_tokens=tokens // 10, cache_write_tokens=0),
        output_tokens=tokens,
        output_tokens_details=OutputTokensDetails(reasoning_tokens=tokens // 10),
        total_tokens=2 * tokens,
    )


def calls(*names: str, tokens: int, **arguments: Any) -> ModelStep:
    """Return a response that calls tools at once, at a price."""
    output = [
        function_call(name, arguments, call_id=f"call_{tokens}_{n}") for n, name in enumerate(names)
    ]
    return ModelStep(output=output, usage=spent(tokens), response_id=f"resp_{tokens}")


def says(words: str, tokens: int) -> ModelStep:
    """Return a response in words, at a price."""
    return ModelStep(
        output=[assistant_message(words)], usage=spent(tokens), response_id=f"resp_{tokens}"
    )


@function_tool
def search_events(words: str = "") -> str:
    return "[]"


@function_tool(needs_approval=True)
def book(event: str = "") -> str:
    return "booked"


@function_tool(failure_error_function=None)
def breaks() -> str:
    raise LookupError("no such event")


def club(*steps: ModelStep, name: str = "Calendar Club", **options: Any) -> Agent[Any]:
    options.setdefault("tools", [search_events, book, breaks])
    return Agent(name, model=ScriptedModel(list(steps)), **options)


class Recording:
    """What runs of every kind leave behind; run with and without traces, and through wrappers."""

    is_traced = False

    def setUp(self) -> None:
        super().setUp()
        set_trace_processors([])
        set_tracing_disabled(not self.is_traced)
        self.addCleanup(set_tracing_disabled, True)
        self.session = self.make_session("one")

    def make_session(self, session_id: str) -> Any:
        return DjangoSession(session_id)

    async def run_club(self, agent: Agent[Any], message: Any = "Any jazz?", **options: Any) -> Any:
        return await Runner.run(agent, message, session=self.session, **options)

    async def rows(self) -> list[Tokens]:
        """Return what each step cost, oldest first."""
        return [Tokens(*row) async for row in Usage.objects.order_by("pk").values_list(*FIELDS)]

    async def assert_spent(self, usage: agents.Usage) -> None:
        """Compare the sums of all rows with a counter of the SDK."""
        rows = await self.rows()
        sums = Tokens(*(sum(row[n] or 0 for row in rows) for n in range(len(FIELDS))))
        self.assertEqual(
            sums,
            Tokens(
                usage.requests,
                usage.input_tokens,
                usage.input_tokens_details.cached_tokens,
                usage.output_tokens,
                usage.output_tokens_details.reasoning_tokens,
                usage.total_tokens,
            ),
        )

    async def values(self, field: str, model: Any) -> list[str]:
        return [name async for name in model.objects.order_by("pk").values_list(field, flat=True)]

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
        """A streamed run is recorded like any other."""
        agent = club(calls("search_events", tokens=10), says("None.", 20))

        result = Runner.run_streamed(agent, "Any jazz?", session=self.session)
        async for _ in result.stream_events():
            pass

        await self.assert_spent(result.context_wrapper.usage)
        self.assertEqual(len(await self.rows()), 2)

    async def test_several_runs(self) -> None:
        """Each run on a session is a run of its own."""
        for tokens in (10, 20):
            result = await self.run_club(club(says("None.", tokens)))
            self.assertEqual(result.context_wrapper.usage.total_tokens, 2 * tokens)

        self.assertEqual([row.total_tokens for row in await self.rows()], [20, 40])
        self.assertEqual(len(set(await self.values("run_id", Usage))), 2)

    async def test_tools_in_parallel(self) -> None:
        """Calls that one response makes are one step."""
        result = await self.run_club(
            club(calls("search_events", "search_events", tokens=10), says("None.", 20))
        )

        await self.assert_spent(result.context_wrapper.usage)
        self.assertEqual(len(await self.rows()), 2)

    async def test_handoff(self) -> None:
        """A step belongs to the agent that made it, the handing over to the one that hands over."""
        bookings = club(says("Booked.", 20), name="Bookings")
        triage = club(calls("transfer_to_bookings", tokens=10), name="Triage", handoffs=[bookings])

        result = await self.run_club(triage)

        await self.assert_spent(result.context_wrapper.usage)
        self.assertEqual(await self.values("agent_name", Usage), ["Triage", "Bookings"])
        self.assertEqual(
            await self.values("agent_name", Message), ["", "Triage", "Triage", "Bookings"]
        )

    async def test_agent_as_tool(self) -> None:
        """What an agent used as a tool costs is part of the step that called it."""
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
        """With a session of its own it records itself, and nothing is counted twice."""
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
        """Experts that work at once are all counted, whichever of them is first."""
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
        """Concurrent runs on one session object pay for their own steps only."""
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

    async def paused(self, agent: Agent[Any]) -> tuple[Any, str]:
        """Run until approval is needed, and return the result and the state as text."""
        result = await self.run_club(agent)
        self.assertEqual(len(result.interruptions), 1)
        return result, result.to_state().to_string()

    async def test_resumed_in_the_process(self) -> None:
        """A run that waited for approval counts nothing twice when it goes on."""
        agent = club(calls("book", tokens=10), says("Booked.", 20))
        result, _ = await self.paused(agent)
        state = result.to_state()
        state.approve(result.interruptions[0])

        result = await self.run_club(agent, state)

        self.assertEqual(result.context_wrapper.usage.requests, 2)
        await self.assert_spent(result.context_wrapper.usage)

    async def resumed(self, agent: Agent[Any], text: str) -> Any:
        state = await RunState.from_string(agent, text)
        for interruption in state.get_interruptions():
            state.approve(interruption)
        return await self.run_club(agent, state)

    async def test_resumed_elsewhere(self) -> None:
        """It counts nothing twice either when another process resumes it from its text."""
        agent = club(calls("book", tokens=10), says("Booked.", 20))
        result, text = await self.paused(agent)
        del result
        gc.collect()

        result = await self.resumed(agent, text)

        self.assertEqual(result.context_wrapper.usage.requests, 2)
        await self.assert_spent(result.context_wrapper.usage)
        if self.is_traced:
            self.assertEqual(len(set(await self.values("run_id", Usage))), 1)

    async def test_resumed_with_what_was_held_back(self) -> None:
        """A call that is stored only when the run goes on is counted then."""

        @output_guardrail
        async def guard(context: Any, agent: Any, output: Any) -> GuardrailFunctionOutput:
            return GuardrailFunctionOutput(None, tripwire_triggered=False)

        agent = club(
            calls("book", tokens=10),
            output_guardrails=[guard],
            tool_use_behavior="stop_on_first_tool",
        )
        _, text = await self.paused(agent)
        self.assertEqual(await self.rows(), [])

        result = await self.resumed(agent, text)

        await self.assert_spent(result.context_wrapper.usage)

    async def test_resumed_twice(self) -> None:
        """A state that is resumed a second time counts only what the second time spends."""
        agent = club(calls("book", tokens=10), says("Booked.", 20), says("Booked again.", 30))
        _, text = await self.paused(agent)

        await self.resumed(agent, text)
        await self.resumed(agent, text)

        self.assertEqual([row.total_tokens for row in await self.rows()], [20, 40, 60])

    async def test_resumed_among_others(self) -> None:
        """A run that goes on finds its own steps among those of others in its trace."""
        agent = club(calls("book", tokens=10), says("Booked.", 20))
        with agents.trace("An evening"):
            _, text = await self.paused(agent)
            await self.run_club(club(says("Meanwhile.", 3)))
            await self.resumed(agent, text)

        self.assertEqual([row.total_tokens for row in await self.rows()], [20, 6, 40])

    async def test_resumed_on_another_session(self) -> None:
        """On another session, such as a fork, only what is new is counted."""
        agent = club(calls("book", tokens=10), says("Booked.", 20))
        _, text = await self.paused(agent)
        self.session = self.make_session("another")

        await self.resumed(agent, text)

        self.assertEqual([row.total_tokens for row in await self.rows()], [20, 40])

    async def test_approval_inside_an_agent_as_tool(self) -> None:
        """An agent used as a tool that waits for approval, and remembers, counts once."""
        expert = club(calls("book", tokens=5), says("Booked.", 7), name="Expert")
        remembering = expert.as_tool("ask", "Ask.", session=self.make_session("expert"))
        agent = club(
            calls("ask", tokens=10, input="A table."), says("Done.", 20), tools=[remembering]
        )
        _, text = await self.paused(agent)

        result = await self.resumed(agent, text)

        await self.assert_spent(result.context_wrapper.usage)

    async def test_write_that_fails(self) -> None:
        """What a step cost that could not be stored is counted by the step that is."""
        agent = club(calls("search_events", tokens=10), says("None.", 20))
        failing = FailingOnce(self.session)

        with self.assertRaises(ConnectionError):
            await Runner.run(agent, "Any jazz?", session=failing)
        self.assertEqual(await self.rows(), [])

        await failing.repeat()
        self.assertEqual([row.total_tokens for row in await self.rows()], [20])

    async def test_resumed_after_a_write_that_failed(self) -> None:
        """A resumed run whose write fails, resumed once more, has every request once."""
        agent = club(calls("book", tokens=10), says("Booked.", 20))
        _, text = await self.paused(agent)
        state = await RunState.from_string(agent, text)
        state.approve(state.get_interruptions()[0])
        with self.assertRaises(ConnectionError):
            await Runner.run(agent, state, session=FailingOnce(self.session, at=1))

        state = await RunState.from_string(agent, state.to_string())
        result = await self.run_club(agent, state)

        self.assertEqual(result.context_wrapper.usage.requests, 2)
        await self.assert_spent(result.context_wrapper.usage)

    async def test_tool_that_raises(self) -> None:
        """What a failed run spent after its last step is there once its data is recorded."""
        agent = club(calls("search_events", tokens=10), calls("breaks", tokens=20))

        with self.assertRaises(agents.UserError) as raised:
            await self.run_club(agent)

        self.assertEqual([row.total_tokens for row in await self.rows()], [20])
        data = raised.exception.run_data
        for _ in ("once", "again"):
            await DjangoSession("one").record_run(data)
            await self.assert_spent(data.context_wrapper.usage)

    async def test_too_many_turns(self) -> None:
        """A run that is stopped by its limit has recorded all that it spent."""
        agent = club(calls("search_events", tokens=10))

        with self.assertRaises(agents.MaxTurnsExceeded) as raised:
            await self.run_club(agent, max_turns=1)

        await self.assert_spent(raised.exception.run_data.context_wrapper.usage)

    async def test_input_guardrail(self) -> None:
        """A run that is refused before it asks a model cost nothing."""

        @input_guardrail(run_in_parallel=False)
        async def guard(context: Any, agent: Any, items: Any) -> GuardrailFunctionOutput:
            return GuardrailFunctionOutput(None, tripwire_triggered=True)

        with self.assertRaises(agents.InputGuardrailTripwireTriggered):
            await self.run_club(club(says("None.", 10), input_guardrails=[guard]))

        self.assertEqual(await self.rows(), [])

    async def test_context_of_ones_own(self) -> None:
        """A context that went through runs elsewhere brings none of their cost along."""
        context: RunContextWrapper[Any] = RunContextWrapper(context=None)
        await Runner.run(club(says("None.", 100)), "Elsewhere", context=context)

        for tokens in (10, 20):
            await self.run_club(club(says("None.", tokens)), context=context)

        self.assertEqual([row.total_tokens for row in await self.rows()], [20, 40])

    async def test_nobody_said_anything_new(self) -> None:
        """A run without a new message, in the trace of an earlier one, is a run of its own."""
        with agents.trace("An evening"):
            for tokens, message in ((10, "Any jazz?"), (20, [])):
                await self.run_club(club(says("None.", tokens)), message)

        self.assertEqual([row.total_tokens for row in await self.rows()], [20, 40])
        self.assertEqual(len(set(await self.values("run_id", Usage))), 2)

    async def test_provider_that_says_nothing(self) -> None:
        """What a provider does not say is unknown, not 0."""
        step = ModelStep(output=[assistant_message("None.")], usage=agents.Usage(requests=1))
        await self.run_club(club(step))
        silent = await self.run_club(Agent("Calendar Club", model=SilentModel([step])))
        await DjangoSession("one").record_run(silent)

        self.assertEqual(await self.rows(), self.silent_rows)

    silent_rows: Sequence[Tokens] = [Tokens(requests=1), Tokens()]

    @override_settings(AGENT_SESSIONS_RECORDING=False)
    async def test_switched_off(self) -> None:
        """By the setting nothing is recorded, and everything is stored."""
        result = await self.run_club(club(says("None.", 10)))
        await DjangoSession("one").record_run(result)

        self.assertEqual(await self.rows(), [])
        self.assertEqual(await self.values("agent_name", Message), ["", ""])


def named(name: str, *steps: ModelStep) -> ScriptedModel:
    """Return a model that says its name, as the SDK's own do."""
    model = ScriptedModel(list(steps))
    model.model = name
    return model


class SilentModel(ScriptedModel):
    """A model whose provider counts nothing at all, not even requests."""

    async def get_response(self, *args: Any, **kwargs: Any) -> Any:
        response = await super().get_response(*args, **kwargs)
        response.usage = agents.Usage()
        return response


class FailingOnce:
    """A session around another whose n-th write fails, as when the database is away."""

    def __init__(self, inner: Any, at: int = 2) -> None:
        self.inner, self.writes_left = inner, at
        self.session_id, self.session_settings = inner.session_id, inner.session_settings

    async def add_items(self, items: list[Any], *, wrapper: Any = None) -> None:
        self.writes_left -= 1
        if self.writes_left:
            await self.inner.add_items(items, wrapper=wrapper)
            return
        self.failed = items, wrapper

        def refuse(*_: Any) -> None:
            raise ConnectionError("the database is away")

        def install() -> Any:
            blocker = connection.execute_wrapper(refuse)
            blocker.__enter__()
            return blocker

        blocker = await sync_to_async(install)()
        try:
            await self.inner.add_items(items, wrapper=wrapper)
        finally:
            await sync_to_async(blocker.__exit__)(None, None, None)

    async def repeat(self) -> None:
        """Store what could not be stored."""
        items, wrapper = self.failed
        await self.inner.add_items(items, wrapper=wrapper)

    async def get_items(self, limit: int | None = None, *, wrapper: Any = None) -> list[Any]:
        return await self.inner.get_items(limit, wrapper=wrapper)

    async def pop_item(self, *, wrapper: Any = None) -> Any:
        return await self.inner.pop_item(wrapper=wrapper)

    async def clear_session(self, *, wrapper: Any = None) -> None:
        await self.inner.clear_session(wrapper=wrapper)


class RecordingTests(Recording, TestCase):
    """Without traces."""


class TracedRecordingTests(Recording, TestCase):
    """With traces, by which a resumed run finds what was recorded of it."""

    is_traced = True

    async def test_approval_inside_an_agent_that_forgets(self) -> None:
        """What such an agent spends after the approval is part of the step that called it."""
        expert = club(calls("book", tokens=5), says("Booked.", 7), name="Expert")
        agent = club(
            calls("ask", tokens=10, input="A table."),
            says("Done.", 20),
            tools=[expert.as_tool("ask", "Ask.")],
        )
        _, text = await self.paused(agent)

        result = await self.resumed(agent, text)

        await self.assert_spent(result.context_wrapper.usage)


class ReplicaTests(TestCase):
    """Where sessions are read from another database than they are written to."""

    databases = {"default", "archive"}

    @override_settings(DATABASE_ROUTERS=["tests.routers.WritesToArchive"])
    async def test_resumed(self) -> None:
        """What was recorded is looked up where it was written."""
        set_trace_processors([])
        set_tracing_disabled(False)
        self.addCleanup(set_tracing_disabled, True)
        agent = club(calls("book", tokens=10), says("Booked.", 20))
        paused = await Runner.run(agent, "Book it.", session=DjangoSession("one"))
        state = await RunState.from_string(agent, paused.to_state().to_string())
        state.approve(state.get_interruptions()[0])

        await Runner.run(agent, state, session=DjangoSession("one"))

        rows = Usage.objects.using("archive").order_by("pk").values_list("total_tokens", flat=True)
        self.assertEqual([row async for row in rows], [20, 40])


class OwnedRecordingTests(Recording, TestCase):
    """With an owner, and with traces."""

    is_traced = True

    owner: ClassVar[User]

    @classmethod
    def setUpTestData(cls) -> None:
        cls.owner = User.objects.create_user("owner")

    def make_session(self, session_id: str) -> Any:
        return DjangoSession(session_id, user=self.owner)


class EncryptedRecordingTests(Recording, TestCase):
    """Through EncryptedSession, with traces: the items cannot be read, the run can."""

    is_traced = True
    silent_rows = [Tokens(requests=1)]  # whether a model has spoken at all is encrypted

    def make_session(self, session_id: str) -> EncryptedSession:
        return encrypted(session_id, DjangoSession(session_id))


class PlainCompactionTests(TestCase):
    """Through the SDK's compaction session, which hands no run on."""

    def setUp(self) -> None:
        self.inner = DjangoSession("one")
        self.session = OpenAIResponsesCompactionSession(
            "one", self.inner, should_trigger_compaction=lambda context: False
        )

    async def test_agent_and_later_tokens(self) -> None:
        """It is known who spoke; what it cost is unknown until the result is recorded."""
        agent = club(calls("search_events", tokens=10), says("None.", 20))

        result = await Runner.run(agent, "Any jazz?", session=self.session)
        rows = Usage.objects.order_by("pk").values_list("agent_name", "total_tokens")
        self.assertEqual([row async for row in rows], [("Calendar Club", None)] * 2)
        for _ in ("once", "again"):
            await self.inner.record_run(result)

        rows = Usage.objects.order_by("pk").values_list("total_tokens", "response_id")
        self.assertEqual([row async for row in rows], [(20, "resp_10"), (40, "resp_20")])

    async def test_results_of_other_runs(self) -> None:
        """A result that is not of this session, or was recorded before, changes nothing here."""
        first = await Runner.run(club(says("One.", 10)), "One?", session=self.session)
        await self.inner.record_run(first)
        elsewhere = await Runner.run(club(says("Two.", 20)), "Two?")
        await Runner.run(club(says("Three.", 30)), "Three?", session=self.session)

        await self.inner.record_run(first)

        rows = Usage.objects.order_by("pk").values_list("total_tokens", "response_id")
        self.assertEqual([row async for row in rows], [(20, "resp_10"), (None, "")])
        self.assertEqual(len(elsewhere.raw_responses), 1)


class FailedRunTests(TestCase):
    """What a run leaves that failed after it had stored a step."""

    async def failed(self) -> Any:
        """Run until a tool raises, and return what the SDK knows of the run."""
        agent = Agent(
            "Club",
            model=named("gpt-5", calls("search_events", tokens=10), calls("breaks", tokens=20)),
            tools=[search_events, breaks],
        )
        with self.assertRaises(agents.UserError) as raised:
            await Runner.run(agent, "Any jazz?", session=DjangoSession("one"))
        return raised.exception.run_data

    async def test_steps_and_responses(self) -> None:
        """A step keeps the response that it had, however often the run is recorded."""
        data = await self.failed()

        for _ in ("once", "again"):
            await DjangoSession("one").record_run(data)

        rows = Usage.objects.order_by("pk").values_list("total_tokens", "response_id")
        self.assertEqual([row async for row in rows], [(20, "resp_10"), (40, "")])

    async def test_turn(self) -> None:
        """What it spent at last counts for its own turn, whatever has been said since."""
        data = await self.failed()
        session = DjangoSession("one")
        await Runner.run(club(says("Later.", 1)), "And now?", session=session)

        await session.record_run(data)

        usage = await session.get_usage_by_turn()
        self.assertEqual([total.total_tokens for total in usage.values()], [60, 2])

    async def test_wrong_session(self) -> None:
        """Recorded on a session that is not there, it can still be recorded on the right one."""
        data = await self.failed()

        await DjangoSession("a slip").record_run(data)
        await DjangoSession("one").record_run(data)

        rows = Usage.objects.order_by("pk").values_list("total_tokens", flat=True)
        self.assertEqual([row async for row in rows], [20, 40])

    async def test_run_that_did_not_begin(self) -> None:
        """An error without data of a run has nothing to record."""
        await DjangoSession("one").record_run(None)

        self.assertFalse(await Usage.objects.aexists())


class CounterTests(SimpleTestCase):
    """Counters that are not as the SDK makes them."""

    def test_details_left_out(self) -> None:
        """A response that was built without checks may have no details, or None in them."""
        counter = agents.Usage(requests=1, input_tokens=3, output_tokens=2, total_tokens=5)
        counter.input_tokens_details = None
        counter.output_tokens_details = OutputTokensDetails.model_construct(reasoning_tokens=None)

        self.assertEqual(recording.tokens_of(counter), Tokens(1, 3, 0, 2, 0, 5))

    def test_total_left_out(self) -> None:
        """A total that a provider leaves out is the sum of input and output."""
        spent_tokens = recording.known(Tokens(1, 3, 0, 2, 0, 0))

        self.assertEqual(spent_tokens, Tokens(1, 3, 0, 2, 0, 5))


class RecordRunTests(TestCase):
    """record_run: what only the result knows."""

    async def test_models_and_responses(self) -> None:
        """Each step gets its response's id and the name of its agent's model."""
        bookings = Agent("Bookings", model=named("gpt-5-mini", says("Booked.", 20)))
        triage = Agent(
            "Triage",
            model=named("gpt-5", calls("transfer_to_bookings", tokens=10)),
            handoffs=[bookings],
        )
        session = DjangoSession("one")

        result = await Runner.run(triage, "A table, please.", session=session)
        await session.record_run(result)

        rows = Usage.objects.order_by("pk").values_list("agent_name", "model", "response_id")
        self.assertEqual(
            [row async for row in rows],
            [("Triage", "gpt-5", "resp_10"), ("Bookings", "gpt-5-mini", "resp_20")],
        )

    async def test_rows_of_other_runs(self) -> None:
        """Other runs, of this session and of others, are left alone."""
        results = [
            await Runner.run(
                Agent("Club", model=named("gpt-5", says("None.", 10))),
                "Any jazz?",
                session=DjangoSession(session_id),
            )
            for session_id in ("one", "one", "other")
        ]

        await DjangoSession("one").record_run(results[0])

        rows = Usage.objects.order_by("pk").values_list("model", flat=True)
        self.assertEqual([row async for row in rows], ["gpt-5", "", ""])

    async def test_agents_with_models_of_their_own(self) -> None:
        """A step in which another agent had a part has no one model."""
        expert = club(says("Jazz is a music.", 7), name="Expert")
        agent = Agent(
            "Club",
            model=named("gpt-5", calls("ask", tokens=10, input="Jazz?"), says("Done.", 20)),
            tools=[expert.as_tool("ask", "Ask an expert.")],
        )

        result = await Runner.run(agent, "What is jazz?", session=DjangoSession("one"))
        await DjangoSession("one").record_run(result)

        rows = Usage.objects.order_by("pk").values_list("requests", "model")
        self.assertEqual([row async for row in rows], [(2, ""), (1, "gpt-5")])

    async def test_names_of_models(self) -> None:
        """An agent's model is a name, an object that has one, or the SDK's default."""
        named_agents = {
            "gpt-5-nano": Agent("text", model="gpt-5-nano"),
            "gpt-5": Agent("object", model=named("gpt-5")),
            get_default_model(): Agent("default"),
            "": Agent("nameless", model=ScriptedModel([])),
        }

        for name, agent in named_agents.items():
            self.assertEqual(recording.model_name(agent), name)

    async def test_resumed_elsewhere(self) -> None:
        """A result that holds the responses of an earlier process completes its own steps."""
        agent = club(calls("book", tokens=10), says("Booked.", 20))
        paused = await Runner.run(agent, "Book it.", session=DjangoSession("one"))
        state = await RunState.from_string(agent, paused.to_state().to_string())
        state.approve(state.get_interruptions()[0])

        result = await Runner.run(agent, state, session=DjangoSession("one"))
        await DjangoSession("one").record_run(result)

        rows = Usage.objects.order_by("pk").values_list("response_id", flat=True)
        self.assertEqual([row async for row in rows], ["", "resp_20"])

    async def test_statements(self) -> None:
        """However long the run, it is one look and one update."""
        for length in (1, 9):
            steps = [calls("search_events", tokens=n) for n in range(1, length)]
            result = await Runner.run(
                club(*steps, says("None.", 50)), "Any jazz?", session=DjangoSession("one")
            )

            sent = await sync_to_async(self.sent)(result)

            self.assertEqual(sent, ["SELECT", "UPDATE"])

    def sent(self, result: Any) -> list[str]:
        with statements() as sent:
            async_to_sync(DjangoSession("one").record_run)(result)
        return sent

    async def test_nothing_stored(self) -> None:
        """A run whose session is gone has nothing to complete."""
        result = await Runner.run(club(says("None.", 10)), "Hi", session=DjangoSession("one"))
        await DjangoSession("one").clear_session()

        await DjangoSession("one").record_run(result)

        self.assertFalse(await Usage.objects.aexists())

    async def test_somebody_elses_session(self) -> None:
        """Nobody else's run is completed."""
        user = await User.objects.acreate(username="owner")
        result = await Runner.run(club(says("None.", 10)), "Hi", session=DjangoSession("one"))

        with self.assertRaises(SessionOwnershipError):
            await DjangoSession("one", user=user).record_run(result)


class StepTests(TestCase):
    """What a recorded step asks of the database."""

    def test_statements(self) -> None:
        """A step is one statement more than a batch; a person's words are none."""
        step = Step("Club", "run", "trace", Tokens(1, 2, 0, 3, 0, 5))
        with statements() as sent:
            Session.objects.append("one", [ANSWER], step=step)
        self.assertEqual(sent, ["INSERT", "INSERT", "INSERT"])

        with statements() as sent:
            Session.objects.append("one", [USER], step=Step(run_id="run"))
        self.assertEqual(sent, ["INSERT", "INSERT"])

    def test_failure(self) -> None:
        """Items that cannot be stored leave no cost behind."""
        step = Step(tokens=Tokens(1, 2, 0, 3, 0, 5))

        with self.assertRaises(ItemError):
            Session.objects.append("one", [{"content": object()}], step=step)

        self.assertFalse(Usage.objects.exists())

    async def test_items_added_by_hand(self) -> None:
        """What no run stores has no agent and no cost."""
        await DjangoSession("one").add_items([USER, ANSWER])

        self.assertFalse(await Usage.objects.aexists())
        self.assertFalse(await Message.objects.exclude(agent_name="").aexists())

    def test_deleted_session(self) -> None:
        """A session takes its usage along."""
        Session.objects.append("one", [ANSWER], step=Step(tokens=Tokens(requests=1)))

        Session.objects.get(pk="one").delete()

        self.assertFalse(Usage.objects.exists())

    def test_name(self) -> None:
        """A row is named by its agent."""
        for name in ("Club", ""):
            Session.objects.append("one", [ANSWER], step=Step(name, tokens=Tokens(requests=1)))

        names = [str(row).split()[0] for row in Usage.objects.order_by("pk")]
        self.assertEqual(names, ["Club", "step"])


class RunSyncTests(TransactionTestCase):
    """Runner.run_sync, whose loop is its own."""

    def test_run_sync(self) -> None:
        """It is recorded like any other."""
        agent = club(calls("search_events", tokens=10), says("None.", 20))

        with loop_of_this_thread():
            result = Runner.run_sync(agent, "Any jazz?", session=DjangoSession("one"))

        spent_tokens = Usage.objects.order_by("pk").values_list("total_tokens", flat=True)
        self.assertEqual(list(spent_tokens), [20, 40])
        self.assertEqual(result.context_wrapper.usage.total_tokens, 60)


class StickyAgentTests(TestCase):
    """Who spoke last, and who goes on."""

    async def test_handed_over(self) -> None:
        """A conversation that was handed over goes on with the agent that it was handed to."""
        bookings = club(says("Booked.", 20), name="Bookings")
        triage = club(calls("transfer_to_bookings", tokens=10), name="Triage", handoffs=[bookings])
        session = DjangoSession("one")
        self.assertIs(await session.pick_agent([triage, bookings]), triage)

        await Runner.run(triage, "A table, please.", session=session)
        await session.add_items([USER])

        self.assertEqual(await session.last_agent_name(), "Bookings")
        self.assertIs(await session.pick_agent([triage, bookings]), bookings)
        self.assertIs(await session.pick_agent([triage]), triage)

    async def test_agents_that_cannot_be_told_apart(self) -> None:
        """No agents, or two of one name, are refused."""
        for choice in ([], [club(), club()]):
            with self.assertRaisesMessage(ValueError, "names that differ"):
                await DjangoSession("one").pick_agent(choice)

    async def test_owner(self) -> None:
        """Who spoke in somebody else's session is not said."""
        owner, other = [await User.objects.acreate(username=name) for name in "ab"]
        mine = DjangoSession("one", user=owner)
        await Runner.run(club(says("None.", 10)), "Hi", session=mine)

        self.assertEqual(await mine.last_agent_name(), "Calendar Club")
        with self.assertRaises(SessionOwnershipError):
            await DjangoSession("one", user=other).last_agent_name()
