"""A fork of a long session, compared with AdvancedSQLiteSession and with a copy by hand.

python -m tests.benchmarks.forks
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import django
from agents.extensions.memory import AdvancedSQLiteSession
from django.conf import settings
from django.core.management import call_command

from tests.contract import TURN

TURNS = 2_500  # of 4 items
PLACES = (1, 625, 1_250, 2_500)  # before these turns
ROUNDS = 7

Fork = Callable[[int], Awaitable[Any]]


def configure(folder: Path) -> None:
    """Set Django up on its own SQLite file, with the documented options."""
    settings.configure(
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "agent_sessions",
        ],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": folder / "ours.sqlite3",
                "OPTIONS": {
                    "transaction_mode": "IMMEDIATE",
                    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
                },
            }
        },
        USE_TZ=True,
    )
    django.setup()
    call_command("migrate", verbosity=0)


async def ours() -> dict[str, Fork]:
    """Return ways to copy the items before a turn of a long DjangoSession."""
    from agent_sessions import DjangoSession, fork  # needs ready apps

    session = DjangoSession("long")
    await session.add_items(TURN * TURNS)
    turns = {turn.number: turn for turn in await session.get_conversation_turns()}

    async def by_hand(number: int) -> None:
        items = await session.get_items()
        await DjangoSession(uuid4().hex).add_items(items[: (number - 1) * len(TURN)])

    return {
        "fork(session, before=number)": lambda number: fork(session, before=number),
        "fork(session, before=turn)": lambda number: fork(session, before=turns[number]),
        "get_items(), add_items()": by_hand,
    }


async def theirs(folder: Path) -> Fork:
    """Return the way of AdvancedSQLiteSession, with the same items."""
    path = folder / "theirs.sqlite3"
    session = AdvancedSQLiteSession(session_id="long", db_path=path, create_tables=True)
    await session.add_items(TURN * TURNS)

    async def branch(number: int) -> None:
        await session.create_branch_from_turn(number)
        await session.switch_to_branch("main")

    return branch


async def milliseconds(fork: Fork, number: int) -> float:
    """Return the median of a few forks."""
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await fork(number)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds) * 1000


async def main(folder: Path) -> None:
    ways = await ours()
    ways["create_branch_from_turn(number)"] = await theirs(folder)
    places = [f"before turn {number:,}" for number in PLACES]
    sys.stdout.write(f"| ms | {' | '.join(places)} |\n|---|{'---:|' * len(places)}\n")
    for name, fork in ways.items():
        cells = [f"{await milliseconds(fork, number):.1f}" for number in PLACES]
        sys.stdout.write(f"| `{name}` | {' | '.join(cells)} |\n")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        configure(Path(name))
        asyncio.run(main(Path(name)))
