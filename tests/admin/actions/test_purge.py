"""admin.actions.purge: purging one session."""

from __future__ import annotations

from html import unescape

from agent_sessions import Message, Session, Usage
from agent_sessions.usage.steps import Step, Tokens
from tests.admin.actions.testcase import ActionTestCase, url
from tests.contract import TURN, numbered
from tests.statements import statements


class PurgeTests(ActionTestCase):
    """purge()."""

    def test_asks_first(self) -> None:
        """The confirmation counts messages and forks, and changes nothing."""
        Session.objects.append("one", numbered(300))
        Session.objects.fork("one", "copy")
        Session.objects.filter(pk="one").update(title="Jazz \u202e")

        with statements() as sent:
            page = unescape(self.client.get(url("purge", "one")).content.decode())

        self.assertIn("Messages that lose their content: 300", page)
        self.assertIn("Forks that keep their copies: 1", page)
        self.assertIn("Jazz ⟨U+202E⟩", page)
        self.assertIn(f'href="{url("change", "one")}"', page)
        self.assertEqual(Session.objects.items("one"), numbered(300))
        self.assertLess(len(sent), 8)

    def test_purges(self) -> None:
        """Content and title are deleted, numbers stay, and the log contains no title."""
        step = Step("Calendar Club", tokens=Tokens(1, 10, 0, 5, 0, 15))
        Session.objects.append("one", TURN, step=step)
        Session.objects.update(title="Secret")

        response = self.client.post(url("purge", "one"))

        self.assertRedirects(response, url("change", "one"))
        self.assertIn("4 messages have lost their content.", self.said(response))
        self.assertEqual(Session.objects.items("one"), [])
        self.assertEqual((Session.objects.get().title, Message.objects.count()), ("", 4))
        self.assertEqual(Usage.objects.total().total_tokens, 15)
        self.assertEqual(self.logged(), [("one", "Purged the content.")])
