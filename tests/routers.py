"""Database routers for tests."""

from __future__ import annotations

from typing import Any


class WritesToArchive:
    """Reads from one database and writes to the other, so that a mix-up shows."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "default"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "archive"


class ReadsAndWritesArchive(WritesToArchive):
    """Uses the second database alone."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "archive"


class MigratesNothing:
    """Keeps the app's tables as they are."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return False if app_label == "agent_sessions" else None
