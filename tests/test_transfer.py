"""transfer: sessions as files, complete, safe to read, and items back again."""

from __future__ import annotations

import json
import re
from io import StringIO
from itertools import islice
from typing import Any

from django.contrib.auth.models import User
from django.test import TestCase, override_settings

from agent_sessions import DjangoSession, Message, Session, Usage
from agent_sessions.items.codec import UnreadableItemError, encode
from agent_sessions.items.reported_errors import TOOL_FAILED
from agent_sessions.transfer import document, imported, lines, markdown
from agent_sessions.transfer.batches import SHORT_LENGTH, WINDOW, Costs, messages_of, usage_of
from agent_sessions.usage.steps import Step, Tokens
from tests.contract import (
    ANSWER,
    CALL,
    LONE_SURROGATES,
    OUTPUT,
    STRANGE_ITEMS,
    TURN,
    USER,
    numbered,
)
from tests.sample_items import SAMPLES
from tests.statements import statements

ALL = [*TURN, *STRANGE_ITEMS, *LONE_SURROGATES, *(sample.item for sample in SAMPLES.values())]
PRICES = {"gpt-5-mini": {"input": "1", "cached": "1", "output": "1"}}


def step(tokens: int | None = 15) -> Step:
    spent = Tokens() if tokens is None else Tokens(1, tokens - 5, 0, 5, 0, tokens)
    return Step("Calendar Club", run_id="r" * 32, trace_id="trace_1", tokens=spent)


def session(session_id: str = "one", **values: Any) -> Session:
    if values:
        Session.objects.filter(pk=session_id).update(**values)
    return Session.objects.get(pk=session_id)


def store(text: str) -> None:
    Message.objects.create(session_id="one", message_data=text)


class WindowTests(TestCase):
    """Sessions are read a piece at a time."""

    def test_every_message_once(self) -> None:
        """Messages of several windows come in their order, each once, with few statements."""
        Session.objects.append("one", numbered(2 * WINDOW + 1))
        Session.objects.append("other", TURN)

        with statements() as sent:
            found = [message.item for message in messages_of(session())]

        self.assertEqual(found, numbered(2 * WINDOW + 1))
        self.assertEqual(len(sent), 1 + 1 + 3)

    def test_in_pieces(self) -> None:
        """Who takes a few messages has a window read, not the session."""
        Session.objects.append("one", numbered(5 * WINDOW))

        with statements() as sent:
            found = list(islice(messages_of(session()), WINDOW))

        self.assertEqual((len(found), len(sent)), (WINDOW, 1 + 2))

    def test_what_comes_meanwhile(self) -> None:
        """Messages that are added while a session is read are not waited for."""
        Session.objects.append("one", numbered(2))
        found = messages_of(session())
        next(found)

        Session.objects.append("one", numbered(500))

        self.assertEqual(len(list(found)), 1)

    def test_what_goes_meanwhile(self) -> None:
        """Messages that are deleted while a session is read are left out, long ones too."""
        Session.objects.append("one", numbered(2 * WINDOW))
        Session.objects.append("two", [USER, {"role": "user", "content": "x" * SHORT_LENGTH}, USER])
        one, two = messages_of(session()), messages_of(session("two"))
        next(one), next(two)

        newest = Message.objects.filter(session="one").order_by("pk")[WINDOW].pk
        Message.objects.filter(session="one", pk__gte=newest).delete()
        [_, long, _] = Message.objects.filter(session="two").order_by("pk")
        long.delete()

        self.assertEqual(len([*one]), WINDOW - 1)
        self.assertEqual([message.item for message in two], [USER])

    def test_nothing(self) -> None:
        """A session without messages has none."""
        Session.objects.create(session_id="one")

        self.assertEqual(list(messages_of(session())), [])
        self.assertEqual(list(usage_of(session())), [])

    def test_every_step_once(self) -> None:
        """Costs come by their messages, several of one message too, and those of none first."""
        Session.objects.append("one", TURN)
        pks = [None, 3, 3, 1, *range(4, WINDOW + 4), *[WINDOW] * WINDOW]
        Usage.objects.bulk_create(Usage(session_id="one", message_id=pk) for pk in pks)

        found = [usage.message_id for usage in usage_of(session())]

        self.assertEqual(found, sorted(pks, key=lambda pk: pk or 0))

    def test_costs(self) -> None:
        """Costs are summed up to a message, each once; what is unknown is counted."""
        for tokens in (10, 20, None):
            Session.objects.append("one", [USER, ANSWER], step=step(tokens))
        first, _, second, *_ = Message.objects.order_by("pk").values_list("pk", flat=True)
        costs = Costs(session())

        found = [costs.until(first), costs.until(second), costs.until(), costs.until()]

        sums = [(total.steps, total.total_tokens, total.unknown_steps) for total in found]
        self.assertEqual(sums, [(0, 0, 0), (1, 10, 0), (2, 20, 1), (0, 0, 0)])


class DocumentTests(TestCase):
    """The JSON document."""

    def read(self, **options: Any) -> Any:
        def refuse(constant: str) -> None:
            raise AssertionError(f"{constant} is no JSON")

        text = "".join(document(session(), **options))
        text.encode()  # no halves of characters
        return json.loads(text, parse_constant=refuse)

    @override_settings(AGENT_SESSIONS_PRICES=PRICES)
    def test_all_of_a_session(self) -> None:
        """The document has columns, sums, messages and steps."""
        owner = User.objects.create_user("annelies")
        Session.objects.append("parent", TURN, user=owner)
        Session.objects.fork("parent", "one")
        Session.objects.append("one", [USER, ANSWER], step=step())
        Usage.objects.update(model="gpt-5-mini")
        row = session(title="Jazz", metadata={"tenant": 7})

        read = self.read()

        first, *_, last = Message.objects.filter(session="one").order_by("pk")
        usage = Usage.objects.get()
        about = ("session_id", "title", "owner", "parent", "metadata")
        self.assertEqual(
            [read[name] for name in about], ["one", "Jazz", "annelies", "parent", {"tenant": 7}]
        )
        for name in ("created_at", "updated_at", "forked_at"):
            self.assertEqual(read[name], getattr(row, name).isoformat())
        self.assertEqual(read["totals"]["messages"], 6)
        self.assertEqual(read["totals"]["total_tokens"], 15)
        self.assertEqual(read["totals"]["cost"], str(Usage.objects.total().cost))
        self.assertIsNone(read["totals"]["currency"])
        self.assertEqual([message["item"] for message in read["messages"]], [*TURN, USER, ANSWER])
        self.assertEqual(read["messages"][0]["id"], first.pk)
        self.assertEqual(read["messages"][0]["created_at"], first.created_at.isoformat())
        self.assertEqual(read["messages"][-1]["agent_name"], "Calendar Club")
        self.assertEqual(read["messages"][-1]["kind"], "message")
        self.assertEqual(read["usage"][0]["message_id"], last.pk)
        self.assertEqual(read["usage"][0]["output_tokens"], usage.output_tokens)
        self.assertEqual(read["usage"][0]["trace_id"], "trace_1")

    def test_without_anything(self) -> None:
        """A session of nobody, with nothing in it, is a document too."""
        Session.objects.create(session_id="one")

        read = self.read()

        self.assertEqual((read["owner"], read["parent"], read["messages"]), (None, None, []))
        self.assertEqual((read["totals"]["cost"], read["usage"]), ("0", []))

    def test_unknown_cost(self) -> None:
        """A cost that is not known is null, and not 0."""
        Session.objects.append("one", TURN, step=step())

        self.assertIsNone(self.read()["totals"]["cost"])

    def test_strange_items(self) -> None:
        """Every item is in it as it is stored: surrogates, NUL, integers of any length."""
        Session.objects.append("one", ALL)

        self.assertEqual([message["item"] for message in self.read()["messages"]], ALL)

    def test_strange_columns(self) -> None:
        """So are ids, titles and metadata."""
        Session.objects.append("one", TURN)
        metadata = {"\x00": "\ud83d", "big": 10**400, "quotes": "\"'\u2028"}

        strange = session(title='"\\ \u202e</script>')
        strange.metadata = metadata  # as some databases keep it

        read = json.loads("".join(document(strange)))
        self.assertEqual((read["metadata"], read["title"]), (metadata, strange.title))

    def test_what_is_no_json(self) -> None:
        """A row that is no JSON to everybody is text, a purged one is null."""
        Session.objects.append("one", [USER])
        Session.objects.purge("one")
        unreadable = ["not JSON", '{"price": NaN}', "[" * 100_000, '{"cut": "\n']
        for text in unreadable:
            store(text)

        purged, *others = self.read()["messages"]

        self.assertEqual((purged["item"], purged["kind"]), (None, "message"))
        self.assertNotIn("unreadable", purged)
        self.assertEqual([message["unreadable"] for message in others], unreadable)
        self.assertEqual({message["item"] for message in others}, {None})

    def test_on_one_line(self) -> None:
        """Without line ends a document is a line, whatever the items were written like."""
        Session.objects.append("one", ALL)
        store('{\n"role":\r\n"user"}')

        text = "".join(document(session(), line_end=""))

        self.assertNotRegex(text, "[\r\n]")
        self.assertEqual(json.loads(text)["messages"][-1]["item"], {"role": "user"})

    def test_in_pieces(self) -> None:
        """The beginning of a document is there before the session's end is read."""
        Session.objects.append("one", numbered(5 * WINDOW))

        with statements() as sent:
            begun = "".join(islice(document(session()), WINDOW))

        self.assertIn("item 98", begun)
        self.assertLess(len(sent), 7)


class LinesTests(TestCase):
    """Items as lines, and lines as items."""

    def test_as_stored(self) -> None:
        """A line is the text of a message; purged and unreadable ones have none."""
        Session.objects.append("one", TURN)
        Session.objects.purge("one")
        Session.objects.append("one", [USER])
        store("not JSON")
        store('{\n"role":\r\n"user"}')

        self.assertEqual(list(lines(session())), [encode(USER) + "\n", '{ "role":  "user"}\n'])

    async def test_round_trip(self) -> None:
        """What was exported is imported as it was, with json.loads or with imported()."""
        await DjangoSession("one").add_items(ALL)
        exported = await Session.objects.aget(pk="one")
        text = "".join([line async for line in _each(lines, exported)])
        first, second = DjangoSession("first"), DjangoSession("second")

        await first.add_items([*map(json.loads, StringIO(text))])
        await second.add_items([*imported(StringIO(text))])

        self.assertEqual(await first.get_items(), ALL)
        self.assertEqual(await second.get_items(), ALL)
        kinds = Message.objects.order_by("pk").values_list("kind", "role", "tool_name", "call_id")
        self.assertEqual(
            [row async for row in kinds.filter(session="one")],
            [row async for row in kinds.filter(session="second")],
        )

    async def test_unpacked(self) -> None:
        """A generator of items is as good as a list."""
        await DjangoSession("one").add_items(imported([encode(USER), "", " \n", encode(ANSWER)]))

        self.assertEqual(await DjangoSession("one").get_items(), [USER, ANSWER])

    async def test_what_is_no_item(self) -> None:
        """A line that is no JSON is named, and nothing of its file is stored."""
        with self.assertRaisesMessage(UnreadableItemError, "Line 3 is no item. JSONDecodeError"):
            await DjangoSession("one").add_items(imported([encode(USER), "", "{"]))

        self.assertFalse(await Message.objects.aexists())


async def _each(write: Any, exported: Session) -> Any:
    from asgiref.sync import sync_to_async

    for piece in await sync_to_async(lambda: list(write(exported)))():
        yield piece


class MarkdownTests(TestCase):
    """The readable document."""

    def write(self, **values: Any) -> str:
        text = "".join(markdown(session(**values)))
        text.encode()
        return text

    @override_settings(AGENT_SESSIONS_PRICES=PRICES)
    def test_turns(self) -> None:
        """Turns, who spoke, calls, outputs and numbers stand in their order."""
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
        """A session without a title goes by its user's first words, and its id is beside them."""
        Session.objects.append("one", TURN)
        Session.objects.create(session_id="two")

        self.assertTrue(self.write().startswith("# Any jazz tonight?\n\n- Session: one\n"))
        empty = "".join(markdown(session("two")))
        self.assertTrue(empty.startswith("# two\n\n- Session: two\n"))

    def test_faults(self) -> None:
        """A tool's error, a command that failed and a refused approval are marked."""
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
        """A cost that nobody knows is left out, and steps of unknown tokens are counted."""
        Session.objects.append("one", TURN, step=step(None))

        self.assertIn("*1 steps, 0 tokens, of 1 unknown*", self.write())

    def test_forks(self) -> None:
        """A fork names its parent."""
        Session.objects.append("parent", TURN)
        Session.objects.fork("parent", "one")

        self.assertIn("- Forked from: parent\n", self.write())

    def test_what_cannot_be_read(self) -> None:
        """Unreadable rows show what they hold, purged ones what they were."""
        Session.objects.append("one", TURN)
        Session.objects.purge("one")
        store("not `JSON`")

        text = self.write()

        self.assertEqual(text.count("### Purged"), 4)
        self.assertIn("### Unreadable", text)
        self.assertIn("```\nnot `JSON`\n```", text)

    def test_nothing_leaves_its_fence(self) -> None:
        """An output that holds fences of any length stays inside its own."""
        evil = "````\n```\n# Turn 99\n``````"
        Session.objects.append("one", [CALL, OUTPUT | {"output": evil}])

        self.assertIn(f"\n```````\n{evil}\n```````\n", self.write())

    def test_nothing_leaves_its_quote(self) -> None:
        """Whatever ends a line, the next one is quoted as well."""
        ends = ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"]
        evil = "".join(f"words{end}## Turn 99" for end in ends)
        Session.objects.append("one", [{"role": "user", "content": evil}])

        forged = [
            line
            for line in re.split(r"[\r\n\u2028\u2029]", self.write(title="Jazz"))
            if "99" in line
        ]

        self.assertTrue(all(line.startswith("> ") for line in forged), forged)

    def test_nothing_is_loaded_or_run(self) -> None:
        """Pictures and HTML in what was said are text, also behind a backslash."""
        evil = "![a](https://e.example/x) \\![b](https://e.example/y) <img src=x> \\<b> a < b"
        Session.objects.append("one", [{"role": "user", "content": evil}])

        text = self.write(title="Jazz")

        self.assertNotRegex(text, r"!\[|<[A-Za-z/!?]")
        self.assertIn("!&#91;a](https://e.example/x) \\!&#91;b](https", text)
        self.assertIn("&#60;img src=x> \\&#60;b> a < b", text)

    def test_hostile_names(self) -> None:
        """Ids, titles, agents and tools stay within their line, and mean nothing to Markdown."""
        evil = "# [x](javascript:1)\n\n## Turn 99 ![y](z) <b> `\u202e"
        Session.objects.append(evil, [CALL | {"name": evil}], step=step()._replace(agent_name=evil))
        Session.objects.update(title=evil)

        text = "".join(markdown(Session.objects.get()))

        head = [line for line in text.splitlines() if line.startswith(("#", "- S"))]
        harmless = r"\# \[x\]\(javascript:1\) \#\# Turn 99 \!\[y\]\(z\) \<b\> \`⟨U+202E⟩"
        self.assertEqual([harmless in line for line in head[:3]], [True] * 3)
        self.assertIn("```\n# [x](javascript:1)\n\n## Turn 99", text)

    def test_strange_items(self) -> None:
        """No item, however strange, keeps the document from being written."""
        Session.objects.append("one", ALL)

        text = self.write()

        self.assertEqual(len(re.findall("(?m)^### ", text)), len(ALL))
        self.assertIn("[encrypted]", text)
