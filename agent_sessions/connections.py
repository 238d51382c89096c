"""Connections between operations: while a model thinks, nobody else should wait for one."""

from __future__ import annotations

from django.db import connections


def hand_back(alias: str) -> None:
    """Close this thread's connection to a database server, unless CONN_MAX_AGE keeps it.

    A request that streams an answer lives as long as the model talks. Django would hold its
    connection all the while, so that a pool of four serves four conversations and no fifth. A
    connection inside a transaction stays, and so does one to SQLite, which is a file of this
    process and takes longer to open than to use.
    """
    connection = connections[alias]
    if connection.vendor != "sqlite" and connection.get_autocommit():
        connection.close_if_unusable_or_obsolete()
