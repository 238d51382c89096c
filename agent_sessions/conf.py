"""The app's settings, each read when it is used, so that override_settings works.

Every name begins with AGENT_SESSIONS_ and has a safe default. A value of the wrong type is
reported by the system check agent_sessions.E004.
"""

from __future__ import annotations

from django.conf import settings

from agent_sessions.usage.pricing import Prices

LARGEST_PAGE = 1_000
LONGEST_CURRENCY = 10
OPENAI_TRACES = "https://platform.openai.com/traces/trace?trace_id={trace_id}"


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


conf = AppSettings()
