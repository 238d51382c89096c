"""Database routers for tests."""

from __future__ import annotations

from typing import Any

from django.db.models import Model


class WritesToArchive:
    """Reads from one database and writes to the other, so that a mix-up fails a test."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str:
        return "default"

    def db_for_write(self, model: type[Model], **hints: Any) -> str:
        return "archive"


class ReadsAndWritesArchive(WritesToArchive):
    """Uses only the second database."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str:
        return "archive"


class MigratesNothing:
    """Excludes the app from migrations."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return False if app_label == "agent_sessions" else None
