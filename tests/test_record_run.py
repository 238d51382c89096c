"""record_run(): steps completed from the result of their run."""

from __future__ import annotations

from typing import Any

import agents
from agents import Agent, OpenAIResponsesCompactionSession, Runner, RunState
from agents.models import get_default_model
from agents.testing import ScriptedModel
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import User
from django.test import TestCase

from agent_sessions import DjangoSession, SessionOwnershipError, run_results
from agent_sessions.models.usage import Usage
from tests.priced_agents import breaks, calls, club, named, says, search_events
from tests.statements import statements


class RecordRunTests(TestCase):
    """record_run(), with the results of runs."""

    async def test_models_and_responses(self) -> None:
        """Each step gets the id of its response and the name of its agent's model."""
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
        """Rows of other runs, of this session or of others, stay unchanged."""
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

    async def test_step_with_several_models(self) -> None:
        """A step that includes another agent's requests has no model name."""
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
        """An agent's model is a name, an object with a name, or the SDK's default."""
        named_agents = {
            "gpt-5-nano": Agent("text", model="gpt-5-nano"),
            "gpt-5": Agent("object", model=named("gpt-5")),
            get_default_model(): Agent("default"),
            "": Agent("nameless", model=ScriptedModel([])),
        }

        for name, agent in named_agents.items():
            self.assertEqual(run_results.model_name(agent), name)

    async def test_resumed_elsewhere(self) -> None:
        """A resumed result, which lacks the first process's responses, completes its own steps."""
        agent = club(calls("book", tokens=10), says("Booked.", 20))
        paused = await Runner.run(agent, "Book it.", session=DjangoSession("one"))
        state = await RunState.from_string(agent, paused.to_state().to_string())
        state.approve(state.get_interruptions()[0])

        result = await Runner.run(agent, state, session=DjangoSession("one"))
        await DjangoSession("one").record_run(result)

        rows = Usage.objects.order_by("pk").values_list("response_id", flat=True)
        self.assertEqual([row async for row in rows], ["", "resp_20"])

    async def test_statements(self) -> None:
        """A run of any length takes one SELECT and one UPDATE."""
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
        """A run whose session was cleared changes nothing."""
        result = await Runner.run(club(says("None.", 10)), "Hi", session=DjangoSession("one"))
        await DjangoSession("one").clear_session()

        await DjangoSession("one").record_run(result)

        self.assertFalse(await Usage.objects.aexists())

    async def test_other_owner(self) -> None:
        """Recording on a session with another owner raises SessionOwnershipError."""
        user = await User.objects.acreate(username="owner")
        result = await Runner.run(club(says("None.", 10)), "Hi", session=DjangoSession("one"))

        with self.assertRaises(SessionOwnershipError):
            await DjangoSession("one", user=user).record_run(result)


class FailedRunTests(TestCase):
    """record_run(), with the data of a run that failed after it stored a step."""

    async def failed(self) -> Any:
        """Run until a tool raises, and return the data of the run."""
        agent = Agent(
            "Club",
            model=named("gpt-5", calls("search_events", tokens=10), calls("breaks", tokens=20)),
            tools=[search_events, breaks],
        )
        with self.assertRaises(agents.UserError) as raised:
            await Runner.run(agent, "Any jazz?", session=DjangoSession("one"))
        return raised.exception.run_data

    async def test_steps_and_responses(self) -> None:
        """The step keeps its response and the rest becomes a row, even if recorded twice."""
        data = await self.failed()

        for _ in ("once", "again"):
            await DjangoSession("one").record_run(data)

        rows = Usage.objects.order_by("pk").values_list("total_tokens", "response_id")
        self.assertEqual([row async for row in rows], [(20, "resp_10"), (40, "")])

    async def test_turn(self) -> None:
        """The last request counts for its own turn, even if later turns exist."""
        data = await self.failed()
        session = DjangoSession("one")
        await Runner.run(club(says("Later.", 1)), "And now?", session=session)

        await session.record_run(data)

        usage = await session.get_usage_by_turn()
        self.assertEqual([total.total_tokens for total in usage.values()], [60, 2])

    async def test_wrong_session(self) -> None:
        """A run that was recorded on the wrong session can still be recorded on the right one."""
        data = await self.failed()

        await DjangoSession("a slip").record_run(data)
        await DjangoSession("one").record_run(data)

        rows = Usage.objects.order_by("pk").values_list("total_tokens", flat=True)
        self.assertEqual([row async for row in rows], [20, 40])

    async def test_run_that_did_not_begin(self) -> None:
        """None, the data of an error before the run began, records nothing."""
        await DjangoSession("one").record_run(None)

        self.assertFalse(await Usage.objects.aexists())


class PlainCompactionTests(TestCase):
    """record_run() inside the SDK's compaction session, which does not pass the run's context."""

    def setUp(self) -> None:
        self.inner = DjangoSession("one")
        self.session = OpenAIResponsesCompactionSession(
            "one", self.inner, should_trigger_compaction=lambda context: False
        )

    async def test_agent_and_later_tokens(self) -> None:
        """The agent is known at once; the tokens are unknown until the result is recorded."""
        agent = club(calls("search_events", tokens=10), says("None.", 20))

        result = await Runner.run(agent, "Any jazz?", session=self.session)
        steps = Usage.objects.order_by("pk").values_list("agent_name", "total_tokens")
        self.assertEqual([row async for row in steps], [("Calendar Club", None)] * 2)
        for _ in ("once", "again"):
            await self.inner.record_run(result)

        rows = Usage.objects.order_by("pk").values_list("total_tokens", "response_id")
        self.assertEqual([row async for row in rows], [(20, "resp_10"), (40, "resp_20")])

    async def test_results_of_other_runs(self) -> None:
        """A result that was recorded before fills no later step, whatever ran in between."""
        first = await Runner.run(club(says("One.", 10)), "One?", session=self.session)
        await self.inner.record_run(first)
        elsewhere = await Runner.run(club(says("Two.", 20)), "Two?")
        await Runner.run(club(says("Three.", 30)), "Three?", session=self.session)

        await self.inner.record_run(first)

        rows = Usage.objects.order_by("pk").values_list("total_tokens", "response_id")
        self.assertEqual([row async for row in rows], [(20, "resp_10"), (None, "")])
        self.assertEqual(len(elsewhere.raw_responses), 1)
