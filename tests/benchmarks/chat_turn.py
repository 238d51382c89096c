"""A chat turn on a local SQLite file, with DjangoSession and with the SDK's own sessions.

    python -m tests.benchmarks.chat_turn

A turn is a run of the Runner with one tool call: one read and three writes. The model answers at
once, so that only the SDK and the session are measured. The sessions alternate, so that other load
on the machine affects them all alike.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROUNDS = 60


def main() -> None:
    folder = tempfile.TemporaryDirectory()
    os.environ["OPENAI_AGENTS_DISABLE_TRACING"] = "1"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    from django.db import connection

    connection.creation.create_test_db(verbosity=0)
    try:
        asyncio.run(measured(Path(folder.name)))
    finally:
        connection.creation.destroy_test_db(":memory:", verbosity=0)
        folder.cleanup()


async def measured(folder: Path) -> None:
    """Print the median of each kind of session, and its ratio to the first."""
    from agents import SQLiteSession
    from agents.extensions.memory import AdvancedSQLiteSession
    from django.test import override_settings

    from agent_sessions import DjangoSession

    advanced = AdvancedSQLiteSession(
        session_id="one", db_path=folder / "advanced.db", create_tables=True
    )
    kinds: dict[str, tuple[Callable[[], Any], bool]] = {
        "DjangoSession": (lambda: DjangoSession("one"), True),
        "DjangoSession, not recorded": (lambda: DjangoSession("other"), False),
        "SQLiteSession": (lambda: SQLiteSession("one", folder / "theirs.db"), False),
        "AdvancedSQLiteSession": (lambda: advanced, True),
    }
    times: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(ROUNDS):
        for name, (make, is_recorded) in kinds.items():
            with override_settings(AGENT_SESSIONS_RECORDING=is_recorded):
                times[name].append(await turn(make(), is_recorded))
    first = statistics.median(times["DjangoSession"])
    print(f"{'a chat turn, median of ' + str(ROUNDS):36}{'ms':>8}{'ratio':>8}")
    for name, measured_times in times.items():
        median = statistics.median(measured_times)
        print(f"{name:36}{median * 1000:8.2f}{median / first:8.2f}")


async def turn(session: Any, is_recorded: bool) -> float:
    """Run one turn, store its usage if asked, and return the seconds that it took."""
    from agents import Agent, Runner, function_tool
    from agents.testing import ScriptedModel, assistant_message, function_call

    @function_tool
    def search_events(words: str) -> str:
        return "[]"

    model = ScriptedModel(
        [
            [function_call("search_events", {"words": "jazz"}, call_id="call_1")],
            [assistant_message("None tonight.")],
        ]
    )
    agent = Agent("Calendar Club", model=model, tools=[search_events])
    begun = time.perf_counter()
    result = await Runner.run(agent, "Any jazz?", session=session)
    if is_recorded and hasattr(session, "store_run_usage"):
        await session.store_run_usage(result)
    seconds = time.perf_counter() - begun
    if hasattr(session, "close") and not is_recorded:
        session.close()
    return seconds


if __name__ == "__main__":
    main()
