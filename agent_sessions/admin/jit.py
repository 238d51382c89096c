"""Statements that PostgreSQL executes faster than it compiles them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections, transaction


@contextmanager
def without_compiling(using: str) -> Iterator[None]:
    """Turn PostgreSQL's JIT compiler off for the statements of the block.

    It compiles a statement whose estimated cost is high. Filters by state, cost and words have
    subqueries whose cost is estimated far too high: compiling a filter by state took 4.3 s, and
    executing it 1.0 s. See https://www.postgresql.org/docs/current/jit-decision.html
    """
    connection = connections[using]
    if connection.vendor != "postgresql":
        yield
        return
    # LOCAL ends with the transaction: nobody else who is given the connection is affected.
    with transaction.atomic(using=using), connection.cursor() as cursor:
        cursor.execute("SET LOCAL jit = off")
        yield
