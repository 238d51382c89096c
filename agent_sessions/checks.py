"""System checks of databases and settings. docs/checks.md has a heading for each id."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage
from django.db import connections, router
from django.db.models.functions import Now
from django.db.models.sql import Query
from django.utils import timezone

from agent_sessions.conf import LARGEST_PAGE, LONGEST_CURRENCY
from agent_sessions.models import Session
from agent_sessions.usage.pricing import are_prices

CLOCK_TOLERANCE = timedelta(minutes=10)  # less than any two time zones differ by


def check_databases(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check the databases that sessions are read from and written to."""
    aliases = {router.db_for_read(Session), router.db_for_write(Session)}
    return [message for alias in sorted(aliases) for message in _check_database(alias)]


def _check_database(alias: str) -> Iterator[CheckMessage]:
    connection = connections[alias]
    options = connection.settings_dict
    if connection.vendor == "sqlite" and _begins_as_reader(connection):
        # Only a warning, because transactions of this package begin with a write.
        yield checks.Warning(
            f"Database {alias!r} is {connection.display_name} without transaction_mode IMMEDIATE.",
            hint="Transactions of your own code that read before they write fail with "
            '"database is locked" when two run at once. Set "OPTIONS": '
            f'{{"transaction_mode": "IMMEDIATE"}} in DATABASES[{alias!r}].',
            id="agent_sessions.W001",
        )
    if options["CONN_MAX_AGE"] != 0:
        yield checks.Warning(
            f"Database {alias!r} has a CONN_MAX_AGE of {options['CONN_MAX_AGE']}.",
            hint="Under ASGI every request has its own thread, which would keep its connection. "
            "Set CONN_MAX_AGE to 0 and use a connection pool.",
            id="agent_sessions.W002",
        )
    if options["ATOMIC_REQUESTS"]:
        yield checks.Warning(
            f"Database {alias!r} has ATOMIC_REQUESTS.",
            hint="Django rejects async views with it, and the transaction of a sync view would "
            "stay open while the model runs. Use transaction.atomic() where it is needed.",
            id="agent_sessions.W003",
        )


def _begins_as_reader(connection: Any) -> bool:
    """Tell whether a transaction on SQLite, or on an engine made of it, begins without a lock."""
    connection.get_connection_params()  # sets transaction_mode from the settings
    return connection.transaction_mode in (None, "DEFERRED")


def check_clocks(*, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Check that the databases and Django agree on the time of db_default=Now()."""
    aliases = {router.db_for_read(Session), router.db_for_write(Session)} & {*(databases or [])}
    return [message for alias in sorted(aliases) for message in _check_clock(alias)]


def _check_clock(alias: str) -> Iterator[CheckMessage]:
    behind = abs(timezone.now() - _time_in(alias))
    if behind > CLOCK_TOLERANCE:
        yield checks.Warning(
            f"Django reads the time of database {alias!r} with an error of {behind}, with USE_TZ = "
            f"{settings.USE_TZ} and TIME_ZONE = {settings.TIME_ZONE!r}.",
            hint="Times of sessions and messages have the same error, and costs count for wrong "
            "days. Set USE_TZ = True; on MySQL and MariaDB also set the server's time_zone to "
            "'+00:00'.",
            id="agent_sessions.W006",
        )


def _time_in(alias: str) -> datetime:
    """Return the value of a column with db_default=Now(), as the ORM reads it."""
    query = Query(None)
    query.add_annotation(Now(), "now", select=True)
    ((now,),) = query.get_compiler(alias).results_iter()
    return cast(datetime, now)


class SettingType(NamedTuple):
    """The values of a setting, in words and as a test."""

    expected: str
    allows: Callable[[Any], bool]


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_page_size(value: Any) -> bool:
    return _is_count(value) and value <= LARGEST_PAGE


def _is_currency(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST_CURRENCY and value.isprintable()


def _is_trace_url(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    return not value or (value.startswith(("https://", "http://")) and "{trace_id}" in value)


SETTINGS = {
    "AGENT_SESSIONS_HISTORY_LIMIT": SettingType(
        "None or a whole number above 0", lambda value: value is None or _is_count(value)
    ),
    "AGENT_SESSIONS_RECORDING": SettingType("True or False", lambda value: isinstance(value, bool)),
    "AGENT_SESSIONS_PRICES": SettingType(
        'a dict like {"gpt-5-mini": {"input": "0.25", "cached": "0.025", "output": "2.00"}}: for '
        "each model the price of a million tokens of each kind, as a string, int or Decimal",
        are_prices,
    ),
    "AGENT_SESSIONS_CURRENCY": SettingType(
        f'a string of at most {LONGEST_CURRENCY} characters, such as "EUR" or "€"', _is_currency
    ),
    "AGENT_SESSIONS_ADMIN_PAGE_SIZE": SettingType(
        f"a whole number from 1 to {LARGEST_PAGE:,}", _is_page_size
    ),
    "AGENT_SESSIONS_ADMIN_LOG_VIEWS": SettingType(
        "True or False", lambda value: isinstance(value, bool)
    ),
    "AGENT_SESSIONS_TRACE_URL": SettingType(
        "an http or https address with {trace_id} in it, or an empty string", _is_trace_url
    ),
}


def check_settings(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check that every AGENT_SESSIONS_* setting is known and of the right type."""
    names = sorted(name for name in dir(settings) if name.startswith("AGENT_SESSIONS_"))
    return [message for name in names for message in _check_setting(name, getattr(settings, name))]


def _check_setting(name: str, value: object) -> Iterator[CheckMessage]:
    if name not in SETTINGS:
        yield checks.Warning(
            f"{name} is not a setting of agent_sessions.",
            hint=f"It has no effect. The settings are: {', '.join(sorted(SETTINGS))}.",
            id="agent_sessions.W005",
        )
    elif not SETTINGS[name].allows(value):
        yield checks.Error(
            f"{name} is {value!r}.",
            hint=f"Set it to {SETTINGS[name].expected}.",
            id="agent_sessions.E004",
        )
