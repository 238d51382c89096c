"""Windows: the messages of a session that one page shows.

A window has about AGENT_SESSIONS_ADMIN_PAGE_SIZE messages, at most twice as many. Within that it
begins and ends between turns. Its place is found by the columns of messages, most of it in an
index; then the items of the window are read, and only the beginning of long ones. The numbers of
queries and of rows do not grow with the session.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from django.db.models import Case, Count, F, QuerySet, TextField, Value, When
from django.db.models.functions import Length, Substr

from agent_sessions.conf import conf
from agent_sessions.items.kinds import is_user_message
from agent_sessions.models.message import FROM_A_USER, WITHOUT_COLUMNS, Message
from agent_sessions.turns.rows import COLUMNS, Row, read

Messages: TypeAlias = "QuerySet[Message, Any]"

HEAD_LENGTH = 65_536  # characters read of every item
LONG_LENGTH = 4_000_000  # characters read of all longer items together: most of them are images
ROLE_LENGTH = 16_384  # characters in which the role of a message is looked for

# A message that the SDK wrote has no columns: only its item tells whether it begins a turn.
_ROLE_TEXT = Case(
    When(WITHOUT_COLUMNS, then=Substr("message_data", 1, ROLE_LENGTH)),
    default=Value(None),
    output_field=TextField(),
)


class StoredText(NamedTuple):
    """The JSON of an item, or its beginning; `size` is the length of all of it."""

    text: str
    size: int

    @property
    def is_whole(self) -> bool:
        return len(self.text) >= self.size


@dataclass(frozen=True)
class Window:
    """The messages that a page shows, and some before and after, which may be their partners.

    A call and its output may lie on both sides of an edge. `number` is the number of the turn in
    which the window begins; None if it is not known.
    """

    rows: list[Row]
    before: list[Row]
    after: list[Row]
    texts: dict[int, StoredText]
    number: int | None

    @property
    def first_id(self) -> int | None:
        return self.rows[0].pk if self.rows else None

    @property
    def last_id(self) -> int | None:
        return self.rows[-1].pk if self.rows else None

    @property
    def begins_inside(self) -> bool:
        """Whether the first turn began before the window."""
        return bool(self.rows and self.before and not is_user_message(self.rows[0]))

    @property
    def ends_inside(self) -> bool:
        """Whether the last turn goes on after the window."""
        return bool(self.after and not is_user_message(self.after[0]))


class _Found(NamedTuple):
    """Messages in order; those from `start` up to `end` are the window."""

    rows: list[Row]
    start: int
    end: int


def window(messages: Messages, query: Mapping[str, str], *, turns: int | None = None) -> Window:
    """Return the window that an address asks for, or the newest if there is no such window.

    `turns` is the number of turns of the session, if it is known. It allows `?turn=`, and saves the
    query that counts the turns before the newest window.
    """
    size = conf.admin_page_size
    found = _asked(messages.order_by(), query, size)
    if found is None and turns:
        found = _turn(messages.order_by(), query.get("turn", ""), turns, size)
    if found is None or found.start == found.end:
        found = _ending(_earlier(messages, 3 * size + 1), [], size)
    rows, after = found.rows[found.start : found.end], found.rows[found.end :]
    texts = _texts(messages, rows)
    if turns is None or after or not rows:
        number = _number(messages, rows)
    else:
        number = turns - sum(map(is_user_message, rows[1:]))
    return Window(
        rows=[_reread(row, texts) for row in rows],
        before=found.rows[: found.start],
        after=after,
        texts=texts,
        number=number,
    )


def _asked(messages: Messages, query: Mapping[str, str], size: int) -> _Found | None:
    finders = {"at": _at, "before": _before, "after": _after}
    for name, find in finders.items():
        if (pk := _id(query.get(name, ""))) is not None:
            return find(messages, pk, size)
    return None


def _turn(messages: Messages, value: str, turns: int, size: int) -> _Found | None:
    """Begin with the turn of a number, or with the last turn if there are fewer."""
    number = _id(value)
    if number is None:
        return None
    if number == 0:
        return _after(messages, 0, size)
    users = messages.filter(FROM_A_USER).order_by("pk").values_list("pk", flat=True)
    place = min(number, turns) - 1
    start = next(iter(users[place : place + 1]), None)
    return None if start is None else _at(messages, start, size)


def _id(value: str) -> int | None:
    # At most 18 ASCII digits: more would not fit into a database's integer.
    return int(value) if re.fullmatch(r"[0-9]{1,18}", value) else None


def _before(messages: Messages, pk: int, size: int) -> _Found:
    earlier = _earlier(messages.filter(pk__lt=pk), 3 * size + 1)
    return _ending(earlier, _later(messages.filter(pk__gte=pk), size), size)


def _after(messages: Messages, pk: int, size: int) -> _Found:
    earlier = _earlier(messages.filter(pk__lte=pk), size)
    return _beginning(earlier, _later(messages.filter(pk__gt=pk), 3 * size + 1), size)


def _at(messages: Messages, pk: int, size: int) -> _Found:
    """Begin with the message's turn, or with the message if it is far inside that turn."""
    earlier = _earlier(messages.filter(pk__lte=pk), 2 * size)
    later = _later(messages.filter(pk__gt=pk), 3 * size + 1)
    near = range(len(earlier) - 1, max(0, len(earlier) - size) - 1, -1)
    start = next((at for at in near if is_user_message(earlier[at])), None)
    if start is None:
        reaches_beginning = len(earlier) <= size
        start = 0 if reaches_beginning else len(earlier) - 1
    return _beginning(earlier[:start], earlier[start:] + later, size)


def _ending(earlier: list[Row], later: list[Row], size: int) -> _Found:
    """Return the window that ends between `earlier` and `later`."""
    end = len(earlier)
    start = max(0, end - size)
    near = range(start, max(0, start - size) - 1, -1)
    start = next((at for at in near if at == 0 or is_user_message(earlier[at])), start)
    return _Found(earlier + later, start, end)


def _beginning(earlier: list[Row], later: list[Row], size: int) -> _Found:
    """Return the window that begins between `earlier` and `later`."""
    start = len(earlier)
    end = min(size, len(later))
    near = range(end, min(len(later), end + size) + 1)
    end = next((at for at in near if at == len(later) or is_user_message(later[at])), end)
    return _Found(earlier + later, start, start + end)


def _earlier(messages: Messages, limit: int) -> list[Row]:
    return _read(messages, messages.order_by("-pk"), limit)


def _later(messages: Messages, limit: int) -> list[Row]:
    return _read(messages, messages.order_by("pk"), limit)


def _read(messages: Messages, ordered: Messages, limit: int) -> list[Row]:
    """Return the first `limit` messages of an order, oldest first.

    Their ids are read first, from the index of a session's ids. Given more columns and a LIMIT,
    PostgreSQL walks the whole table by id, past the newer messages of all other sessions.
    """
    pks = list(ordered.values_list("pk", flat=True)[:limit])
    rows = messages.filter(pk__in=pks).order_by("pk").values_list(*COLUMNS, _ROLE_TEXT)
    return [*read(rows)] if pks else []


def _texts(messages: Messages, rows: list[Row]) -> dict[int, StoredText]:
    if not rows:
        return {}
    shown = messages.filter(pk__gte=rows[0].pk, pk__lte=rows[-1].pk).order_by()
    head, size = Substr("message_data", 1, HEAD_LENGTH), Length("message_data")
    found = {pk: StoredText(*values) for pk, *values in shown.values_list("pk", head, size)}
    wanted = _affordable({pk: text.size for pk, text in found.items() if not text.is_whole})
    if wanted:
        whole = shown.filter(pk__in=wanted).values_list("pk", "message_data")
        found |= {pk: StoredText(text, len(text)) for pk, text in whole}
    return found


def _reread(row: Row, texts: dict[int, StoredText]) -> Row:
    """Derive the columns of a row again if they were not in the beginning of its item."""
    if row.kind or row.item is not None or row.pk not in texts:
        return row
    return next(read([(*row[:-1], texts[row.pk].text)]))


def _affordable(sizes: dict[int, int]) -> list[int]:
    """Choose the long items that are read completely, beginning with the shortest."""
    left = LONG_LENGTH
    chosen = []
    for pk, size in sorted(sizes.items(), key=lambda pair: pair[1]):
        left -= size
        if left < 0:
            break
        chosen.append(pk)
    return chosen


def _number(messages: Messages, rows: list[Row]) -> int | None:
    """Return the turn of the first row. An index counts the turns before it, without the items."""
    if not rows:
        return None
    counts = (
        messages.filter(pk__lt=rows[0].pk)
        .order_by()
        .aggregate(
            users=Count(Case(When(FROM_A_USER, then=F("pk")))),
            unknown=Count(Case(When(WITHOUT_COLUMNS, then=F("pk")))),
        )
    )
    if counts["unknown"]:
        return None
    return int(counts["users"]) + is_user_message(rows[0])
