"""Copies of a session, made inside the database."""

from __future__ import annotations

from typing import Any, Self

from django.db import IntegrityError, connections, models
from django.db.models.functions import Now

from agent_sessions.concurrency import in_database_thread
from agent_sessions.fields import checked_id
from agent_sessions.models.message import Message
from agent_sessions.models.operations.base import Operations
from agent_sessions.signals import session_forked


class ForkOperations(Operations):
    """Forks: sessions that begin as a copy of another."""

    def forked_from(self, session_id: str) -> Self:
        """Return the forks of a session, oldest first."""
        return self.filter(parent=session_id).order_by("forked_at", "pk")

    def fork(
        self,
        session_id: str,
        new_id: str,
        *,
        at: int | None = None,
        before: int | None = None,
        user: Any = None,
    ) -> None:
        """Create the session `new_id` as a copy of another one, which stays as it is.

        The copy ends with the message whose id is `at`, or before the one whose id is `before`. It
        has the same owner, title and metadata.
        Raises ValueError if the session or message does not exist, or the new id is taken.
        """
        checked_id(new_id)
        if at is not None and before is not None:
            raise ValueError("at= and before= are both given. Pass one of them.")
        try:
            with self._writing(new_id):
                if not self._lock_if_exists(session_id, user, is_activity=False):
                    raise ValueError(
                        f"There is no session {session_id!r} to fork. Add items to it first, or "
                        "begin a new session."
                    )
                self._insert_fork(session_id, new_id, self._cut(session_id, at, before))
        except IntegrityError as error:
            if self.filter(pk=new_id).exists():
                raise ValueError(
                    f"The id {new_id!r} is taken. Pass another, or none to get a new one."
                ) from error
            raise
        self._announce(session_forked, new_id, parent_id=session_id)

    async def afork(
        self,
        session_id: str,
        new_id: str,
        *,
        at: int | None = None,
        before: int | None = None,
        user: Any = None,
    ) -> None:
        """See fork()."""
        await in_database_thread(
            lambda: self.fork(session_id, new_id, at=at, before=before, user=user)
        )

    def _cut(self, session_id: str, at: int | None, before: int | None) -> models.QuerySet[Message]:
        """Return the messages up to `at`, or before `before`; that message must exist."""
        messages = self._messages(session_id)
        pk = at if before is None else before
        if pk is None:
            return messages
        if not messages.filter(pk=pk).exists():
            raise ValueError(
                f"Message {pk} is not in session {session_id!r}. Pass a message or a turn of this "
                "session."
            )
        return messages.filter(pk__lte=pk) if before is None else messages.filter(pk__lt=pk)

    def _insert_fork(
        self, session_id: str, new_id: str, messages: models.QuerySet[Message]
    ) -> None:
        """Copy a session and some of its messages under a new id."""
        new = models.Value(new_id)
        names = ["user", "title", "metadata"]
        session = dict(zip(names, names, strict=True))
        parent = {"session_id": new, "parent": "session_id", "forked_at": Now()}
        self._insert_selected(self.filter(pk=session_id), session | parent)
        names = [f.name for f in Message._meta.concrete_fields if not f.primary_key]
        copied = dict(zip(names, names, strict=True)) | {"session": new}
        self._insert_selected(messages.order_by("pk"), copied)

    def _insert_selected(self, rows: models.QuerySet[Any], values: dict[str, Any]) -> None:
        """Execute an INSERT ... SELECT within one table, which the ORM has no method for."""
        selected = rows.values_list(*values.values()).query.get_compiler(self.db)
        select, params = selected.as_sql()
        fields = [rows.model._meta.get_field(name) for name in values]
        quoted = connections[self.db].ops.quote_name
        columns = ", ".join(quoted(field.column) for field in fields)
        table = quoted(rows.model._meta.db_table)
        sql = f"INSERT INTO {table} ({columns}) {select}"
        with connections[self.db].cursor() as cursor:
            cursor.execute(sql, params)
