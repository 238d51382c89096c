"""Server time of the admin's pages with 100,000 sessions and 1,000,000 messages in a SQLite file.

python -m tests.benchmarks.admin [FILE]

FILE is made if it is not there, and left for the next time; without it the database is thrown away.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import django
from django.core.management import call_command

ROUNDS = 7
BUDGET_MILLISECONDS = 300
PRICES = {"gpt-5-mini": {"input": "0.25", "cached": "0.025", "output": "2.00"}}
LIST = "/admin/agent_sessions/session/"

# Where 10 sessions in 10,000 have something it is rare; where none has, every one is looked at.
LISTS: dict[str, dict[str, Any]] = {
    "list": {},
    "list, the last page": {"p": 100},
    "list, oldest first": {"o": 4},
    "search by id": {"q": "{id}"},
    "search, no such words": {"q": "no such words"},
    "state, common": {"state": "complete"},
    "state, rare": {"state": "interrupted"},
    "state, none": {"state": "waiting"},
    "forks, rare": {"state": "fork"},
    "owner, common": {"owner": "any"},
    "owner, rare": {"owner": 500},
    "agent, common": {"agent": "Calendar Club"},
    "agent, rare": {"agent": "Triage"},
    "tool, common": {"tool": "search_events"},
    "tool, rare": {"tool": "refund"},
    "tool failed": {"failed": "tool"},
    "tool failed, of one tool": {"failed": "tool", "tool": "search_events"},
    "tool failed, of a rare tool": {"failed": "tool", "tool": "refund"},
    "cost, common": {"cost": "0-0.01"},
    "cost, rare": {"cost": "0.1-1"},
    "words, common": {"says": "jazz"},
    "words, rare": {"says": "zebra"},
    "words, none": {"says": "unheard-of"},
    "an owner's e-mail": {"q": "nobody@example.org"},
    "yesterday": {"active": "yesterday"},
    "a range of dates": {"from": "2026-03-05", "to": "2026-03-20"},
    "a year": {"updated_at__year": 2026},
    "a month": {"updated_at__year": 2026, "updated_at__month": 3},
    "a day": {"updated_at__year": 2026, "updated_at__month": 3, "updated_at__day": 5},
    "a month and a state": {
        "updated_at__year": 2026,
        "updated_at__month": 3,
        "state": "interrupted",
    },
}


class Measured(NamedTuple):
    milliseconds: float
    processor_milliseconds: float  # what of it is this process's own, on a machine with others
    statements: int


def configure(file: Path) -> None:
    """Set Django up on the file with calendarclub's settings, as a server has them."""
    os.environ |= {
        "DJANGO_SQLITE_FILE": str(file),
        "DJANGO_SETTINGS_MODULE": "calendarclub.settings",
        "DJANGO_SECRET_KEY": "for a benchmark only",
        "DJANGO_ALLOWED_HOSTS": "testserver",
    }
    os.environ.pop("DATABASE_URL", None)
    django.setup()


def prepare() -> None:
    """Make what is to be measured, if it is not there."""
    from tests.benchmarks import many_sessions  # once the apps are ready

    call_command("migrate", verbosity=0)
    if not many_sessions.User.objects.exists():
        began = time.perf_counter()
        many_sessions.make()
        print(f"made in {time.perf_counter() - began:.0f} s")


def measured(client: Any, url: str) -> Measured:
    """Return the median of the time a page takes, and how often it asks the database."""
    from django.db import connection  # once there are settings
    from django.test.utils import CaptureQueriesContext

    clocks = (time.perf_counter, time.process_time)
    rounds = []
    for _ in range(ROUNDS):
        began = [clock() for clock in clocks]
        response = client.get(url)
        rounds.append([clock() - at for clock, at in zip(clocks, began, strict=True)])
        if response.status_code != 200:
            raise RuntimeError(f"{url} answers {response.status_code}.")
    with CaptureQueriesContext(connection) as captured:
        client.get(url)
    wall, processor = (statistics.median(seconds) * 1000 for seconds in zip(*rounds, strict=True))
    return Measured(wall, processor, len(captured))


def line(name: str, found: Measured) -> None:
    verdict = "yes" if found.milliseconds < BUDGET_MILLISECONDS else "NO"
    milliseconds = f"{found.milliseconds:.0f} | {found.processor_milliseconds:.0f}"
    print(f"| {name} | {milliseconds} | {found.statements} | {verdict} |", flush=True)


def conversations(client: Any) -> None:
    """Measure the page of one session of each length: its newest window, and one in the middle."""
    from agent_sessions import Message
    from tests.benchmarks.many_sessions import LENGTHS

    found = {}
    for name, length in LENGTHS.items():
        found[length] = measured(client, f"{LIST}{name}/change/")
        line(f"conversation, {length:,} messages", found[length])
    pks = Message.objects.filter(session="long").order_by("pk").values_list("pk", flat=True)
    middle = measured(client, f"{LIST}long/change/?before={pks[LENGTHS['long'] // 2]}")
    line("conversation, 100,000 messages, the middle", middle)
    ratio = found[100_000].milliseconds / found[100].milliseconds
    print(f"\n100,000 messages take {ratio:.2f} times as long as 100.")


def main() -> None:
    from django.conf import settings
    from django.test import Client, override_settings

    from agent_sessions import Session
    from tests.benchmarks.many_sessions import SESSIONS, User

    client = Client()
    client.force_login(User.objects.get(username="root"))
    session_id = Session.objects.order_by("updated_at")[SESSIONS // 2].pk
    size = Path(settings.DATABASES["default"]["NAME"]).stat().st_size / 2**20
    print(f"{SESSIONS:,} sessions, {size:,.0f} MB, Django {django.__version__}\n")
    print(f"| page | ms | of CPU | statements | under {BUDGET_MILLISECONDS} |")
    print("|---|---:|---:|---:|---|")
    with override_settings(AGENT_SESSIONS_PRICES=PRICES):
        for name, query in LISTS.items():
            address = urlencode({key: str(v).format(id=session_id) for key, v in query.items()})
            line(name, measured(client, f"{LIST}?{address}"))
        conversations(client)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        configure(Path(sys.argv[1] if sys.argv[1:] else f"{folder}/admin.sqlite3"))
        prepare()
        main()
