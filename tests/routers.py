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
