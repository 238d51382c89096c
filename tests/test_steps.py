"""usage.steps: the cost of a step, stored with its items."""

from __future__ import annotations

from django.test import TestCase

from agent_sessions import DjangoSession, ItemError, Message, Session
from agent_sessions.models.usage import Usage
from agent_sessions.usage.steps import Step, Tokens
from tests.contract import ANSWER, USER
from tests.statements import statements


class StepTests(TestCase):
    """Steps with their tokens and agent."""

    def test_statements(self) -> None:
        """The tokens of a step take one statement; a step without tokens takes none."""
        step = Step("Club", "run", "trace", Tokens(1, 2, 0, 3, 0, 5))
        with statements() as sent:
            Session.objects.append("one", [ANSWER], step=step)
        self.assertEqual(sent, ["INSERT", "INSERT", "INSERT"])

        with statements() as sent:
            Session.objects.append("one", [USER], step=Step(run_id="run"))
        self.assertEqual(sent, ["INSERT", "INSERT"])

    def test_failure(self) -> None:
        """Items that cannot be stored leave no usage row."""
        step = Step(tokens=Tokens(1, 2, 0, 3, 0, 5))

        with self.assertRaises(ItemError):
            Session.objects.append("one", [{"content": object()}], step=step)

        self.assertFalse(Usage.objects.exists())

    async def test_items_added_by_hand(self) -> None:
        """Items added outside a run have no agent and no usage."""
        await DjangoSession("one").add_items([USER, ANSWER])

        self.assertFalse(await Usage.objects.aexists())
        self.assertFalse(await Message.objects.exclude(agent_name="").aexists())

    def test_deleted_session(self) -> None:
        """Deleting a session deletes its usage."""
        Session.objects.append("one", [ANSWER], step=Step(tokens=Tokens(requests=1)))

        Session.objects.get(pk="one").delete()

        self.assertFalse(Usage.objects.exists())

    def test_name(self) -> None:
        """A row's text begins with its agent, or with "step" if there is none."""
        for name in ("Club", ""):
            Session.objects.append("one", [ANSWER], step=Step(name, tokens=Tokens(requests=1)))

        names = [str(row).split()[0] for row in Usage.objects.order_by("pk")]
        self.assertEqual(names, ["Club", "step"])
