"""last_agent_name() and pick_agent(): the agent that a conversation goes on with."""

from __future__ import annotations

from agents import Runner
from django.contrib.auth.models import User
from django.test import TestCase

from agent_sessions import DjangoSession, SessionOwnershipError
from tests.contract import USER
from tests.priced_agents import calls, club, says


class StickyAgentTests(TestCase):
    """The agent that spoke last, and the choice of the next one."""

    async def test_handoff(self) -> None:
        """After a handoff the agent that took over is picked, if it is among the choices."""
        bookings = club(says("Booked.", 20), name="Bookings")
        triage = club(calls("transfer_to_bookings", tokens=10), name="Triage", handoffs=[bookings])
        session = DjangoSession("one")
        self.assertIs(await session.pick_agent([triage, bookings]), triage)

        await Runner.run(triage, "A table, please.", session=session)
        await session.add_items([USER])

        self.assertEqual(await session.last_agent_name(), "Bookings")
        self.assertIs(await session.pick_agent([triage, bookings]), bookings)
        self.assertIs(await session.pick_agent([triage]), triage)

    async def test_ambiguous_choice(self) -> None:
        """An empty choice, or two agents of one name, raises ValueError."""
        for choice in ([], [club(), club()]):
            with self.assertRaisesMessage(ValueError, "with different names"):
                await DjangoSession("one").pick_agent(choice)

    async def test_owner(self) -> None:
        """Asking for the last agent of somebody else's session raises SessionOwnershipError."""
        owner, other = [await User.objects.acreate(username=name) for name in "ab"]
        mine = DjangoSession("one", user=owner)
        await Runner.run(club(says("None.", 10)), "Hi", session=mine)

        self.assertEqual(await mine.last_agent_name(), "Calendar Club")
        with self.assertRaises(SessionOwnershipError):
            await DjangoSession("one", user=other).last_agent_name()
