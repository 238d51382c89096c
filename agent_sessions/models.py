"""Sessions and their messages, in the tables of the SDK's own sessions.

`SQLiteSession`, `AsyncSQLiteSession` and `SQLAlchemySession` of the Agents SDK use
agent_sessions(session_id, created_at, updated_at) and agent_messages(id, session_id,
message_data, created_at). These models have the same names and columns. What they add has a
default in the database, so that a row which the SDK writes is a valid row here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import takewhile
from typing import Any, NamedTuple, Self

from django.conf import settings
from django.db import IntegrityError, connections, models, transaction
from django.db.models.constants import OnConflict
from django.db.models.functions import Now
from django.dispatch import Signal
from django.utils.translation import gettext_lazy as _

from agent_sessions.exceptions import SessionOwnershipError
from agent_sessions.fields import ID_LENGTH, SessionIdField, checked_id
from agent_sessions.items import (
    KIND_LENGTH,
    NAME_LENGTH,
    NO_AGENT,
    ROLE_LENGTH,
    Columns,
    Item,
    UnreadableItemError,
    decode,
    encode_all,
)
from agent_sessions.signals import (
    items_added,
    send_after_commit,
    session_cleared,
    session_forked,
)
from agent_sessions.threads import in_database_thread
from agent_sessions.transcript import Entry, entry
from agent_sessions.usage import NOTHING, Outcome, Step, Tokens, Usage

logger = logging.getLogger("agent_sessions")


def checked_owner(user: Any) -> Any:
    """Return `user`, or raise the ValueError that says why nothing can belong to it."""
    if user is not None and user.pk is None:
        raise ValueError(
            "user is anonymous or not saved, so it can own nothing. Pass a saved user, or leave "
            "user= out and check elsewhere who may open the session."
        )
    return user


class Tail(NamedTuple):
    """The newest messages of a session as they were when they were read, oldest first."""

    rows: list[tuple[int, str]]  # (id, text)
    items: list[Item]
    is_whole: bool  # nothing older was there


class SessionQuerySet(models.QuerySet["Session"]):
    """The operations on a session's items, each atomic; the a-twins are for async code.

    A session is named by its id. With `user=` an operation makes that user the owner of a new
    session, and raises SessionOwnershipError before it gives away or changes anything of a session
    that is not the user's: the owner comes with the rows that are read, and is looked at under the
    lock under which is written. Without it, an operation works on any session. It is called on
    `Session.objects`, or `Session.objects.using(...)`: a queryset with filters, which an operation
    on one session would not heed, is refused.
    """

    def owned_by(self, user: Any) -> Self:
        """Return the sessions of `user`: those that `DjangoSession(..., user=user)` may open."""
        return self.filter(user=user)

    def forked_from(self, session_id: str) -> Self:
        """Return the forks of a session, newest last."""
        return self.filter(parent=session_id).order_by("forked_at", "pk")

    def items(self, session_id: str, limit: int | None = None, *, user: Any = None) -> list[Item]:
        """Return the newest `limit` items, oldest first; all if `limit` is None or negative.

        Rows that are not JSON are logged, left in place and not counted.
        """
        if limit is None or limit < 0:
            return [*_readable(self._newest(session_id, user))][::-1]
        newest_first: list[Item] = []
        window, before = limit, None
        while len(newest_first) < limit:
            rows = self._newest(session_id, user, window, before)
            newest_first += _readable(rows)
            if len(rows) < window:
                break
            # Unreadable rows took places in the window: look further back, in growing steps.
            window, before = window * 2, rows[-1][0]
        return newest_first[:limit][::-1]

    def items_until(
        self,
        session_id: str,
        is_enough: Callable[[list[Item]], bool],
        *,
        window: int = 64,
        user: Any = None,
    ) -> list[Item]:
        """Return the newest items, oldest first: as many as it takes until they are enough, or all.

        `window` is how many rows are read first. Unreadable rows are skipped as by items().
        """
        newest_first: list[Item] = []
        before = None
        while True:
            rows = self._newest(session_id, user, window, before)
            newest_first += _readable(rows)
            items = newest_first[::-1]
            if len(rows) < window or is_enough(items):
                return items
            # In growing steps, so that the whole of a long session is a few statements.
            window, before = window * 4, rows[-1][0]

    def append(
        self,
        session_id: str,
        items: Iterable[Any],
        *,
        user: Any = None,
        step: Step | None = None,
    ) -> None:
        """Add `items` at the end, all or none, making the session if it is new.

        `step` says which run stores them, who spoke and what it cost.
        Raises ItemError, before anything is written, if one of them is not JSON.
        """
        encoded = encode_all(items)
        if not encoded:
            return
        try:
            with self._writing():
                self._open(session_id, user)
                self._insert_messages(session_id, encoded, user, step.agent_name if step else "")
                if step and step.tokens:
                    self._insert_usage(session_id, step, step.tokens)
        except IntegrityError:
            self._refuse_others(session_id, user)
            raise
        self._announce(items_added, session_id, count=len(encoded))

    def pop(self, session_id: str, *, user: Any = None) -> Item | None:
        """Remove the newest item and return it, or None if there is none.

        Each item goes to one caller. As in the SDK's SQLiteSession, rows above it that are not
        JSON are removed with it; the log names them.
        """
        with self._writing():
            if not self._hold(session_id, user):
                return None
            while rows := self._newest(session_id, user=None, window=1):
                claimed, _ = self._messages(session_id).filter(pk=rows[0][0]).delete()
                # Somebody who locks no session, such as SQLAlchemySession, may have been faster.
                for item in _readable(rows if claimed else []):
                    return item
        return None

    def clear(self, session_id: str, *, user: Any = None) -> None:
        """Delete the session with all its messages, if there is one."""
        with self._writing():
            is_there = self._hold(session_id, user)
            if is_there:
                self.filter(pk=session_id).delete()
        if is_there:
            self._announce(session_cleared, session_id)

    def replace(self, session_id: str, items: Iterable[Any], *, user: Any = None) -> None:
        """Put `items` in the place of all that the session held; the session itself stays.

        Raises ItemError, before anything is written, if one of them is not JSON.
        """
        encoded = encode_all(items)
        with self._writing():
            self._open(session_id, user)
            self._refuse_others(session_id, user)
            self._messages(session_id).delete()
            self._insert_messages(session_id, encoded)
        self._announce(session_cleared, session_id)
        if encoded:
            self._announce(items_added, session_id, count=len(encoded))

    def fork(
        self,
        session_id: str,
        new_id: str,
        *,
        up_to: int | None = None,
        before: int | None = None,
        user: Any = None,
    ) -> None:
        """Make the session `new_id` as a copy of another, which stays as it is.

        The copy ends with the message whose id is `up_to`, or before the one whose id is `before`.
        It has the owner, title and metadata of the other. No row passes through Python.
        Raises ValueError if there is no such session or message, or the new id is taken.
        """
        checked_id(new_id)
        try:
            with self._writing():
                if not self._hold(session_id, user, is_activity=False):
                    raise ValueError(
                        f"There is no session {session_id!r} to fork. Add items to it first, or "
                        "begin a new session."
                    )
                self._insert_fork(session_id, new_id, self._cut(session_id, up_to, before))
        except IntegrityError as error:
            if self.filter(pk=new_id).exists():
                raise ValueError(
                    f"The id {new_id!r} is taken. Pass another, or none to get a new one."
                ) from error
            raise
        self._announce(session_forked, new_id, parent_id=session_id)

    def tail(self, session_id: str, length: int, *, user: Any = None) -> Tail:
        """Return the newest `length` messages, and whether they are all.

        Raises UnreadableItemError if one of them is not JSON.
        """
        newest = self._newest(session_id, user, length + 1)
        rows = newest[:length][::-1]
        return Tail(rows, [decode(text) for _, text in rows], len(newest) <= length)

    def replace_tail(
        self,
        session_id: str,
        tail: Tail,
        start: int,
        items: Iterable[Any],
        *,
        prune: Callable[[Item], bool] | None = None,
        user: Any = None,
    ) -> bool:
        """Put `items` in the place of `tail` from `start` on, if the session still ends with that.

        Return whether it did; if not, nothing has changed. The oldest messages go as well, for as
        long as `prune` holds of them: the first of which it does not, or that is not JSON, stays,
        and so does all that follows it.
        Raises ItemError, before anything is written, if one of the items is not JSON.
        """
        encoded, rows = encode_all(items), tail.rows[start:]
        if not rows:
            return False
        with self._writing():
            is_replaced = self._hold(session_id, user) and self._delete_tail(session_id, rows)
            if is_replaced and prune:
                self._prune(session_id, prune, before=rows[0][0], batch=len(tail.rows))
            if is_replaced:
                self._insert_messages(session_id, encoded)
            else:
                # The lock was an UPDATE, and nothing has happened to the session.
                transaction.set_rollback(True, using=self.db)
        if is_replaced and encoded:
            self._announce(items_added, session_id, count=len(encoded))
        return is_replaced

    def recorded(
        self, session_id: str, trace_id: str, *, user: Any = None
    ) -> tuple[str, Tokens]:
        """Return the newest run of a trace and what was recorded of it; "" if there is none."""
        usage = Usage.objects.using(self.db).filter(session_id=session_id, trace_id=trace_id)
        if user is not None:
            usage = usage.filter(session__user=user)
        runs = usage.exclude(run_id="").values("run_id").annotate(newest=models.Max("pk"))
        sums = [models.Sum(name, default=0) for name in Tokens._fields]
        for run_id, *tokens in runs.order_by("-newest").values_list("run_id", *sums)[:1]:
            return run_id, Tokens(*tokens)
        return "", NOTHING

    def record_run(self, session_id: str, outcome: Outcome, *, user: Any = None) -> None:
        """Add to the steps of a run what its result knows, and store what no step has stored."""
        with self._writing():
            if not self._hold(session_id, user):
                return
            if outcome.unrecorded and outcome.unrecorded.tokens:
                self._insert_usage(session_id, outcome.unrecorded, outcome.unrecorded.tokens)
            usage = Usage.objects.using(self.db).filter(session_id=session_id)
            steps = usage.filter(run_id=outcome.run_id).order_by("-pk")[: len(outcome.responses)]
            # Both end with the newest; a run that was resumed elsewhere has more responses.
            rows = list(steps)
            for row, response in zip(rows, reversed(outcome.responses), strict=False):
                row.complete(response, outcome)
            usage.bulk_update(rows, ["response_id", "model", *Tokens._fields])

    def last_agent_name(self, session_id: str, *, user: Any = None) -> str:
        """Name the agent that spoke last, as recorded; "" if none is known to have."""
        owner = self._checked(user)
        spoken = self._messages(session_id).exclude(agent_name="").order_by("-pk")
        if owner is not None:
            spoken = spoken.filter(session__user=owner)
        name = spoken.values_list("agent_name", flat=True).first()
        if name is None:
            self._refuse_others(session_id, owner)
        return name or ""

    async def aitems(
        self, session_id: str, limit: int | None = None, *, user: Any = None
    ) -> list[Item]:
        """See items()."""
        return await in_database_thread(lambda: self.items(session_id, limit, user=user))

    async def aitems_until(
        self,
        session_id: str,
        is_enough: Callable[[list[Item]], bool],
        *,
        window: int = 64,
        user: Any = None,
    ) -> list[Item]:
        """See items_until()."""
        return await in_database_thread(
            lambda: self.items_until(session_id, is_enough, window=window, user=user)
        )

    async def aappend(
        self,
        session_id: str,
        items: Iterable[Any],
        *,
        user: Any = None,
        step: Step | None = None,
    ) -> None:
        """See append()."""
        await in_database_thread(lambda: self.append(session_id, items, user=user, step=step))

    async def apop(self, session_id: str, *, user: Any = None) -> Item | None:
        """See pop()."""
        return await in_database_thread(lambda: self.pop(session_id, user=user))

    async def alast_agent_name(self, session_id: str, *, user: Any = None) -> str:
        """See last_agent_name()."""
        return await in_database_thread(lambda: self.last_agent_name(session_id, user=user))

    async def arecorded(
        self, session_id: str, trace_id: str, *, user: Any = None
    ) -> tuple[str, Tokens]:
        """See recorded()."""
        return await in_database_thread(lambda: self.recorded(session_id, trace_id, user=user))

    async def arecord_run(self, session_id: str, outcome: Outcome, *, user: Any = None) -> None:
        """See record_run()."""
        await in_database_thread(lambda: self.record_run(session_id, outcome, user=user))

    async def aclear(self, session_id: str, *, user: Any = None) -> None:
        """See clear()."""
        await in_database_thread(lambda: self.clear(session_id, user=user))

    async def areplace(self, session_id: str, items: Iterable[Any], *, user: Any = None) -> None:
        """See replace()."""
        await in_database_thread(lambda: self.replace(session_id, items, user=user))

    async def afork(
        self,
        session_id: str,
        new_id: str,
        *,
        up_to: int | None = None,
        before: int | None = None,
        user: Any = None,
    ) -> None:
        """See fork()."""
        await in_database_thread(
            lambda: self.fork(session_id, new_id, up_to=up_to, before=before, user=user)
        )

    async def atail(self, session_id: str, length: int, *, user: Any = None) -> Tail:
        """See tail()."""
        return await in_database_thread(lambda: self.tail(session_id, length, user=user))

    async def areplace_tail(
        self,
        session_id: str,
        tail: Tail,
        start: int,
        items: Iterable[Any],
        *,
        prune: Callable[[Item], bool] | None = None,
        user: Any = None,
    ) -> bool:
        """See replace_tail()."""
        return await in_database_thread(
            lambda: self.replace_tail(session_id, tail, start, items, prune=prune, user=user)
        )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Open a transaction on the database that the router, or using(), says to write to.

        On Turso, whose connections have a pipeline, statements whose results nobody asks for
        travel together with COMMIT.
        """
        self._for_write = True
        pipeline = getattr(connections[self.db], "pipeline", nullcontext)
        with pipeline(), transaction.atomic(using=self.db):
            yield

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

    def _hold(self, session_id: str, user: Any, *, is_activity: bool = True) -> bool:
        """Lock the session's row until the transaction ends, and say whether there is one."""
        owner = self._checked(user)
        updated_at = Now() if is_activity else models.F("updated_at")
        session = self.filter(pk=session_id)
        if owner is None:
            return bool(session.update(updated_at=updated_at))
        if session.owned_by(owner).update(updated_at=updated_at):
            return True
        self._refuse_others(session_id, owner)
        return False

    def _refuse_others(self, session_id: str, user: Any) -> None:
        """Refuse a session that is there, and not the user's."""
        if user is not None and self.filter(pk=session_id).exclude(user=user).exists():
            raise SessionOwnershipError(session_id)

    def _checked(self, user: Any) -> Any:
        """Return `user`, having refused filters of this queryset and users that can own nothing."""
        if self.query.has_filters() or self.query.is_sliced:
            raise TypeError(
                "An operation on a session heeds no filters. Call it on Session.objects, and name "
                "the owner with user=."
            )
        return checked_owner(user)

    def _messages(self, session_id: str) -> models.QuerySet[Message]:
        return Message.objects.using(self.db).filter(session_id=session_id)

    def _delete_tail(self, session_id: str, rows: list[tuple[int, str]]) -> bool:
        """Delete the newest messages if they are `rows`, and say whether they were."""
        if self._newest(session_id, user=None, window=len(rows))[::-1] != rows:
            return False
        # Somebody who locks no session, such as SQLAlchemySession, may have come in between.
        tail = self._messages(session_id).filter(pk__gte=rows[0][0], pk__lte=rows[-1][0])
        deleted, _ = tail.delete()
        return deleted == len(rows)

    def _prune(
        self, session_id: str, prune: Callable[[Item], bool], *, before: int, batch: int
    ) -> None:
        """Delete the oldest messages for as long as `prune` holds, looking at `batch` at once."""
        older = self._messages(session_id).filter(pk__lt=before).order_by("pk")
        while rows := list(older.values_list("pk", "message_data")[:batch]):
            pruned = [*takewhile(lambda row: _is_readable_and(prune, row[1]), rows)]
            if pruned:
                older.filter(pk__lte=pruned[-1][0]).delete()
            if len(pruned) < batch:
                break

    def _insert_messages(
        self,
        session_id: str,
        encoded: list[tuple[str, Columns]],
        user: Any = None,
        agent_name: str = "",
    ) -> None:
        """Store items; an IntegrityError if there is a user whose session it is not.

        The owner is looked at by the statement itself, so that nothing has to be waited for.
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
        if user is not None:
            # No session of the user's is NULL, which the column refuses.
            mine = self.model.objects.owned_by(user).filter(pk=session_id).values("pk")
            messages[0].session_id = models.Subquery(mine)
        self._insert_rows(Message, messages)

    def _cut(
        self, session_id: str, up_to: int | None, before: int | None
    ) -> models.QuerySet[Message]:
        """Return the messages up to the one or before the other, which have to be there."""
        messages = self._messages(session_id)
        pk = up_to if before is None else before
        if pk is None:
            return messages
        if not messages.filter(pk=pk).exists():
            raise ValueError(
                f"Message {pk} is not in session {session_id!r}. Fork it at a message or a turn of "
                "its own."
            )
        return messages.filter(pk__lte=pk) if before is None else messages.filter(pk__lt=pk)

    def _insert_fork(
        self, session_id: str, new_id: str, messages: models.QuerySet[Message]
    ) -> None:
        """Copy a session and `messages` of it, as they are, under a new id."""
        new = models.Value(new_id)
        names = ["user", "title", "metadata"]
        session = dict(zip(names, names, strict=True))
        parent = {"session_id": new, "parent": "session_id", "forked_at": Now()}
        self._insert_selected(self.filter(pk=session_id), session | parent)
        names = [f.name for f in Message._meta.concrete_fields if not f.primary_key]
        copied = dict(zip(names, names, strict=True)) | {"session": new}
        self._insert_selected(messages.order_by("pk"), copied)

    def _insert_selected(self, rows: models.QuerySet[Any], values: dict[str, Any]) -> None:
        """Insert what a query selects of a table into that table, as the ORM has no way to."""
        selected = rows.values_list(*values.values()).query.get_compiler(self.db)
        select, params = selected.as_sql()
        fields = [rows.model._meta.get_field(name) for name in values]
        quoted = connections[self.db].ops.quote_name
        columns = ", ".join(quoted(field.column) for field in fields)
        table = quoted(rows.model._meta.db_table)
        sql = f"INSERT INTO {table} ({columns}) {select}"
        with connections[self.db].cursor() as cursor:
            cursor.execute(sql, params)

    def _announce(self, signal: Signal, session_id: str, **facts: Any) -> None:
        """Send a signal of what was written; see send_after_commit()."""
        send_after_commit(signal, self.model, using=self.db, session_id=session_id, **facts)

    def _insert_usage(self, session_id: str, step: Step, tokens: Tokens) -> None:
        """Store what the step cost that ends with the newest message."""
        newest = self._messages(session_id).order_by("-pk").values("pk")[:1]
        row = Usage(
            session_id=session_id,
            agent_name=step.agent_name,
            run_id=step.run_id,
            trace_id=step.trace_id,
            **tokens._asdict(),
        )
        row.message_id = models.Subquery(newest)
        self._insert_rows(Usage, [row])

    def _insert_rows(self, model: type[models.Model], rows: Sequence[models.Model]) -> None:
        """Insert rows as bulk_create() does, less the ids, for which it asks and waits."""
        fields = [field for field in model._meta.concrete_fields if not field.primary_key]
        size = connections[self.db].ops.bulk_batch_size(fields, rows)
        for start in range(0, len(rows), size or 1):
            model._base_manager.using(self.db)._insert(  # type: ignore[attr-defined]  # as above
                rows[start : start + size], fields=fields, using=self.db
            )

    def _newest(
        self, session_id: str, user: Any, window: int | None = None, before: int | None = None
    ) -> list[tuple[int, str]]:
        """Return (id, text) of the `window` newest messages before an id, newest first."""
        owner = self._checked(user)
        messages = self._messages(session_id).order_by("-pk")
        if before is not None:
            messages = messages.filter(pk__lt=before)
        if owner is None:
            return list(messages.values_list("pk", "message_data")[:window])
        rows = list(messages.values_list("pk", "message_data", "session__user_id")[:window])
        if not rows:
            self._refuse_others(session_id, owner)
        if any(owner_pk != owner.pk for _, _, owner_pk in rows):
            raise SessionOwnershipError(session_id)
        return [(pk, text) for pk, text, _ in rows]


def _readable(rows: Iterable[tuple[int, str]]) -> Iterator[Item]:
    """Decode the rows that are JSON; the log names the others."""
    for pk, text in rows:
        try:
            yield decode(text)
        except UnreadableItemError as error:
            logger.warning("Message %s is skipped, it cannot be read. %s", pk, error)


def _is_readable_and(holds: Callable[[Item], bool], text: str) -> bool:
    """Tell whether `text` is JSON of which `holds` holds."""
    try:
        return holds(decode(text))
    except UnreadableItemError:
        return False


class Session(models.Model):
    """A conversation: who owns it, and the messages that it is made of."""

    session_id = SessionIdField(_("session id"), max_length=ID_LENGTH, primary_key=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)
    updated_at = models.DateTimeField(_("last activity"), db_default=Now(), editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner"),
        # A person's conversations are personal data and go with the person.
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="agent_sessions",
    )
    title = models.CharField(_("title"), max_length=255, blank=True, default="", db_default="")
    metadata = models.JSONField(
        _("metadata"),
        default=dict,
        db_default=models.Value({}, models.JSONField()),
        blank=True,
        help_text=_("Whatever the project wants to keep with the session."),
    )
    parent = models.ForeignKey(
        "self",
        verbose_name=_("forked from"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        # The SDK's own sessions may delete a session that was forked, and know nothing of forks.
        db_constraint=False,
        related_name="forks",
    )
    forked_at = models.DateTimeField(_("forked at"), null=True, blank=True)

    objects = SessionQuerySet.as_manager()

    class Meta:
        db_table = "agent_sessions"
        verbose_name = _("session")
        verbose_name_plural = _("sessions")

    def __str__(self) -> str:
        return self.title or self.session_id


class Message(models.Model):
    """One item of a session, and the columns by which it is found.

    Messages of a session are in the order of their ids. A row that the SDK wrote has blank
    columns; `entry` reads them from the item.
    """

    id = models.BigAutoField(primary_key=True)
    session = models.ForeignKey(
        Session,
        verbose_name=_("session"),
        on_delete=models.CASCADE,
        related_name="messages",
        db_column="session_id",
        db_index=False,  # the index below begins with it
    )
    message_data = models.TextField(_("item"), help_text=_("JSON, as the Agents SDK made it."))
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)
    kind = models.CharField(
        _("kind"), max_length=KIND_LENGTH, blank=True, default="", db_default="", editable=False
    )
    role = models.CharField(
        _("role"), max_length=ROLE_LENGTH, blank=True, default="", db_default="", editable=False
    )
    tool_name = models.CharField(
        _("tool"), max_length=NAME_LENGTH, blank=True, default="", db_default="", editable=False
    )
    call_id = models.CharField(
        _("call id"), max_length=NAME_LENGTH, blank=True, default="", db_default="", editable=False
    )
    agent_name = models.CharField(
        _("agent"), max_length=NAME_LENGTH, blank=True, default="", db_default="", editable=False
    )

    class Meta:
        db_table = "agent_messages"
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        # The SDK creates the same index under the same name, if it is not there.
        indexes = [models.Index(fields=["session", "id"], name="idx_agent_messages_session_id")]

    def __str__(self) -> str:
        return f"{self.kind or 'message'} {self.pk}"

    @property
    def item(self) -> Item:
        """The item, made anew on each access. Raises UnreadableItemError if it is not JSON."""
        return decode(self.message_data)

    @property
    def entry(self) -> Entry:
        """The item as a person reads it, also if it cannot be read."""
        try:
            return entry(self.item)
        except UnreadableItemError:
            return Entry(kind="", role="", label=str(_("Unreadable")), text=self.message_data)
