"""What every operation is made of: the lock of a session, its owner, and its rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Self

from django.contrib.auth import get_user_model
from django.db import OperationalError, connections, models, transaction
from django.db.models.constants import OnConflict
from django.db.models.functions import Now
from django.db.models.sql import UpdateQuery
from django.dispatch import Signal

from agent_sessions import known_sessions
from agent_sessions.exceptions import SessionOwnershipError, UnknownOutcomeError
from agent_sessions.fields import checked_id
from agent_sessions.items.columns import Columns
from agent_sessions.items.kinds import NO_AGENT
from agent_sessions.models.message import PURGED, Message
from agent_sessions.models.usage import Usage
from agent_sessions.signals import send_after_commit
from agent_sessions.usage.steps import Step, Tokens

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from agent_sessions.models import Session  # noqa: F401  # in the string that types the class


def checked_owner(user: Any) -> Any:
    """Return `user`, or raise the TypeError or ValueError that says why it can own nothing."""
    if user is None:
        return None
    # A lazy request.user passes as the user that it holds.
    if not isinstance(user, get_user_model()) and getattr(user, "is_anonymous", False) is not True:
        raise TypeError(
            f"user is a {user.__class__.__name__}. Pass a {get_user_model().__name__} object, such "
            "as await request.auser() in an async view."
        )
    if user.pk is None:
        raise ValueError(
            "user is anonymous or not saved, so it can own nothing. Pass a saved user, or leave "
            "user= out and check elsewhere who may open the session."
        )
    return user


def _is_outcome_unknown(
    error: OperationalError, connection: BaseDatabaseWrapper, link: object
) -> bool:
    """Tell whether a COMMIT that failed over `link`, a driver's connection, may be executed."""
    if getattr(error.__cause__, "is_outcome_unknown", False):
        return True  # the Turso engine says so
    # Where nobody is at the other end, atomic() makes a new connection, or leaves the broken one.
    return connection.connection is not link or not connection.is_usable()


class Operations(models.QuerySet["Session"]):
    """Sessions, and how one of them is locked, read and written."""

    def owned_by(self, user: Any) -> Self:
        """Return the sessions of `user`: those that `DjangoSession(..., user=user)` may open."""
        return self.filter(user=user)

    def refuse_others(self, session_id: str, *, user: Any) -> None:
        """Refuse a session that is there, and not the user's."""
        if user is not None and self.filter(pk=session_id).exclude(user=user).exists():
            raise SessionOwnershipError(session_id)

    def key(self, session_id: str) -> known_sessions.Key:
        """Return the alias of the database that a session is written to, and its id."""
        self._for_write = True
        return self.db, session_id

    def _checked(self, user: Any) -> Any:
        """Return `user`, having refused filters of this queryset and users that can own nothing."""
        if self.query.has_filters() or self.query.is_sliced:
            raise TypeError(
                "An operation on a session heeds no filters. Call it on Session.objects, and name "
                "the owner with user=."
            )
        return checked_owner(user)

    @contextmanager
    def _writing(self, session_id: str) -> Iterator[None]:
        """Open a transaction on the database that the router, or using(), says to write to.

        On Turso, whose connections have a pipeline, statements whose results nobody asks for
        travel together with COMMIT. Raises UnknownOutcomeError if no answer to COMMIT came.
        """
        self._for_write = True
        connection = connections[self.db]
        pipeline = getattr(connection, "pipeline", nullcontext)
        is_outermost, link = not connection.in_atomic_block, None
        try:
            with pipeline(), transaction.atomic(using=self.db):
                yield
                link = connection.connection
        except OperationalError as error:
            if link and is_outermost and _is_outcome_unknown(error, connection, link):
                raise UnknownOutcomeError(session_id) from error
            raise

    def _open(self, session_id: str, user: Any) -> None:
        """Lock the session's row until the transaction ends, making it if there is none.

        One statement, so that two first writers cannot miss each other. It comes first in its
        transaction: ids of messages are drawn under the lock, and SQLite's writer is reserved
        before anything is read.
        """
        owner = self._checked(user)
        opened = self.model(
            session_id=checked_id(session_id), user_id=owner and owner.pk, updated_at=Now()
        )
        field = self.model._meta.get_field
        self._insert(  # type: ignore[attr-defined]  # not in django-stubs
            [opened],
            fields=[field("session_id"), field("user"), field("updated_at")],
            using=self.db,
            on_conflict=OnConflict.UPDATE,
            update_fields=[field("updated_at")],
            unique_fields=[field("session_id")],
        )

    def _reopen(self, session_id: str, user: Any) -> None:
        """Lock the session's row as _open() does, if there is one.

        Whether there is one is for the next statement to say: the answer to this one is not
        waited for, so that on Turso both travel together.
        """
        self._checked(user)
        update = self.filter(pk=checked_id(session_id)).query.chain(UpdateQuery)
        update.add_update_values({"updated_at": Now()})  # type: ignore[attr-defined]  # as above
        sql, params = update.get_compiler(self.db).as_sql()
        with connections[self.db].cursor() as cursor:
            cursor.execute(sql, params)

    def _hold(self, session_id: str, user: Any, *, is_activity: bool = True) -> bool:
        """Lock the session's row until the transaction ends, and say whether there is one."""
        owner = self._checked(user)
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
        """Return the messages that hold something: a purged one is no item, and stays."""
        return self._messages(session_id).exclude(message_data=PURGED)

    def _newest(
        self, session_id: str, user: Any, window: int | None = None, before: int | None = None
    ) -> list[tuple[int, str]]:
        """Return (id, text) of the `window` newest messages before an id, newest first.

        Purged messages are not among them.
        """
        owner = self._checked(user)
        messages = self._unpurged(session_id).order_by("-pk")
        if before is not None:
            messages = messages.filter(pk__lt=before)
        if owner is None:
            return list(messages.values_list("pk", "message_data")[:window])
        rows = list(messages.values_list("pk", "message_data", "session__user_id")[:window])
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
        """Store items; an IntegrityError if the session is not there, or not the user's.

        The statement itself looks, so that on Turso nothing has to be waited for.
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
            found = self.model.objects.filter(pk=session_id)
            mine = found if user is None else found.owned_by(user)
            # A session that is not found is NULL, which the column refuses.
            messages[0].session_id = models.Subquery(mine.values("pk"))
        self._insert_rows(Message, messages)

    def _insert_usage(
        self, session_id: str, step: Step, tokens: Tokens, message_id: int | None = None
    ) -> None:
        """Store what a step cost: the one that ends with a message, or else with the newest."""
        newest = self._messages(session_id).order_by("-pk").values("pk")[:1]
        row = Usage(
            session_id=session_id,
            agent_name=step.agent_name,
            run_id=step.run_id,
            trace_id=step.trace_id,
            **tokens._asdict(),
        )
        row.message_id = models.Subquery(newest) if message_id is None else message_id
        self._insert_rows(Usage, [row])

    def _insert_rows(self, model: type[models.Model], rows: Sequence[models.Model]) -> None:
        """Insert rows as bulk_create() does, less the ids, for which it asks and waits."""
        fields = [field for field in model._meta.concrete_fields if not field.primary_key]
        # 0 if a database takes fewer parameters than a row has columns.
        size = max(1, connections[self.db].ops.bulk_batch_size(fields, rows))
        for start in range(0, len(rows), size):
            model._base_manager.using(self.db)._insert(  # type: ignore[attr-defined]  # as above
                rows[start : start + size], fields=fields, using=self.db
            )

    def _announce(self, signal: Signal, session_id: str, **facts: Any) -> None:
        """Send a signal of what was written; see send_after_commit()."""
        send_after_commit(signal, self.model, using=self.db, session_id=session_id, **facts)
