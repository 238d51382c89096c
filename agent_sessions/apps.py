"""The app as Django knows it."""

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext_lazy as _


class AgentSessionsConfig(AppConfig):
    name = "agent_sessions"
    verbose_name = _("Agent sessions")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Late: checks.py reads models, which exist from here on.
        from agent_sessions.checks import check_clocks, check_databases, check_settings

        checks.register(check_databases)
        checks.register(check_clocks, checks.Tags.database)
        checks.register(check_settings)
