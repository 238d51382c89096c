"""A SQLite file that other users of the machine cannot read."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from typing import Any


class PrivateConnection(sqlite3.Connection):
    """A connection that creates its file so that only its owner can read it.

    SQLite gives the -wal and -shm files beside it the same permissions. An existing file keeps its
    permissions.
    """

    def __init__(self, database: str | os.PathLike[str], *args: Any, **options: Any) -> None:
        path = os.fspath(database)
        if not path.startswith((":memory:", "file:")):  # neither is a path
            with suppress(OSError):  # it exists, or SQLite raises a better error
                os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
        super().__init__(database, *args, **options)
