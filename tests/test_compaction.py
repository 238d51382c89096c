"""The SDK's compaction around DjangoSession: whole, whatever fails."""

from __future__ import annotations

import json
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

from agents import (
    Agent,
    OpenAIResponsesCompactionSession,
    RunConfig,
    Runner,
    SQLiteSession,
    Usage,
    function_tool,
)
from agents.extensions.memory import EncryptedSession
from agents.memory import SessionSettings
from agents.memory import session as sdk
from agents.testing import ModelStep, ScriptedModel, assistant_message, function_call
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import SimpleTestCase, TestCase, override_settings
from openai.types.responses import ResponseReasoningItem, ResponseUsage

from agent_sessions import DjangoSession, LastItems, Message, Session, SessionOwnershipError
from agent_sessions import Usage as StoredUsage
from agent_sessions.compaction import CompactionSession
from agent_sessions.signals import items_added
from agent_sessions.usage.steps import Step
from tests.contract import ANSWER, CALL, TURN, USER, numbered
from tests.model_input import last_input
from tests.statements import statements
from tests.test_session import DjangoContract

COMPACTION = "compaction"
INSIDE = "compaction around encryption"
AROUND = "encryption around compaction"
WRAPPINGS = (COMPACTION, INSIDE, AROUND)
ENCRYPTED = (INSIDE, AROUND)
KEY, WRONG_KEY = "the key", "another key"
TTL_SECONDS = 600
SUMMARY = {"type": "compaction", "id": "cmp_1", "encrypted_content": "what was said so far"}
REASONING = {"type": "reasoning", "id": "rs_1", "summary": []}


class Client:
    """An OpenAI client whose `responses.compact`, which is the network, is stood in for."""

    def __init__(self, meanwhile: Callable[[], Awaitable[Any]] | None = None) -> None:
        self.responses = self
        self.meanwhile = meanwhile
        self.asked: list[dict[str, Any]] = []

    async def compact(self, **asked: Any) -> Any:
        self.asked.append(asked)
        if self.meanwhile:
            await self.meanwhile()
        details = {"cached_tokens": 0, "cache_write_tokens": 0, "reasoning_tokens": 0}
        spent = ResponseUsage(
            input_tokens=70,
            input_tokens_details=details,
            output_tokens=7,
            output_tokens_details=details,
            total_tokens=77,
        )
        return SimpleNamespace(output=[SUMMARY], usage=spent)


def always(context: dict[str, Any]) -> bool:
    return True


def encrypted(inner: Any, key: str = KEY) -> EncryptedSession:
    return EncryptedSession(inner.session_id, inner, encryption_key=key, ttl=TTL_SECONDS)


def expired(store: Any, item: Any) -> Any:
    """Return the envelope of an item that was stored an hour ago."""
    envelope = encrypted(store)._wrap(item)
    payload = json.dumps(item).encode()
    token = encrypted(store).cipher.encrypt_at_time(payload, int(time.time()) - 3600)
    return {**envelope, "payload": token.decode()}


def pair(number: int, *reasoning: Any) -> list[Any]:
    """Return what a user says and what an agent answers."""
    return [numbered(number + 1)[number], *reasoning, {**ANSWER, "id": f"msg_{number}"}]


async def run(session: Any, *steps: Any, tools: Any = (), limit: int | None = None) -> Any:
    """Run an agent that answers by `steps`; it sees `limit` items of the history."""
    model = ScriptedModel(steps or [[assistant_message("The Copper Lantern.", item_id="new")]])
    agent = Agent("Calendar Club", model=model, tools=list(tools))
    config = RunConfig(session_settings=SessionSettings(limit=limit))
    await Runner.run(agent, "Any jazz tonight?", session=session, run_config=config)
    return model


class CompactionContract:
    """What compaction does around a store; a subclass says how a store is made and damaged."""

    compaction = OpenAIResponsesCompactionSession

    def make_store(self, session_id: str, **settings: Any) -> Any:
        raise NotImplementedError

    async def store_text(self, store: Any, text: str) -> None:
        """Store a row of `text` at the end of a session that exists, as it is."""
        raise NotImplementedError

    def wrapped(
        self,
        wrapping: str,
        client: Client,
        *,
        key: str = KEY,
        trigger: Any = always,
        **settings: Any,
    ) -> Any:
        """Return the store that bears the wrapping's name, wrapped so."""
        store = self.make_store(wrapping, **settings)
        if wrapping == AROUND:
            return encrypted(self.compacted(store, client, trigger), key)
        return self.compacted(
            encrypted(store, key) if wrapping == INSIDE else store, client, trigger
        )

    def compacted(self, inner: Any, client: Client, trigger: Any) -> Any:
        return self.compaction(
            inner.session_id, inner, client=client, should_trigger_compaction=trigger
        )

    async def snapshot(self, store: Any, limit: int, **options: Any) -> Any:
        return await store._get_compaction_snapshot(limit, **options)

    async def test_snapshot(self) -> None:
        """A snapshot is the newest items, and tells whether they are all."""
        store = self.make_store("one")
        await store.add_items(numbered(5))

        found = [await self.snapshot(store, limit) for limit in (1, 4, 5, 6)]

        self.assertEqual([read.items for read in found], [numbered(5)[-n:] for n in (1, 4, 5, 5)])
        self.assertEqual([read.complete for read in found], [False, False, True, True])

    async def test_snapshot_of_a_new_session(self) -> None:
        """Nothing is all there is, and nothing can be replaced in it."""
        read = await self.snapshot(self.make_store("one"), 3)

        self.assertEqual((read.items, read.complete), ([], True))
        self.assertIs(await read.replace_suffix(0, [SUMMARY]), False)

    async def test_snapshot_heeds_no_settings(self) -> None:
        """What a run is given does not bound what compaction looks at."""
        store = self.make_store("one", session_settings={"limit": 1})
        await store.add_items(numbered(5))

        self.assertEqual((await self.snapshot(store, 4)).items, numbered(5)[-4:])

    async def test_unreadable_rows(self) -> None:
        """A row that is not JSON forbids a snapshot that would hold it, and no other."""
        store = self.make_store("one")
        await store.add_items(numbered(2))
        await self.store_text(store, "not JSON")
        await store.add_items([USER])

        self.assertIsNone(await self.snapshot(store, 2))
        self.assertEqual((await self.snapshot(store, 1)).items, [USER])

    async def test_subclass(self) -> None:
        """A subclass, which may transform what it stores, has no snapshot to give."""
        store = self.make_store("one")
        store.__class__ = type("Transforming", (type(store),), {})

        self.assertIsNone(await self.snapshot(store, 2))

    async def test_replace_suffix(self) -> None:
        """What a snapshot shows from a position on gives way to the output, once."""
        for start in range(4):
            store = self.make_store(f"from {start}")
            await store.add_items(TURN)
            read = await self.snapshot(store, 10)

            self.assertIs(await read.replace_suffix(start, [SUMMARY, USER]), True)
            self.assertIs(await read.replace_suffix(start, [SUMMARY]), False)

            self.assertEqual(await store.get_items(), [*TURN[:start], SUMMARY, USER])

    async def test_replace_with_nothing(self) -> None:
        """An empty output takes the suffix away."""
        store = self.make_store("one")
        await store.add_items(TURN)

        self.assertIs(await (await self.snapshot(store, 2)).replace_suffix(0, []), True)

        self.assertEqual(await store.get_items(), TURN[:2])

    async def test_no_suffix(self) -> None:
        """A position behind the last item replaces nothing."""
        store = self.make_store("one")
        await store.add_items(TURN)

        self.assertIs(await (await self.snapshot(store, 2)).replace_suffix(2, [SUMMARY]), False)

        self.assertEqual(await store.get_items(), TURN)

    async def test_suffix_that_changed(self) -> None:
        """A session that does not end as the snapshot does is left alone."""

        async def add(store: Any) -> None:
            await store.add_items([USER])

        async def pop(store: Any) -> None:
            await store.pop_item()

        async def put_the_same_anew(store: Any) -> None:
            await store.add_items([await store.pop_item()])

        async def clear(store: Any) -> None:
            await store.clear_session()

        for change in (add, pop, put_the_same_anew, clear):
            store = self.make_store(change.__name__)
            await store.add_items(TURN)
            read = await self.snapshot(store, 2)
            await change(store)
            left = await store.get_items()

            self.assertIs(await read.replace_suffix(0, [SUMMARY]), False, change)

            self.assertEqual(await store.get_items(), left)

    async def test_output_that_is_not_json(self) -> None:
        """An output that cannot be stored is a TypeError, and the history stays."""
        store = self.make_store("one")
        await store.add_items(TURN)
        read = await self.snapshot(store, 2)

        with self.assertRaises(TypeError):
            await read.replace_suffix(0, [SUMMARY, {"content": object()}])

        self.assertEqual(await store.get_items(), TURN)
        self.assertIs(await read.replace_suffix(0, [SUMMARY]), True)

    async def test_prune_prefix(self) -> None:
        """The oldest items go for as long as the condition holds, however many batches they are."""
        for kept, limit in ((0, 2), (1, 2), (3, 2), (4, 2), (6, 2), (6, 20), (7, 3)):
            store = self.make_store(f"{kept} {limit}")
            await store.add_items(numbered(8))
            spared = [numbered(8)[kept], SUMMARY]
            read = await self.snapshot(
                store, limit, prune_prefix=lambda item, spared=spared: item not in spared
            )

            self.assertIs(await read.replace_suffix(len(read.items) - 1, [SUMMARY]), True)

            left = numbered(8)[kept:7] if kept < 7 else []
            self.assertEqual(await store.get_items(), [*left, SUMMARY], (kept, limit))

    async def test_pruning_stops_at_unreadable_rows(self) -> None:
        """What cannot be read is not known to be old, and stays with all that follows it."""
        store = self.make_store("one")
        await store.add_items(numbered(3))
        await self.store_text(store, "not JSON")
        await store.add_items([USER, ANSWER])
        read = await self.snapshot(store, 1, prune_prefix=always)

        self.assertIs(await read.replace_suffix(0, [SUMMARY]), True)

        self.assertEqual(await store.get_items(), [USER, SUMMARY])

    async def test_nothing_is_pruned_where_nothing_is_replaced(self) -> None:
        """A session that has changed keeps its oldest items as well."""
        store = self.make_store("one")
        await store.add_items(numbered(4))
        read = await self.snapshot(store, 1, prune_prefix=always)
        await store.add_items([USER])

        self.assertIs(await read.replace_suffix(0, [SUMMARY]), False)

        self.assertEqual(await store.get_items(), [*numbered(4), USER])

    async def test_after_a_run(self) -> None:
        """A run compacts what it was given and what it added, and the next run goes on from it."""
        for name in WRAPPINGS:
            client = Client()
            session = self.wrapped(name, client)
            await session.add_items(pair(0))

            await run(session)
            self.assertEqual(await session.get_items(), [SUMMARY], name)

            model = await run(session)
            self.assertEqual(last_input(model)[0]["type"], "compaction", name)
            self.assertEqual((await session.get_items(), len(client.asked)), ([SUMMARY], 2), name)

    async def test_by_hand(self) -> None:
        """run_compaction() replaces all that is stored, also what a run would not be given."""
        for name in WRAPPINGS:
            client = Client()
            session = self.wrapped(name, client)
            await session.add_items([*pair(0), *pair(1)])

            await session.run_compaction({"force": True})

            self.assertEqual(await session.get_items(), [SUMMARY], name)
            self.assertEqual(client.asked[0]["input"], [*pair(0), *pair(1)], name)

    async def test_no_need(self) -> None:
        """Where the decision is not to compact, nothing is asked and nothing changes."""
        for name in WRAPPINGS:
            client = Client()
            session = self.wrapped(name, client, trigger=lambda context: False)

            await run(session)

            self.assertEqual((len(await session.get_items()), client.asked), (2, []), name)

    async def test_bounded_window(self) -> None:
        """A run that was given the newest items compacts those, from a user's message on."""
        for name in WRAPPINGS:
            client = Client()
            session = self.wrapped(name, client)
            await session.add_items([*pair(0), *pair(1), *pair(2)])

            await run(session, limit=3)

            self.assertEqual(await session.get_items(), [*pair(0), *pair(1), SUMMARY], name)
            self.assertEqual(client.asked[0]["input"][:2], pair(2), name)
            self.assertEqual(len(client.asked[0]["input"]), 4, name)

    async def test_reasoning(self) -> None:
        """Reasoning stays with the answer that it led to, and goes with it."""
        thought = ResponseReasoningItem(id="rs_new", summary=[], type="reasoning")
        for name in WRAPPINGS:
            client = Client()
            session = self.wrapped(name, client)
            kept = pair(0, {**REASONING, "id": "rs_0"})
            await session.add_items([*kept, *pair(1, REASONING)])

            await run(session, [thought, assistant_message("Yes.", item_id="new")], limit=5)

            self.assertEqual(await session.get_items(), [*kept, SUMMARY], name)
            kinds = [item.get("type") for item in client.asked[0]["input"]]
            self.assertEqual(kinds.count("reasoning"), 2, name)

    async def test_tool_calls(self) -> None:
        """A call waits for its output, and both are compacted together."""

        @function_tool
        def search_events(words: str) -> str:
            return f"nothing about {words}"

        call = [function_call("search_events", {"words": "jazz"}, call_id="call_9")]
        for name in WRAPPINGS:
            client = Client()
            session = self.wrapped(name, client)

            await run(session, call, [assistant_message("None.")], tools=[search_events])

            self.assertEqual((await session.get_items(), len(client.asked)), ([SUMMARY], 1), name)

    async def test_call_without_output(self) -> None:
        """A call that waits, as for an approval, is left where it is with all before it."""
        for name in WRAPPINGS:
            session = self.wrapped(name, Client())
            await session.add_items([*pair(0), USER, CALL])

            await run(session)

            self.assertEqual(await session.get_items(), [*pair(0), USER, CALL, SUMMARY], name)

    async def test_changed_meanwhile(self) -> None:
        """What somebody adds while the API summarizes is kept, and so is all before it."""
        for name in WRAPPINGS:

            async def add(name: str = name) -> None:
                await self.wrapped(name, Client()).add_items([USER])

            session = self.wrapped(name, Client(meanwhile=add))
            await session.add_items(pair(0))

            with self.assertLogs("openai-agents.openai.compaction", "WARNING") as logs:
                await run(session)

            stored = await session.get_items()
            self.assertEqual((stored[:2], len(stored), stored[-1]), (pair(0), 5, USER), name)
            self.assertIn("the stored suffix changed", logs.output[0], name)

    async def test_after_a_run_over_unreadable_rows(self) -> None:
        """Where a row is not JSON, the history is replaced as a whole, if a run has seen it all."""
        for limit, is_compacted in ((None, True), (2, False)):
            store = self.make_store(f"limit {limit}")
            session = self.compacted(store, Client(), always)
            await session.add_items([*pair(0), *pair(1)])
            await self.store_text(store, "not JSON")

            await run(session, limit=limit)

            stored = await session.get_items()
            self.assertEqual(stored == [SUMMARY], is_compacted)
            self.assertEqual(stored[:4] == [*pair(0), *pair(1)], not is_compacted)

    async def test_expired_items(self) -> None:
        """Compaction takes along the oldest items whose time is over."""
        for name in ENCRYPTED:
            store = self.make_store(name)
            session = self.wrapped(name, Client())
            await store.add_items([expired(store, item) for item in numbered(7)])
            await session.add_items(pair(0))

            await run(session)

            self.assertEqual(await session.get_items(), [SUMMARY], name)
            self.assertEqual(len(await store.get_items()), 1, name)

    async def test_expired_items_behind_others(self) -> None:
        """What is not known to be expired is kept, with what was stored after it."""
        for name in ENCRYPTED:
            store = self.make_store(name)
            session = self.wrapped(name, Client())
            old = [expired(store, item) for item in numbered(5)]
            strange = encrypted(store, WRONG_KEY)._wrap(USER)
            await store.add_items([*old[:3], strange, *old[3:]])
            await session.add_items(pair(0))

            await run(session, limit=2)

            stored = await store.get_items()
            # The newest of the old ones was in the window that was summarized.
            self.assertEqual(stored[:-1], [strange, *old[3:-1]], name)
            self.assertEqual(await session.get_items(), [SUMMARY], name)

    async def test_wrong_key(self) -> None:
        """A run with a wrong key compacts its own items at most, and all others are kept."""
        for name in ENCRYPTED:
            store = self.make_store(name)
            await encrypted(store).add_items(pair(0))
            session = self.wrapped(name, Client(), key=WRONG_KEY)

            await run(session)

            self.assertEqual(await encrypted(store).get_items(), pair(0), name)
            self.assertEqual(await session.get_items(), [SUMMARY], name)

    async def test_wrong_key_by_hand(self) -> None:
        """What cannot be read is not compacted, unless forced: then the SDK replaces it all."""
        for name in ENCRYPTED:
            client, store = Client(), self.make_store(name)
            await encrypted(store).add_items(numbered(12))
            session = self.wrapped(name, client, key=WRONG_KEY, trigger=None)

            await session.run_compaction()

            self.assertEqual(await encrypted(store).get_items(), numbered(12), name)
            self.assertEqual(client.asked, [], name)

            await session.run_compaction({"force": True})

            self.assertEqual(await encrypted(store).get_items(), [], name)


class DjangoCompactionTests(CompactionContract, TestCase):
    """The SDK's compaction around DjangoSession."""

    def make_store(self, session_id: str, **settings: Any) -> DjangoSession:
        return DjangoSession(session_id, **settings)

    async def store_text(self, store: Any, text: str) -> None:
        await Message.objects.acreate(session_id=store.session_id, message_data=text)

    async def test_session_stays(self) -> None:
        """The title outlives compaction, by hand as well unless encryption is inside."""
        for name in WRAPPINGS:
            session = self.wrapped(name, Client())
            await run(session)
            await Session.objects.filter(pk=name).aupdate(title="Jazz")

            await run(session)
            self.assertEqual((await Session.objects.aget(pk=name)).title, "Jazz", name)

            await session.run_compaction({"force": True})
            title = "" if name == INSIDE else "Jazz"
            self.assertEqual((await Session.objects.aget(pk=name)).title, title, name)

    wrappings_that_read_everything: tuple[str, ...] = (COMPACTION,)

    async def test_limits_by_hand(self) -> None:
        """Items that a run is not given are summarized too before they are replaced."""
        for name in self.wrappings_that_read_everything:
            for limits in ({"session_settings": {"limit": 2}}, {"history": LastItems(2)}):
                client = Client()
                session = self.wrapped(name, client, **limits)
                await session.add_items([*pair(0), *pair(1), *pair(2)])
                self.assertEqual(await session.get_items(), pair(2), name)

                await session.run_compaction({"force": True})

                self.assertEqual(client.asked[0]["input"], [*pair(0), *pair(1), *pair(2)], name)
                self.assertEqual(await session.get_items(), [SUMMARY], name)
                await session.clear_session()

    @override_settings(AGENT_SESSIONS_HISTORY_LIMIT=2)
    async def test_limit_of_the_project(self) -> None:
        """The limit of the project's settings hides nothing from compaction either."""
        for name in self.wrappings_that_read_everything:
            client = Client()
            session = self.wrapped(name, client)
            await session.add_items([*pair(0), *pair(1)])

            await session.run_compaction({"force": True})

            self.assertEqual(client.asked[0]["input"], [*pair(0), *pair(1)], name)

    async def test_limit_after_a_run(self) -> None:
        """Whether to compact is decided by the whole history; the limit itself stays a limit."""
        for name in self.wrappings_that_read_everything:
            client, seen = Client(), []

            def decides(context: dict[str, Any], seen: list[int] = seen) -> bool:
                seen.append(len(context["session_items"]))
                return False

            limits = {"limit": 2}
            session = self.wrapped(name, client, trigger=decides, session_settings=limits)
            await session.add_items([*pair(0), *pair(1)])

            model = await run(session)

            self.assertEqual(len(last_input(model)), 3, name)
            self.assertEqual(seen, [6], name)

    async def test_bounded_read(self) -> None:
        """A read of a few items says whether they are all."""
        store = self.make_store("one", session_settings={"limit": 1})
        await store.add_items(numbered(3))
        read = store._read_compaction_items

        self.assertEqual(await read(None), (numbered(3), False))
        self.assertEqual(await read(2), (numbered(3)[1:], False))
        self.assertEqual(await read(4), (numbered(3), True))
        self.assertIsNone(self.make_store("one")._read_compaction_items)


class CompactionSessionTests(DjangoCompactionTests):
    """Our CompactionSession around DjangoSession."""

    compaction = CompactionSession
    wrappings_that_read_everything = WRAPPINGS


class SQLiteCompactionTests(CompactionContract, SimpleTestCase):
    """The SDK's compaction around its own SQLiteSession: the behaviour is the SDK's."""

    def setUp(self) -> None:
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.path = Path(folder) / "conversations.db"

    def make_store(self, session_id: str, **settings: Any) -> SQLiteSession:
        store = SQLiteSession(session_id, self.path, **settings)
        self.addCleanup(store.close)
        return store

    async def store_text(self, store: Any, text: str) -> None:
        with sqlite3.connect(self.path) as writer:
            writer.execute(
                "INSERT INTO agent_messages (session_id, message_data) VALUES (?, ?)",
                (store.session_id, text),
            )
        writer.close()


class CompactionSessionContractTests(DjangoContract, TestCase):
    """CompactionSession is a session like any other."""

    def make_session(self, session_id: str, **settings: Any) -> CompactionSession:
        return CompactionSession(session_id, DjangoSession(session_id))


class WrapperTests(TestCase):
    """What the session inside knows of the run."""

    async def answered(self, session: Any) -> Any:
        spent = Usage(requests=1, input_tokens=12, output_tokens=3, total_tokens=15)
        model = ScriptedModel([ModelStep([assistant_message("Yes.")], usage=spent)])
        return await Runner.run(Agent("Calendar Club", model=model), "Hello", session=session)

    async def recorded(self, session_id: str) -> list[int | None]:
        rows = StoredUsage.objects.filter(session_id=session_id).order_by("pk")
        return [total async for total in rows.values_list("total_tokens", flat=True)]

    async def tokens(self, session: Any) -> list[int | None]:
        await self.answered(session)
        return await self.recorded(session.session_id)

    async def test_run_is_handed_on(self) -> None:
        """Inside CompactionSession a step's cost is recorded, encrypted or not."""
        plain, inside = DjangoSession("plain"), encrypted(DjangoSession("inside"))
        around = encrypted(CompactionSession("around", DjangoSession("around")))

        self.assertEqual(await self.tokens(CompactionSession("plain", plain)), [15])
        self.assertEqual(await self.tokens(CompactionSession("inside", inside)), [15])
        self.assertEqual(await self.tokens(around), [15])

    async def test_class_of_the_sdk(self) -> None:
        """The SDK's class hands on no context, which is why there is one of ours."""
        session = OpenAIResponsesCompactionSession("one", DjangoSession("one"))

        self.assertEqual(await self.tokens(session), [None])

    async def test_cost_of_a_summary(self) -> None:
        """What the API took for the summary is part of the run, and recorded from its result."""
        store = DjangoSession("one")
        session = CompactionSession("one", store, client=Client(), should_trigger_compaction=always)

        await store.record_run(await self.answered(session))

        self.assertEqual(await self.recorded("one"), [15, 77])


class TailTests(TestCase):
    """The operations behind the hook: tail() and replace_tail()."""

    owner: ClassVar[User]
    other: ClassVar[User]

    @classmethod
    def setUpTestData(cls) -> None:
        cls.owner = User.objects.create_user("owner")
        cls.other = User.objects.create_user("other")

    def setUp(self) -> None:
        Session.objects.create(session_id="one", user=self.owner, title="Jazz", metadata={"tag": 1})
        Session.objects.append("one", TURN)
        Session.objects.update(updated_at="2020-01-01T00:00Z")

    def test_statements(self) -> None:
        """A tail is one statement; replacing it is five, and three where it has changed."""
        for user in (None, self.owner):
            with statements() as sent:
                tail = Session.objects.tail("one", 2, user=user)
            self.assertEqual(sent, ["SELECT"])

            with statements() as sent:
                Session.objects.replace_tail("one", tail, 1, [SUMMARY], user=user)
            self.assertEqual(sent, ["UPDATE", "SELECT", "SELECT", "DELETE", "INSERT"])

            with statements() as sent:
                Session.objects.replace_tail("one", tail, 1, [SUMMARY], user=user)
            self.assertEqual(sent, ["UPDATE", "SELECT", "SELECT"])

    def test_statements_of_pruning(self) -> None:
        """Pruning is two statements for each batch, and one that finds nothing more."""
        tail = Session.objects.tail("one", 1)

        with statements() as sent:
            Session.objects.replace_tail("one", tail, 0, [SUMMARY], prune=always)

        pruning = ["SELECT", "DELETE"] * 3 + ["SELECT"]
        self.assertEqual(sent, ["UPDATE", "SELECT", "SELECT", "DELETE", *pruning, "INSERT"])

    def test_session_stays(self) -> None:
        """Owner, title and metadata outlive a replacement, which is activity."""
        Session.objects.replace_tail("one", Session.objects.tail("one", 2), 0, [SUMMARY])

        row = Session.objects.get()
        self.assertEqual((row.user, row.title, row.metadata), (self.owner, "Jazz", {"tag": 1}))
        self.assertGreater(row.updated_at.year, 2020)
        self.assertEqual(Message.objects.last().kind, "compaction")

    def test_who_spoke_last(self) -> None:
        """It is still known when what was said is a summary."""
        Session.objects.append("one", [ANSWER], step=Step(agent_name="Refunds"))

        Session.objects.replace_tail("one", Session.objects.tail("one", 2), 0, [SUMMARY])
        self.assertEqual(Session.objects.last_agent_name("one"), "Refunds")

        Session.objects.replace("one", [USER, SUMMARY])
        self.assertEqual(Session.objects.last_agent_name("one"), "Refunds")

    def test_no_replacement_is_no_activity(self) -> None:
        """Where nothing is replaced, the time of the last activity stays as well."""
        tail = Session.objects.tail("one", 2)
        Message.objects.last().delete()

        self.assertIs(Session.objects.replace_tail("one", tail, 0, [SUMMARY]), False)

        self.assertEqual(Session.objects.get().updated_at.year, 2020)

    def test_inside_a_transaction(self) -> None:
        """What is refused takes nothing of the transaction around it along."""
        tail = Session.objects.tail("one", 2)

        with transaction.atomic():
            Session.objects.append("one", [USER])
            self.assertIs(Session.objects.replace_tail("one", tail, 0, [SUMMARY]), False)

        self.assertEqual(Session.objects.items("one"), [*TURN, USER])

    def test_signal(self) -> None:
        """Those who follow a session hear of the output, and of nothing where it is not stored."""
        heard: list[int] = []

        def hear(count: int, **facts: Any) -> None:
            heard.append(count)

        items_added.connect(hear)
        self.addCleanup(items_added.disconnect, hear)
        tail = Session.objects.tail("one", 2)

        with self.captureOnCommitCallbacks(execute=True):
            for output in ([SUMMARY, USER], [SUMMARY]):
                Session.objects.replace_tail("one", tail, 0, output)
            Session.objects.replace_tail("one", Session.objects.tail("one", 1), 0, [])

        self.assertEqual(heard, [2])

    def test_row_that_changed_in_place(self) -> None:
        """The text of a message counts, not its id alone."""
        tail = Session.objects.tail("one", 2)
        Message.objects.filter(pk=tail.rows[0][0]).update(message_data="{}")

        self.assertIs(Session.objects.replace_tail("one", tail, 0, [SUMMARY]), False)

    def test_somebody_who_locks_nothing(self) -> None:
        """A message that goes between the look and the deletion forbids the replacement."""
        tail = Session.objects.tail("one", 2)

        def delete_before(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            if sql.startswith("DELETE"):
                execute(
                    "DELETE FROM agent_messages WHERE id = %s", [tail.rows[1][0]], False, context
                )
            return execute(sql, params, many, context)

        with connection.execute_wrapper(delete_before):
            self.assertIs(Session.objects.replace_tail("one", tail, 0, [SUMMARY]), False)

    async def test_owner(self) -> None:
        """Nobody else's session is shown or changed, also one that was given away in between."""
        with self.assertRaises(SessionOwnershipError):
            await DjangoSession("one", user=self.other)._get_compaction_snapshot(2)

        read = await DjangoSession("one", user=self.owner)._get_compaction_snapshot(2)
        await Session.objects.aupdate(user=self.other)
        with self.assertRaises(SessionOwnershipError):
            await read.replace_suffix(0, [SUMMARY])

        self.assertEqual(await DjangoSession("one").get_items(), TURN)

    async def test_sdk_without_snapshots(self) -> None:
        """Where the SDK has dropped its private class, complete history is still compacted."""
        self.addCleanup(setattr, sdk, "_CompactionSnapshot", sdk._CompactionSnapshot)
        del sdk._CompactionSnapshot
        store = DjangoSession("one", user=self.owner)
        whole = CompactionSession("one", store, client=Client(), should_trigger_compaction=always)

        self.assertIsNone(await store._get_compaction_snapshot(2))
        await run(whole)

        self.assertEqual(await store.get_items(), [SUMMARY])
        self.assertEqual((await Session.objects.aget()).title, "Jazz")
