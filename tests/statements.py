"""The SQL statements of an operation, without those of its transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections
from django.test.utils import CaptureQueriesContext

FRAME = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK")


@contextmanager
def statements(using: str = "default") -> Iterator[list[str]]:
    """Yield a list that holds, after the block, the first word of every statement."""
    found: list[str] = []
    with CaptureQueriesContext(connections[using]) as captured:
        yield found
    sent = (query["sql"].strip() for query in captured.captured_queries)
    found += [sql.split()[0] for sql in sent if not sql.upper().startswith(FRAME)]
