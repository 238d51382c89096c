"""Server time of the admin's pages with 100,000 sessions, 1,000,000 messages and usage rows.

TEST_DATABASE=postgres python -m tests.benchmarks.admin [DATABASE] [--only lists]

TEST_DATABASE is as for the tests. DATABASE is a file or the name of a database, which is made if it
is missing, and kept for the next run. Without it, the database is deleted at the end.
"""

from __future__ import annotations

import os
import statistics
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlencode

import django

ROUNDS = 7
BUDGET_MILLISECONDS = 300
PRICES = {"gpt-5-mini": {"input": "0.25", "cached": "0.025", "output": "2.00"}}
LIST = "/admin/agent_sessions/session/"

# Rare: about 1 in 1,000 sessions. None: every session has to be checked.
LISTS: dict[str, dict[str, Any]] = {
    "list": {},
    "list, the last page": {"p": 100},
    "list, oldest first": {"o": 4},
    "search by id": {"q": "{id}"},
    "search, no such words": {"q": "no such words"},
    "state, common": {"state": "complete"},
    "state, rare": {"state": "incomplete"},
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
    "a range of dates": {"from": "{year}-{month:02}-05", "to": "{year}-{month:02}-20"},
    "a year": {"updated_at__year": "{year}"},
    "a month": {"updated_at__year": "{year}", "updated_at__month": "{month}"},
    "a day": {"updated_at__year": "{year}", "updated_at__month": "{month}", "updated_at__day": 5},
    "a month and a state": {
        "updated_at__year": "{year}",
        "updated_at__month": "{month}",
        "state": "incomplete",
    },
}
PERIODS = {"7d": 300, "30d": 300, "90d": 1_000, "12m": 1_000}  # and their budgets


class Measured(NamedTuple):
    milliseconds: float
    processor_milliseconds: float  # of this process, without others on the machine
    statements: int


@contextmanager
def database(name: str) -> Iterator[None]:
    """Set Django up on the benchmark's own database, which is dropped unless it has a name."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    from django.conf import settings

    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    django.setup()
    from django.db import connection  # needs settings

    if name or connection.vendor != "sqlite":
        # Different from the test database, since tests may be running.
        connection.settings_dict["TEST"]["NAME"] = name or "agent_sessions_benchmark"
    keepdb = bool(name)
    connection.creation.create_test_db(
        verbosity=0, autoclobber=True, serialize=False, keepdb=keepdb
    )
    try:
        fill()
        yield
    finally:
        connection.creation.destroy_test_db("", verbosity=0, keepdb=keepdb)


def fill() -> None:
    """Make the sessions, if there are none."""
    from django.contrib.auth.models import User  # needs settings
    from django.db import connection  # needs settings

    from tests.benchmarks import many_sessions

    if User.objects.exists():
        return
    began = time.perf_counter()
    many_sessions.make()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")  # as autovacuum does after a while
    print(f"made in {time.perf_counter() - began:.0f} s")


def measured(client: Any, url: str) -> Measured:
    """Return the median time of a page, and its number of statements."""
    from django.db import connection  # needs settings
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


def line(name: str, found: Measured, budget: int = BUDGET_MILLISECONDS) -> None:
    verdict = "yes" if found.milliseconds < budget else "NO"
    milliseconds = f"{found.milliseconds:.0f} | {found.processor_milliseconds:.0f}"
    print(f"| {name} | {milliseconds} | {found.statements} | {verdict} |", flush=True)


def conversations(client: Any) -> None:
    """Measure the page of a session of each length, and one in the middle of the longest."""
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


def lists(client: Any) -> None:
    """Measure the list with each filter."""
    from agent_sessions import Session
    from tests.benchmarks.many_sessions import SESSIONS

    middle = Session.objects.order_by("updated_at")[SESSIONS // 2]
    when = middle.updated_at
    names = {"id": middle.pk, "year": when.year, "month": when.month}
    for name, query in LISTS.items():
        address = urlencode({key: str(value).format(**names) for key, value in query.items()})
        line(name, measured(client, f"{LIST}?{address}"))


def usage(client: Any) -> None:
    """Measure the usage page with each period, from the cache and counted again."""
    for period, budget in PERIODS.items():
        for by in ("agent", "user"):
            url = f"{LIST}usage/?period={period}&by={by}&measure=cost"
            began = time.perf_counter()
            client.get(f"{url}&new=1")
            milliseconds = (time.perf_counter() - began) * 1000
            line(f"usage, {period} by {by}", measured(client, url), budget)
            print(f"| … counted | {milliseconds:.0f} | | | |", flush=True)


PARTS = {"lists": lists, "conversations": conversations, "usage": usage}


def main(parts: Sequence[str]) -> None:
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client, override_settings

    from agent_sessions import Message, Session, Usage

    client = Client()
    client.force_login(User.objects.get(username="root"))
    rows = ", ".join(
        f"{model.objects.count():,} {model.__name__}" for model in (Session, Message, Usage)
    )
    print(f"{rows}, {connection.display_name}, Django {django.__version__}\n")
    print("| page | ms | of CPU | statements | fast enough |")
    print("|---|---:|---:|---:|---|")
    with override_settings(AGENT_SESSIONS_PRICES=PRICES, ALLOWED_HOSTS=["testserver"]):
        for part in parts:
            PARTS[part](client)


if __name__ == "__main__":
    parser = ArgumentParser()
    parser.add_argument("database", nargs="?", default="")
    parser.add_argument("--only", choices=PARTS, action="append")
    arguments = parser.parse_args()
    with database(arguments.database):
        main(arguments.only or [*PARTS])
