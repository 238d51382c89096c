"""The app's settings, each read when it is used, so that override_settings works.

Every name begins with AGENT_SESSIONS_ and has a safe default. A value of the wrong type is
reported by the system check agent_sessions.E004.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from django.conf import settings

from agent_sessions.pricing import Prices, are_prices

LARGEST_PAGE = 1_000
LONGEST_CURRENCY = 10
OPENAI_TRACES = "https://platform.openai.com/traces/trace?trace_id={trace_id}"


class Kind(NamedTuple):
    """What a setting may hold: a sentence for people and a test for the system check."""

    expected: str
    allows: Callable[[Any], bool]


class AppSettings:
    """One property per setting, named as the setting is, in lower case without its prefix."""

    @property
    def history_limit(self) -> int | None:
        """How many of the newest items a run is given; None, the default, is all of them.

        The `session_settings` of a DjangoSession and of a RunConfig win over it, and `history`.
        """
        return getattr(settings, "AGENT_SESSIONS_HISTORY_LIMIT", None)

    @property
    def recording(self) -> bool:
        """Whether steps of runs are recorded: who spoke and what it cost; True by default."""
        return getattr(settings, "AGENT_SESSIONS_RECORDING", True)

    @property
    def prices(self) -> Prices:
        """What a million tokens cost, by model and kind of token; none are known by default.

        `{"gpt-5-mini": {"input": "0.25", "cached": "0.025", "output": "2.00"}}`, in any currency.
        """
        return getattr(settings, "AGENT_SESSIONS_PRICES", {})

    @property
    def currency(self) -> str:
        """The currency of the prices, such as "EUR" or "€", written behind each amount; "" if none.

        Nothing is converted.
        """
        return getattr(settings, "AGENT_SESSIONS_CURRENCY", "")

    @property
    def admin_page_size(self) -> int:
        """How many messages of a session the admin shows at once; 100 by default.

        More than LARGEST_PAGE are LARGEST_PAGE: a page of them is a few megabytes already.
        """
        return min(getattr(settings, "AGENT_SESSIONS_ADMIN_PAGE_SIZE", 100), LARGEST_PAGE)

    @property
    def admin_log_views(self) -> bool:
        """Whether the admin's log notes who read which session's content; False by default."""
        return getattr(settings, "AGENT_SESSIONS_ADMIN_LOG_VIEWS", False)

    @property
    def trace_url(self) -> str:
        """Where a trace is looked at, with `{trace_id}` in it; OpenAI's dashboard by default.

        An empty string is no link.
        """
        return getattr(settings, "AGENT_SESSIONS_TRACE_URL", OPENAI_TRACES)


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
    "AGENT_SESSIONS_HISTORY_LIMIT": Kind(
        "None or a whole number above 0", lambda value: value is None or _is_count(value)
    ),
    "AGENT_SESSIONS_RECORDING": Kind("True or False", lambda value: isinstance(value, bool)),
    "AGENT_SESSIONS_PRICES": Kind(
        'a dict like {"gpt-5-mini": {"input": "0.25", "cached": "0.025", "output": "2.00"}}: for '
        "each model the price of a million tokens of each kind, as a string, int or Decimal",
        are_prices,
    ),
    "AGENT_SESSIONS_CURRENCY": Kind(
        f'a string of at most {LONGEST_CURRENCY} characters, such as "EUR" or "€"', _is_currency
    ),
    "AGENT_SESSIONS_ADMIN_PAGE_SIZE": Kind(
        f"a whole number from 1 to {LARGEST_PAGE:,}", _is_page_size
    ),
    "AGENT_SESSIONS_ADMIN_LOG_VIEWS": Kind("True or False", lambda value: isinstance(value, bool)),
    "AGENT_SESSIONS_TRACE_URL": Kind(
        "an http or https address with {trace_id} in it, or an empty string", _is_trace_url
    ),
}

conf = AppSettings()
