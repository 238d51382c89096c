"""Windows: which messages of a session a page shows, however many there are.

A window is about as long as AGENT_SESSIONS_ADMIN_PAGE_SIZE says, and begins and ends between turns
where that is possible within twice that. It is found by the columns of messages, of which an index
holds what is needed; then the items are read that it shows, and of a long one only the beginning.
The numbers of statements and of rows do not depend on the session's length.
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

# How much is read of any item that is shown, how much of longer ones, which are pictures mostly,
# together, and how much of an item to tell whether it begins a turn.
HEAD_LENGTH = 65_536
LONG_LENGTH = 4_000_000
TELLING_LENGTH = 16_384

# Of a message that the SDK wrote only its item tells whether it begins a turn.
_TELLING = Case(
    When(WITHOUT_COLUMNS, then=Substr("message_data", 1, TELLING_LENGTH)),
    default=Value(None),
    output_field=TextField(),
)


class Text(NamedTuple):
    """The JSON of an item, or how it begins if it is long."""

    text: str
    size: int

    @property
    def is_whole(self) -> bool:
        return len(self.text) >= self.size


@dataclass(frozen=True)
class Window:
    """The messages that a page shows, with those before and after them for what they belong to.

    `number` is that of the turn in which the window begins, None where it is not known.
    """

    rows: list[Row]
    before: list[Row]
    after: list[Row]
    texts: dict[int, Text]
    number: int | None

    @property
    def first_id(self) -> int | None:
        return self.rows[0].pk if self.rows else None

    @property
    def last_id(self) -> int | None:
        return self.rows[-1].pk if self.rows else None

    @property
    def begins_inside(self) -> bool:
        """Whether its first turn began earlier."""
        return bool(self.rows and self.before and not is_user_message(self.rows[0]))

    @property
    def ends_inside(self) -> bool:
        """Whether its last turn goes on later."""
        return bool(self.after and not is_user_message(self.after[0]))


class _Place(NamedTuple):
    """Messages in their order, and which of them the window is made of."""

    rows: list[Row]
    start: int
    end: int


def window(messages: Messages, query: Mapping[str, str], *, turns: int | None = None) -> Window:
    """Return the window that an address asks for, or the newest if there is none such.

    `turns` is how many the session has, where that is known: the newest are counted from the end,
    and a turn is found by its number.
    """
    size = conf.admin_page_size
    place = _asked(messages.order_by(), query, size)
    if place is None and turns:
        place = _turn(messages.order_by(), query.get("turn", ""), turns, size)
    if place is None or place.start == place.end:
        place = _ending(_earlier(messages, 3 * size + 1), [], size)
    rows, after = place.rows[place.start : place.end], place.rows[place.end :]
    texts = _texts(messages, rows)
    if turns is None or after or not rows:
        number = _number(messages, rows)
    else:
        number = turns - sum(map(is_user_message, rows[1:]))
    return Window(
        rows=[_reread(row, texts) for row in rows],
        before=place.rows[: place.start],
        after=after,
        texts=texts,
        number=number,
    )


def _asked(messages: Messages, query: Mapping[str, str], size: int) -> _Place | None:
    places = {"at": _at, "before": _before, "after": _after}
    for name, place in places.items():
        if (pk := _id(query.get(name, ""))) is not None:
            return place(messages, pk, size)
    return None


def _turn(messages: Messages, value: str, turns: int, size: int) -> _Place | None:
    """Begin with the turn of a number, or with the last if there are not so many."""
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
    # No digits of other scripts, and none that no database has room for.
    return int(value) if re.fullmatch(r"[0-9]{1,18}", value) else None


def _before(messages: Messages, pk: int, size: int) -> _Place:
    earlier = _earlier(messages.filter(pk__lt=pk), 3 * size + 1)
    return _ending(earlier, _later(messages.filter(pk__gte=pk), size), size)


def _after(messages: Messages, pk: int, size: int) -> _Place:
    earlier = _earlier(messages.filter(pk__lte=pk), size)
    return _beginning(earlier, _later(messages.filter(pk__gt=pk), 3 * size + 1), size)


def _at(messages: Messages, pk: int, size: int) -> _Place:
    """Begin with the turn that holds the message, or with the message if that is far inside."""
    earlier = _earlier(messages.filter(pk__lte=pk), 2 * size)
    later = _later(messages.filter(pk__gt=pk), 3 * size + 1)
    near = range(len(earlier) - 1, max(0, len(earlier) - size) - 1, -1)
    start = next((at for at in near if is_user_message(earlier[at])), None)
    if start is None:
        reaches_beginning = len(earlier) <= size
        start = 0 if reaches_beginning else len(earlier) - 1
    return _beginning(earlier[:start], earlier[start:] + later, size)


def _ending(earlier: list[Row], later: list[Row], size: int) -> _Place:
    """Return the window that ends between the two."""
    end = len(earlier)
    start = max(0, end - size)
    near = range(start, max(0, start - size) - 1, -1)
    start = next((at for at in near if at == 0 or is_user_message(earlier[at])), start)
    return _Place(earlier + later, start, end)


def _beginning(earlier: list[Row], later: list[Row], size: int) -> _Place:
    """Return the window that begins between the two."""
    start = len(earlier)
    end = min(size, len(later))
    near = range(end, min(len(later), end + size) + 1)
    end = next((at for at in near if at == len(later) or is_user_message(later[at])), end)
    return _Place(earlier + later, start, start + end)


def _earlier(messages: Messages, limit: int) -> list[Row]:
    return _read(messages, messages.order_by("-pk"), limit)


def _later(messages: Messages, limit: int) -> list[Row]:
    return _read(messages, messages.order_by("pk"), limit)


def _read(messages: Messages, ordered: Messages, limit: int) -> list[Row]:
    """Return the first of some messages in an order, oldest first.

    Their ids are found first, in the index of a session's ids. With more columns and a LIMIT
    PostgreSQL goes through the table by id, past the newer messages of all other sessions.
    """
    pks = list(ordered.values_list("pk", flat=True)[:limit])
    rows = messages.filter(pk__in=pks).order_by("pk").values_list(*COLUMNS, _TELLING)
    return [*read(rows)] if pks else []


def _texts(messages: Messages, rows: list[Row]) -> dict[int, Text]:
    if not rows:
        return {}
    shown = messages.filter(pk__gte=rows[0].pk, pk__lte=rows[-1].pk).order_by()
    head, size = Substr("message_data", 1, HEAD_LENGTH), Length("message_data")
    found = {pk: Text(*values) for pk, *values in shown.values_list("pk", head, size)}
    wanted = _affordable({pk: text.size for pk, text in found.items() if not text.is_whole})
    if wanted:
        whole = shown.filter(pk__in=wanted).values_list("pk", "message_data")
        found |= {pk: Text(text, len(text)) for pk, text in whole}
    return found


def _reread(row: Row, texts: dict[int, Text]) -> Row:
    """Find the columns that are blank because too little of the item had been read."""
    if row.kind or row.item is not None or row.pk not in texts:
        return row
    return next(read([(*row[:-1], texts[row.pk].text)]))


def _affordable(sizes: dict[int, int]) -> list[int]:
    """Choose the long items that are read as a whole, beginning with the shortest."""
    left = LONG_LENGTH
    chosen = []
    for pk, size in sorted(sizes.items(), key=lambda pair: pair[1]):
        left -= size
        if left < 0:
            break
        chosen.append(pk)
    return chosen


def _number(messages: Messages, rows: list[Row]) -> int | None:
    """Count the turns until the first of the rows, which an index does without the items."""
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
