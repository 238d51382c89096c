"""Deletion of sessions by Django's collector, while others write.

Every operation on a session locks the session's row first, and then writes its messages. Django's
collector does the opposite: it deletes messages, then the session. With a writer in between, each
would wait for a lock of the other, or a message would be left without a session. So the foreign
keys have `on_delete` functions with which the collector begins with locks. They are in effect for
`Session.delete()`, `QuerySet.delete()`, the admin, and the deletion of a user with sessions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from django.db import connections, models, transaction
from django.db.models.deletion import CASCADE, Collector

BATCH = 200
"""The number of sessions that are in memory at once, or deleted in one transaction."""
LOCKED_AT_ONCE = 1_000

M = TypeVar("M", bound=models.Model)


class OwnedForeignKey(models.ForeignKey):  # type: ignore[type-arg]  # not generic at run time
    """A foreign key with one of the `on_delete` functions of this module.

    Migrations get Django's ForeignKey with CASCADE, because `on_delete` is not in the database.
    """

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.ForeignKey", args, {**kwargs, "on_delete": CASCADE}


def delete_with_session(
    collector: Collector, field: Any, rows: models.QuerySet[Any], using: str
) -> None:
    """Delete messages or steps of sessions once the sessions are locked. (on_delete)

    They are not given to the admin's collector, which would load all of them for its list.
    """
    lock = _lock_first(collector, field.remote_field.model)
    if Collector(using).can_fast_delete(rows):
        deletion = _RowsOfSessions(rows.model, query=rows.query, using=using)
        deletion.lock, deletion.field_name = lock, field.name
        collector.fast_deletes.append(deletion)
    else:  # there are signal receivers, or rows of the project that cascade
        CASCADE(collector, field, rows, using)


def delete_with_owner(
    collector: Collector, field: Any, sessions: models.QuerySet[Any], using: str
) -> None:
    """Delete the sessions of users in batches once users and sessions are locked. (on_delete)

    The admin's collector gets all of them: it deletes nothing, but checks permissions.
    """
    if type(collector) is not Collector:
        CASCADE(collector, field, sessions, using)
        return
    cascade = _SessionsOfOwners(field.model, query=sessions.defer(None).query, using=using)
    cascade.collector, cascade.owners = collector, _lock_of(collector, field.remote_field.model)
    collector.fast_deletes.append(cascade)


# Django would fetch the rows to see whether there are any, and fetch them again.
delete_with_session.lazy_sub_objs = True  # type: ignore[attr-defined]  # an attribute of Django's
delete_with_owner.lazy_sub_objs = True  # type: ignore[attr-defined]  # as above


def delete_in_batches(sessions: models.QuerySet[M]) -> Iterator[list[M]]:
    """Delete sessions in batches, each in its own transaction, and yield each deleted batch.

    No writer waits for more than one batch. If a batch fails, the ones before it stay deleted.
    """
    for batch in batches(sessions):
        delete(batch, using=sessions.db)
        yield batch


class _Lock(models.QuerySet[Any]):
    """A pretended deletion, which locks the rows that the collector will delete.

    The collector executes it inside its transaction, before any other statement.
    """

    collector: Collector
    missing: set[Any]

    def _raw_delete(self, using: str | None) -> int:
        self.missing = set()
        if not connections[using or self.db].features.has_select_for_update:
            return 0  # SQLite has one writer at a time, and begins to write with the next statement
        concrete = self.model._meta.concrete_model
        collected: list[Any] = [
            rows
            for model, rows in self.collector.data.items()
            if model._meta.concrete_model is concrete
        ]
        pks = sorted({row.pk for rows in collected for row in rows})
        rows = self.model._base_manager.using(using)
        for start in range(0, len(pks), LOCKED_AT_ONCE):
            chunk = pks[start : start + LOCKED_AT_ONCE]
            self.missing |= {*chunk} - {*_locked(rows.filter(pk__in=chunk))}
        if self.missing:
            # They were deleted meanwhile. One that is created again is not locked, and stays.
            for instances in collected:
                instances[:] = [row for row in instances if row.pk not in self.missing]
        return 0


class _RowsOfSessions(models.QuerySet[Any]):
    """A deletion by the collector: the rows of the locked sessions."""

    lock: _Lock
    field_name: str

    def _raw_delete(self, using: str | None) -> int:
        rows: models.QuerySet[Any] = models.QuerySet(self.model, self.query, using)
        if self.lock.missing:
            rows = rows.exclude(**{f"{self.field_name}__in": self.lock.missing})
        return rows._raw_delete(using)


class _SessionsOfOwners(models.QuerySet[Any]):
    """A deletion by the collector: the sessions of users, loaded in batches."""

    collector: Collector
    owners: _Lock

    def _raw_delete(self, using: str | None) -> int:
        """Delete the sessions with their related rows, and return the number of sessions."""
        alias, origin = using or self.db, self.collector.origin
        features = connections[alias].features
        if not features.has_select_for_update:
            self.update(updated_at=models.F("updated_at"))  # SQLite has to write before it reads
        elif features.can_defer_constraint_checks:
            # Writers lock a session, and then its owner when they commit.
            while not self._lock_with_owners(alias):
                pass
        else:
            self.owners._raw_delete(using)  # writers lock the owner of a new session first
            self._lock()
        return sum(delete(batch, using=alias, origin=origin) for batch in batches(self))

    def _lock_with_owners(self, using: str) -> bool:
        """Lock the sessions and then their owners, and return whether those are all sessions.

        If one was stored in between, both locks are released: waiting for its writer, who may be
        waiting for the owner, would be a deadlock.
        """
        savepoint = transaction.savepoint(using)
        locked = self._lock()
        self.owners._raw_delete(using)
        if self.count() == locked:
            transaction.savepoint_commit(savepoint, using)
            return True
        transaction.savepoint_rollback(savepoint, using)
        return False

    def _lock(self) -> int:
        """Lock all the sessions, before the first of them is deleted, and return their number.

        If a later one were locked after messages of the first were deleted, its writer could be
        waiting for those messages.
        """
        number = 0
        after: Any = None
        while found := _locked(_after(self, after), LOCKED_AT_ONCE):
            number += len(found)
            after = found[-1]
        return number


def _lock_first(collector: Collector, model: type[models.Model]) -> _Lock:
    """Make a collector lock its rows of a model before it deletes anything."""
    first = next(iter(collector.fast_deletes), None)
    if isinstance(first, _Lock):
        return first
    lock = _lock_of(collector, model)
    collector.fast_deletes.insert(0, lock)
    return lock


def _lock_of(collector: Collector, model: type[models.Model]) -> _Lock:
    lock = _Lock(model)
    lock.collector = collector
    return lock


def _locked(rows: models.QuerySet[Any], most: int | None = None) -> list[Any]:
    """Lock rows in the order of their keys, so that lockers cannot deadlock; return the keys."""
    return list(rows.order_by("pk").select_for_update().values_list("pk", flat=True)[:most])


def batches(sessions: models.QuerySet[M]) -> Iterator[list[M]]:
    """Yield the sessions in the order of their ids, BATCH at a time."""
    after: Any = None
    while batch := list(_after(sessions, after)[:BATCH]):
        after = batch[-1].pk
        yield batch


def _after(rows: models.QuerySet[M], pk: Any) -> models.QuerySet[M]:
    rows = rows.order_by("pk")
    return rows if pk is None else rows.filter(pk__gt=pk)


def delete(batch: list[Any], *, using: str, origin: Any = None) -> int:
    """Delete sessions in one transaction, and return their number."""
    collector = Collector(using, origin=origin)
    collector.collect(batch)
    collector.delete()
    # They refer to the collector, whose reference cycle would keep the batch in memory.
    collector.fast_deletes.clear()
    return len(batch)
