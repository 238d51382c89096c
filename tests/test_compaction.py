"""compaction: the SDK's compaction around DjangoSession, encrypted or not."""

from __future__ import annotations

from typing import Any

from agents import (
    Agent,
    OpenAIResponsesCompactionSession,
    Runner,
    Usage,
    function_tool,
)
from agents.testing import ModelStep, ScriptedModel, assistant_message, function_call
from django.test import SimpleTestCase, TestCase, override_settings
from openai.types.responses import ResponseReasoningItem

from agent_sessions import DjangoSession, LastItems, Session
from agent_sessions import Usage as StoredUsage
from agent_sessions.compaction import CompactionSession
from tests.compacting import (
    AROUND,
    COMPACTION,
    ENCRYPTED,
    INSIDE,
    KEY,
    REASONING,
    SUMMARY,
    WRAPPINGS,
    WRONG_KEY,
    Client,
    DjangoStore,
    SQLiteStore,
    Store,
    always,
    compacting,
    encrypted,
    expired,
    pair,
    run,
)
from tests.contract import CALL, USER, DjangoContract, numbered
from tests.model_input import last_input


class CompactionContract(Store):
    """Compaction around a store, in each wrapping."""

    compaction: type[OpenAIResponsesCompactionSession] = OpenAIResponsesCompactionSession

    def wrapped(
        self,
        wrapping: str,
        client: Client,
        *,
        key: str = KEY,
        trigger: Any = always,
        **settings: Any,
    ) -> Any:
        """Return a wrapped store whose session id is the name of the wrapping."""
        store = self.make_store(wrapping, **settings)
        if wrapping == AROUND:
            return encrypted(self.compacted(store, client, trigger), key)
        return self.compacted(
            encrypted(store, key) if wrapping == INSIDE else store, client, trigger
        )

    def compacted(self, inner: Any, client: Any, trigger: Any) -> Any:
        return self.compaction(
            inner.session_id, inner, client=client, should_trigger_compaction=trigger
        )

    async def test_after_a_run(self) -> None:
        """A run compacts its input and output, and the next run begins with the summary."""
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
        """run_compaction() replaces all items."""
        for name in WRAPPINGS:
            client = Client()
            session = self.wrapped(name, client)
            await session.add_items([*pair(0), *pair(1)])

            await session.run_compaction({"force": True})

            self.assertEqual(await session.get_items(), [SUMMARY], name)
            self.assertEqual(client.asked[0]["input"], [*pair(0), *pair(1)], name)

    async def test_no_need(self) -> None:
        """If the trigger says no, the API is not called and nothing changes."""
        for name in WRAPPINGS:
            client = Client()
            session = self.wrapped(name, client, trigger=lambda context: False)

            await run(session)

            self.assertEqual((len(await session.get_items()), client.asked), (2, []), name)

    async def test_bounded_window(self) -> None:
        """A run with a limit compacts only the items that it was given."""
        for name in WRAPPINGS:
            client = Client()
            session = self.wrapped(name, client)
            await session.add_items([*pair(0), *pair(1), *pair(2)])

            await run(session, limit=3)

            self.assertEqual(await session.get_items(), [*pair(0), *pair(1), SUMMARY], name)
            self.assertEqual(client.asked[0]["input"][:2], pair(2), name)
            self.assertEqual(len(client.asked[0]["input"]), 4, name)

    async def test_reasoning(self) -> None:
        """Reasoning is kept, or compacted, together with its answer."""
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
        """A tool call is compacted only with its output."""

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
        """A call without output, as before an approval, stays with everything before it."""
        for name in WRAPPINGS:
            session = self.wrapped(name, Client())
            await session.add_items([*pair(0), USER, CALL])

            await run(session)

            self.assertEqual(await session.get_items(), [*pair(0), USER, CALL, SUMMARY], name)

    async def test_changed_meanwhile(self) -> None:
        """If items are added while the API summarizes, nothing is replaced."""
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
        """With a row that is not JSON, the history is replaced if the run was given all of it."""
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
        """Compaction also deletes the oldest items if they have expired."""
        for name in ENCRYPTED:
            store = self.make_store(name)
            session = self.wrapped(name, Client())
            await store.add_items([expired(store, item) for item in numbered(7)])
            await session.add_items(pair(0))

            await run(session)

            self.assertEqual(await session.get_items(), [SUMMARY], name)
            self.assertEqual(len(await store.get_items()), 1, name)

    async def test_expired_items_behind_others(self) -> None:
        """An item that may not have expired is kept, with the items after it."""
        for name in ENCRYPTED:
            store = self.make_store(name)
            session = self.wrapped(name, Client())
            old = [expired(store, item) for item in numbered(5)]
            strange = encrypted(store, WRONG_KEY)._wrap(USER)
            await store.add_items([*old[:3], strange, *old[3:]])
            await session.add_items(pair(0))

            await run(session, limit=2)

            stored = await store.get_items()
            # The newest expired item was in the window that was summarized.
            self.assertEqual(stored[:-1], [strange, *old[3:-1]], name)
            self.assertEqual(await session.get_items(), [SUMMARY], name)

    async def test_wrong_key(self) -> None:
        """A run with a wrong key compacts only its own items."""
        for name in ENCRYPTED:
            store = self.make_store(name)
            await encrypted(store).add_items(pair(0))
            session = self.wrapped(name, Client(), key=WRONG_KEY)

            await run(session)

            self.assertEqual(await encrypted(store).get_items(), pair(0), name)
            self.assertEqual(await session.get_items(), [SUMMARY], name)

    async def test_wrong_key_by_hand(self) -> None:
        """Items that cannot be decrypted are not compacted, unless forced: the SDK replaces all."""
        for name in ENCRYPTED:
            client, store = Client(), self.make_store(name)
            await encrypted(store).add_items(numbered(12))
            session = self.wrapped(name, client, key=WRONG_KEY, trigger=None)

            await session.run_compaction()

            self.assertEqual(await encrypted(store).get_items(), numbered(12), name)
            self.assertEqual(client.asked, [], name)

            await session.run_compaction({"force": True})

            self.assertEqual(await encrypted(store).get_items(), [], name)


class DjangoCompactionTests(CompactionContract, DjangoStore, TestCase):
    """The SDK's compaction around DjangoSession."""

    async def test_session_stays(self) -> None:
        """The title outlives compaction, except by hand around encryption."""
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
        """Compaction by hand also summarizes the items beyond a run's limit."""
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
        """Compaction by hand also summarizes the items beyond the project's limit."""
        for name in self.wrappings_that_read_everything:
            client = Client()
            session = self.wrapped(name, client)
            await session.add_items([*pair(0), *pair(1)])

            await session.run_compaction({"force": True})

            self.assertEqual(client.asked[0]["input"], [*pair(0), *pair(1)], name)

    async def test_limit_after_a_run(self) -> None:
        """The trigger gets the whole history even if the model gets a limited one."""
        for name in self.wrappings_that_read_everything:
            client = Client()
            seen: list[int] = []

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
        """The read for compaction also says whether it returned all items."""
        store = self.make_store("one", session_settings={"limit": 1})
        await store.add_items(numbered(3))
        read = store._read_compaction_items
        assert read is not None

        self.assertEqual(await read(None), (numbered(3), False))
        self.assertEqual(await read(2), (numbered(3)[1:], False))
        self.assertEqual(await read(4), (numbered(3), True))
        self.assertIsNone(self.make_store("one")._read_compaction_items)


class CompactionSessionTests(DjangoCompactionTests):
    """agent_sessions.compaction.CompactionSession around DjangoSession."""

    compaction = CompactionSession
    wrappings_that_read_everything = WRAPPINGS


class SQLiteCompactionTests(CompactionContract, SQLiteStore, SimpleTestCase):
    """The SDK's compaction around its own SQLiteSession: the behaviour is the SDK's."""


class CompactionSessionContractTests(DjangoContract, TestCase):
    """CompactionSession fulfils the contract of a session."""

    def make_session(self, session_id: str, **settings: Any) -> CompactionSession:
        return CompactionSession(session_id, DjangoSession(session_id))


class WrapperTests(TestCase):
    """The run's context, passed on to the session inside."""

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

    async def test_context_is_passed_on(self) -> None:
        """Inside CompactionSession the tokens of a step are recorded, encrypted or not."""
        plain, inside = DjangoSession("plain"), encrypted(DjangoSession("inside"))
        around = encrypted(CompactionSession("around", DjangoSession("around")))

        self.assertEqual(await self.tokens(CompactionSession("plain", plain)), [15])
        self.assertEqual(await self.tokens(CompactionSession("inside", inside)), [15])
        self.assertEqual(await self.tokens(around), [15])

    async def test_class_of_the_sdk(self) -> None:
        """The SDK's class does not pass the context, so the tokens are unknown."""
        session = OpenAIResponsesCompactionSession("one", DjangoSession("one"))

        self.assertEqual(await self.tokens(session), [None])

    async def test_cost_of_a_summary(self) -> None:
        """The tokens of the summary are part of the run, and recorded from its result."""
        store = DjangoSession("one")
        session = compacting("one", store, should_trigger_compaction=always)

        await store.record_run(await self.answered(session))

        self.assertEqual(await self.recorded("one"), [15, 77])
