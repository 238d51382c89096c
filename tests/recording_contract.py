"""The session of a recorded run, plain or wrapped, and the rows that the run leaves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import agents
from agents import Agent, Runner, RunState, set_trace_processors, set_tracing_disabled
from agents.extensions.memory import EncryptedSession
from django.contrib.auth.models import User
from django.db.models import Model

from agent_sessions import DjangoSession
from agent_sessions.models.usage import Usage
from agent_sessions.usage.steps import Tokens
from tests.encryption import encrypted
from tests.mixins import Mixin

FIELDS = Tokens._fields


class Recording(Mixin):
    """A session without traces, and the rows of its runs."""

    is_traced = False
    silent_rows: Sequence[Tokens] = [Tokens(requests=1), Tokens()]

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
        """Return the tokens of each step, oldest first."""
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

    async def values(self, field: str, model: type[Model]) -> list[Any]:
        return [
            name
            async for name in model._default_manager.order_by("pk").values_list(field, flat=True)
        ]

    async def paused(self, agent: Agent[Any]) -> tuple[Any, str]:
        """Run until an approval is needed, and return the result and its state as text."""
        result = await self.run_club(agent)
        self.assertEqual(len(result.interruptions), 1)
        return result, result.to_state().to_string()

    async def resumed(self, agent: Agent[Any], text: str) -> Any:
        """Approve everything in a state given as text, and resume it."""
        state = await RunState.from_string(agent, text)
        for interruption in state.get_interruptions():
            state.approve(interruption)
        return await self.run_club(agent, state)


class Traced(Recording):
    """A session with traces, by which a resumed run finds its recorded steps."""

    is_traced = True


class Owned(Traced):
    """A session with an owner, with traces."""

    owner: ClassVar[User]

    @classmethod
    def setUpTestData(cls) -> None:
        cls.owner = User.objects.create_user("owner")

    def make_session(self, session_id: str) -> Any:
        return DjangoSession(session_id, user=self.owner)


class Encrypted(Traced):
    """A session inside EncryptedSession, with traces: the run is known, its items are not."""

    silent_rows = [Tokens(requests=1)]  # encryption hides whether a model has answered

    def make_session(self, session_id: str) -> EncryptedSession:
        return encrypted(session_id, DjangoSession(session_id))
