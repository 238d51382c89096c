"""The app's settings, each read when it is used, so that override_settings works.

Every name begins with AGENT_SESSIONS_ and has a safe default. The system check
agent_sessions.E004 reports values of a wrong type.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TypeAlias

from django.conf import settings

# The prices of a million tokens, by model and kind of token, in any currency.
Prices: TypeAlias = Mapping[str, Mapping[str, str | int | Decimal]]

LARGEST_PAGE = 1_000
LONGEST_CURRENCY = 10
OPENAI_TRACES = "https://platform.openai.com/traces/trace?trace_id={trace_id}"


class AppSettings:
    """A property for each setting, with the setting's name in lower case without its prefix."""

    @property
    def history_limit(self) -> int | None:
        """The number of newest items that a run is given; None, the default, means all.

        `session_settings` of a DjangoSession or a RunConfig, and `history`, take precedence.
        """
        return getattr(settings, "AGENT_SESSIONS_HISTORY_LIMIT", None)

    @property
    def recording(self) -> bool:
        """Whether the agent and the cost of each step are recorded; True by default."""
        return getattr(settings, "AGENT_SESSIONS_RECORDING", True)

    @property
    def prices(self) -> Prices:
        """The prices of a million tokens, by model and kind of token; empty by default.

        `{"gpt-5-mini": {"input": "0.25", "cached": "0.025", "output": "2.00"}}`, in any currency.
        """
        return getattr(settings, "AGENT_SESSIONS_PRICES", {})

    @property
    def currency(self) -> str:
        """The currency of the prices, such as "EUR" or "€", shown after each amount; "" by default.

        Amounts are not converted.
        """
        return getattr(settings, "AGENT_SESSIONS_CURRENCY", "")

    @property
    def admin_page_size(self) -> int:
        """The number of messages on one page of the admin; 100 by default.

        At most LARGEST_PAGE: such a page already has a few megabytes.
        """
        return min(getattr(settings, "AGENT_SESSIONS_ADMIN_PAGE_SIZE", 100), LARGEST_PAGE)

    @property
    def admin_log_views(self) -> bool:
        """Whether the admin logs who read the content of which session; False by default."""
        return getattr(settings, "AGENT_SESSIONS_ADMIN_LOG_VIEWS", False)

    @property
    def trace_url(self) -> str:
        """The address of a trace, with `{trace_id}` in it; OpenAI's dashboard by default.

        With an empty string there are no links.
        """
        return getattr(settings, "AGENT_SESSIONS_TRACE_URL", OPENAI_TRACES)


conf = AppSettings()
