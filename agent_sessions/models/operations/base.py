"""The parts of the operations: the session's lock, its owner, and its rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Self

from django.db import OperationalError, connections, models, transaction
from django.db.models.constants import OnConflict
from django.db.models.functions import Now
from django.db.models.sql import UpdateQuery
from django.dispatch import Signal

from agent_sessions import known_sessions
from agent_sessions.arguments import checked_owner
from agent_sessions.concurrency import in_database_thread
from agent_sessions.exceptions import SessionOwnershipError, UnknownOutcomeError
from agent_sessions.fields import checked_id
from agent_sessions.items.columns import Columns
from agent_sessions.items.kinds import NO_AGENT
from agent_sessions.models.message import PURGED, Message
from agent_sessions.models.usage import Usage
from agent_sessions.signals import send_after_commit
from agent_sessions.usage.steps import UNKNOWN, Step

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from agent_sessions.models import Session  # noqa: F401  # in the string that types the class


class Operations(models.QuerySet["Session"]):
    """Sessions, and the parts that operations on one of them are made of."""

    def owned_by(self, user: Any) -> Self:
        """Return the sessions of `user`: those that `DjangoSession(..., user=user)` may open."""
        return self.filter(user=user)

    def refuse_others(self, session_id: str, *, user: Any) -> None:
        """Raise SessionOwnershipError if the session exists and is not the user's."""
        if user is not None and self.filter(pk=session_id).exclude(user=user).exists():
            raise SessionOwnershipError(session_id)

    def key(self, session_id: str) -> known_sessions.Key:
        """Return the alias of the database that a session is written to, and its id."""
        self._for_write = True  # asks the router for the database to write to, see QuerySet.db
        return self.db, session_id

    def last_agent_name(self, session_id: str, *, user: Any = None) -> str:
        """Return the name of the agent that spoke last, or "" if none was recorded."""
        owner = self._checked_owner(user)
        spoken = self._messages(session_id).exclude(agent_name="").order_by("-pk")
        if owner is not None:
            spoken = spoken.filter(session__user=owner)
        name = spoken.values_list("agent_name", flat=True).first()
        if name is None:
            self.refuse_others(session_id, user=owner)
        return name or ""

    async def alast_agent_name(self, session_id: str, *, user: Any = None) -> str:
        """See last_agent_name()."""
        return await in_database_thread(lambda: self.last_agent_name(session_id, user=user))

    def _checked_owner(self, user: Any) -> Any:
        """Return `user`, or raise if it cannot own a session, or this queryset has filters."""
        if self.query.has_filters() or self.query.is_sliced:
            raise TypeError(
                "An operation on a session ignores the filters of a queryset. Call it on "
                "Session.objects, and name the owner with user=."
            )
        return checked_owner(user)

    @contextmanager
    def _writing(self, session_id: str) -> Iterator[None]:
        """Open a transaction on the database that the router, or using(), chooses for writing.

        On Turso, whose connections have a pipeline, statements whose results are not read are sent
        together with COMMIT. Raises UnknownOutcomeError if COMMIT got no answer.
        """
        self._for_write = True
        connection = connections[self.db]
        pipeline = getattr(connection, "pipeline", nullcontext)
        is_outermost = not connection.in_atomic_block
        committing = None
        try:
            with pipeline(), transaction.atomic(using=self.db):
                yield
                committing = connection.connection  # an error after this is an error of COMMIT
        except OperationalError as error:
            if committing and is_outermost and _is_outcome_unknown(error, connection, committing):
                raise UnknownOutcomeError(session_id) from error
            raise

    def _lock_or_create(self, session_id: str, user: Any) -> None:
        """Lock the session's row until the transaction ends, inserting it if there is none.

        One upsert, so that two first writers cannot miss each other. It is the first statement of
        its transaction: message ids are assigned under the lock, and SQLite has to begin a
        transaction with a write to wait for another writer. An existing row keeps its owner, whom
        the caller has to check.
        """
        owner = self._checked_owner(user)
        opened = self.model(
            session_id=checked_id(session_id), user_id=owner and owner.pk, updated_at=Now()
        )
        field = self.model._meta.get_field
        # bulk_create(update_conflicts=True) requires unique_fields, but rejects them on MariaDB.
        self._insert(  # type: ignore[attr-defined]  # not in django-stubs
            [opened],
            fields=[field("session_id"), field("user"), field("updated_at")],
            using=self.db,
            on_conflict=OnConflict.UPDATE,
            update_fields=[field("updated_at")],
            unique_fields=[field("session_id")],
        )

    def _lock_unread(self, session_id: str, user: Any) -> None:
        """Lock the session's row if it exists, without reading whether it does.

        The next statement finds out. update() would read the number of rows, and wait for it.
        """
        self._checked_owner(user)
        update = self.filter(pk=checked_id(session_id)).query.chain(UpdateQuery)
        update.add_update_values({"updated_at": Now()})  # type: ignore[attr-defined]  # as above
        sql, params = update.get_compiler(self.db).as_sql()
        with connections[self.db].cursor() as cursor:
            cursor.execute(sql, params)

    def _lock_if_exists(self, session_id: str, user: Any, *, is_activity: bool = True) -> bool:
        """Lock the session's row until the transaction ends, and return whether it exists.

        Forking and purging do not count as activity, which is what the admin sorts sessions by.
        """
        owner = self._checked_owner(user)
        updated_at = Now() if is_activity else models.F("updated_at")
        session = self.filter(pk=session_id)
        if owner is None:
            return bool(session.update(updated_at=updated_at))
        if session.owned_by(owner).update(updated_at=updated_at):
            return True
        self.refuse_others(session_id, user=owner)
        return False

    def _messages(self, session_id: str) -> models.QuerySet[Message]:
        return Message.objects.using(self.db).filter(session_id=session_id)

    def _unpurged(self, session_id: str) -> models.QuerySet[Message]:
        return self._messages(session_id).exclude(message_data=PURGED)

    def _newest(
        self, session_id: str, user: Any, window: int | None = None, before: int | None = None
    ) -> list[tuple[int, str]]:
        """Return (id, text) of the `window` newest messages before an id, newest first.

        Purged messages are left out.
        """
        owner = self._checked_owner(user)
        messages = self._unpurged(session_id).order_by("-pk")
        if before is not None:
            messages = messages.filter(pk__lt=before)
        if owner is None:
            return list(messages.values_list("pk", "message_data")[:window])
        rows = messages.values_list("pk", "message_data", "session__user_id")[:window]
        return self._owned(session_id, owner, list(rows))

    def _owned(
        self, session_id: str, owner: Any, rows: list[tuple[int, str, Any]]
    ) -> list[tuple[int, str]]:
        """Return rows without their third value, the owner's primary key, once it is checked."""
        if not rows:
            self.refuse_others(session_id, user=owner)
        if any(owner_pk != owner.pk for _, _, owner_pk in rows):
            raise SessionOwnershipError(session_id)
        return [(pk, text) for pk, text, _ in rows]

    def _insert_messages(
        self,
        session_id: str,
        encoded: list[tuple[str, Columns]],
        user: Any = None,
        agent_name: str = "",
        must_exist: bool = False,
    ) -> None:
        """Store items. An IntegrityError means that the session is missing, or not the user's.

        The INSERT itself checks that, so that on Turso no answer has to be awaited before it.
        """
        messages = [
            Message(
                session_id=session_id,
                message_data=text,
                agent_name="" if columns.role in NO_AGENT else agent_name,
                **columns._asdict(),
            )
            for text, columns in encoded
        ]
        if user is not None or must_exist:
            found = self.filter(pk=session_id)
            mine = found if user is None else found.owned_by(user)
            # NULL if nothing is found, which the column rejects, and with it the whole batch.
            messages[0].session_id = models.Subquery(mine.values("pk"))
        self._insert_rows(Message, messages)

    def _insert_usage(self, session_id: str, step: Step, message_id: int | None = None) -> None:
        """Store the cost of a step whose last message is `message_id`, by default the newest."""
        newest = self._messages(session_id).order_by("-pk").values("pk")[:1]
        row = Usage(
            session_id=session_id,
            agent_name=step.agent_name,
            run_id=step.run_id,
            trace_id=step.trace_id,
            **(step.tokens or UNKNOWN)._asdict(),  # callers have checked that there are tokens
        )
        row.message_id = models.Subquery(newest) if message_id is None else message_id
        self._insert_rows(Usage, [row])

    def _insert_rows(self, model: type[models.Model], rows: Sequence[models.Model]) -> None:
        """Insert rows as bulk_create() does, but without asking and waiting for their ids."""
        fields = [field for field in model._meta.concrete_fields if not field.primary_key]
        # 0 if a database takes fewer parameters than a row has columns.
        size = max(1, connections[self.db].ops.bulk_batch_size(fields, rows))
        for start in range(0, len(rows), size):
            model._base_manager.using(self.db)._insert(  # type: ignore[attr-defined]  # as above
                rows[start : start + size], fields=fields, using=self.db
            )

    def _announce(self, signal: Signal, session_id: str, **facts: Any) -> None:
        """Send a signal about this write after COMMIT; see send_after_commit()."""
        send_after_commit(signal, self.model, using=self.db, session_id=session_id, **facts)


def _is_outcome_unknown(
    error: OperationalError, connection: BaseDatabaseWrapper, driver_connection: object
) -> bool:
    """Tell whether a COMMIT that failed over a driver's connection may have succeeded."""
    if getattr(error.__cause__, "is_outcome_unknown", False):
        return True  # the Turso engine says so
    # If the server is gone, atomic() closes the connection, and may open another one.
    return connection.connection is not driver_connection or not connection.is_usable()
