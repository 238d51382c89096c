"""transfer.markdown_document: a session as readable Markdown."""

from __future__ import annotations

import re
from typing import Any

from django.contrib.auth.models import User
from django.test import TestCase, override_settings

from agent_sessions import Session, Usage
from agent_sessions.items.reported_errors import TOOL_FAILED
from agent_sessions.transfer import markdown
from tests.contract import (
    ANSWER,
    CALL,
    OUTPUT,
    TURN,
    USER,
)
from tests.exported_sessions import ALL, PRICES, session, step, store


class MarkdownTests(TestCase):
    """markdown()."""

    def write(self, **values: Any) -> str:
        text = "".join(markdown(session(**values)))
        text.encode()
        return text

    @override_settings(AGENT_SESSIONS_PRICES=PRICES)
    def test_turns(self) -> None:
        """Turns, speakers, calls, outputs and numbers are in order."""
        owner = User.objects.create_user("annelies")
        Session.objects.append("one", TURN, step=step(), user=owner)
        Session.objects.append("one", [USER, ANSWER], step=step(1_000))
        Usage.objects.update(model="gpt-5-mini")

        text = self.write(title="Jazz *tonight*")

        shown = [
            "# Jazz \\*tonight\\*\n\n- Session: one\n- Owner: annelies\n- Created: 20",
            "*2 steps, 1015 tokens, cost 0.001*",
            "## Turn 1\n\n### User\n\n20",
            "> Any jazz tonight?\n\n### Function call: search\\_events \\(Calendar Club\\)\n\n20",
            '```\nsearch_events({"words": "jazz"})\n```',
            "### Function call output \\(Calendar Club\\)\n\n20",
            "```\n[]\n```",
            "### Assistant \\(Calendar Club\\)\n\n20",
            "> None tonight.",
            "*1 steps, 15 tokens, cost < 0.0001*",
            "## Turn 2",
            "*1 steps, 1000 tokens, cost 0.001*",
        ]
        self.assertEqual([part for part in shown if part not in text], [], text)
        places = [text.index(part) for part in shown]
        self.assertEqual(places, sorted(places))

    def test_titles(self) -> None:
        """Without a title, the heading is the user's first words, or the id."""
        Session.objects.append("one", TURN)
        Session.objects.create(session_id="two")

        self.assertTrue(self.write().startswith("# Any jazz tonight?\n\n- Session: one\n"))
        empty = "".join(markdown(session("two")))
        self.assertTrue(empty.startswith("# two\n\n- Session: two\n"))

    def test_faults(self) -> None:
        """A tool's error and a command that timed out are marked in their headings."""
        late = {"type": "shell_call_output", "output": [{"outcome": {"type": "timeout"}}]}
        Session.objects.append(
            "one", [CALL, OUTPUT | {"output": f"{TOOL_FAILED}. Error: boom"}, late, OUTPUT]
        )

        headings = [line for line in self.write().splitlines() if line.startswith("### ")]

        self.assertEqual(
            headings,
            [
                "### Function call: search\\_events",
                "### Function call output: **error**",
                "### Shell call output: **timed out**",
                "### Function call output",
            ],
        )

    def test_unknown_numbers(self) -> None:
        """An unknown cost is left out, and steps with unknown tokens are counted."""
        Session.objects.append("one", TURN, step=step(None))

        self.assertIn("*1 steps, 0 tokens, unknown for 1*", self.write())

    def test_forks(self) -> None:
        """A fork names its parent."""
        Session.objects.append("parent", TURN)
        Session.objects.fork("parent", "one")

        self.assertIn("- Forked from: parent\n", self.write())

    def test_unreadable_and_purged_rows(self) -> None:
        """Unreadable rows show their text; purged rows have only a heading."""
        Session.objects.append("one", TURN)
        Session.objects.purge("one")
        store("not `JSON`")

        text = self.write()

        self.assertEqual(text.count("### Purged"), 4)
        self.assertIn("### Unreadable", text)
        self.assertIn("```\nnot `JSON`\n```", text)

    def test_fence(self) -> None:
        """An output that contains fences of any length stays inside its own fence."""
        evil = "````\n```\n# Turn 99\n``````"
        Session.objects.append("one", [CALL, OUTPUT | {"output": evil}])

        self.assertIn(f"\n```````\n{evil}\n```````\n", self.write())

    def test_quote(self) -> None:
        """Every line of a message is quoted, after any kind of line break."""
        ends = ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"]
        evil = "".join(f"words{end}## Turn 99" for end in ends)
        Session.objects.append("one", [{"role": "user", "content": evil}])

        forged = [
            line
            for line in re.split(r"[\r\n\u2028\u2029]", self.write(title="Jazz"))
            if "99" in line
        ]

        self.assertTrue(all(line.startswith("> ") for line in forged), forged)

    def test_images_and_html(self) -> None:
        """Images and HTML in messages are text, even after a backslash."""
        evil = "![a](https://e.example/x) \\![b](https://e.example/y) <img src=x> \\<b> a < b"
        Session.objects.append("one", [{"role": "user", "content": evil}])

        text = self.write(title="Jazz")

        self.assertNotRegex(text, r"!\[|<[A-Za-z/!?]")
        self.assertIn("!&#91;a](https://e.example/x) \\!&#91;b](https", text)
        self.assertIn("&#60;img src=x> \\&#60;b> a < b", text)

    def test_hostile_names(self) -> None:
        """Ids, titles, agents and tools stay on their line and have no Markdown meaning."""
        evil = "# [x](javascript:1)\n\n## Turn 99 ![y](z) <b> `\u202e"
        Session.objects.append(evil, [CALL | {"name": evil}], step=step()._replace(agent_name=evil))
        Session.objects.update(title=evil)

        text = "".join(markdown(Session.objects.get()))

        head = [line for line in text.splitlines() if line.startswith(("#", "- S"))]
        harmless = r"\# \[x\]\(javascript:1\) \#\# Turn 99 \!\[y\]\(z\) \<b\> \`⟨U+202E⟩"
        self.assertEqual([harmless in line for line in head[:3]], [True] * 3)
        self.assertIn("```\n# [x](javascript:1)\n\n## Turn 99", text)

    def test_strange_items(self) -> None:
        """Every item has a heading in the document."""
        Session.objects.append("one", ALL)

        text = self.write()

        self.assertEqual(len(re.findall("(?m)^### ", text)), len(ALL))
        self.assertIn("[encrypted]", text)
