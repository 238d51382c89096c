"""A SQLite file that other users of the machine cannot read."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from typing import Any


class PrivateConnection(sqlite3.Connection):
    """A connection that makes its file, if there is none, readable by its owner alone.

    SQLite gives the files beside it, -wal and -shm, the same permissions. A file that exists keeps
    its own.
    """

    def __init__(self, database: str | os.PathLike[str], *args: Any, **options: Any) -> None:
        path = os.fspath(database)
        if not path.startswith((":memory:", "file:")):  # neither is the path of a file
            with suppress(OSError):  # it exists, or SQLite says better why it cannot be made
                os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
        super().__init__(database, *args, **options)
