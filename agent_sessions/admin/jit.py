"""PostgreSQL's JIT compiler, turned off for queries that it would only slow down."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections, transaction


@contextmanager
def without_compiling(using: str) -> Iterator[None]:
    """Turn PostgreSQL's JIT compiler off for the queries of the block.

    PostgreSQL compiles a query whose estimated cost is high. Filters by state, cost and words have
    subqueries whose cost it greatly overestimates: compiling a filter by state took 4.3 s,
    executing it 1.0 s. See https://www.postgresql.org/docs/current/jit-decision.html
    """
    connection = connections[using]
    if connection.vendor != "postgresql":
        yield
        return
    # LOCAL ends with the transaction, so the setting does not outlive the block in a pool.
    with transaction.atomic(using=using), connection.cursor() as cursor:
        cursor.execute("SET LOCAL jit = off")
        yield
