"""The items of a session as JSON Lines, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agent_sessions.items import Item
from agent_sessions.items.codec import UnreadableItemError, decode
from agent_sessions.models import Session
from agent_sessions.transfer.batches import messages_of
from agent_sessions.transfer.json_document import one_line


def lines(session: Session) -> Iterator[str]:
    """Yield a line for each item of a session, as it is stored.

    Messages that are purged or not JSON are left out.
    """
    for message in messages_of(session):
        try:
            decode(message.message_data)
        except UnreadableItemError:
            continue
        yield one_line(message.message_data) + "\n"


def imported(lines: Iterable[str]) -> Iterator[Item]:
    """Yield the items of lines of JSON, such as those of an open file.

        with open("conversation.jsonl", encoding="utf-8") as file:
            await session.add_items([*imported(file)])

    Empty lines are skipped. Raises UnreadableItemError, a ValueError, with the number of the first
    line that is not JSON.
    """
    if isinstance(lines, str):  # its characters would be taken for lines
        raise TypeError("lines is a str. Pass an open file, or text.splitlines().")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            item = decode(line)
        except UnreadableItemError as error:
            raise UnreadableItemError(
                f"Line {number} is not JSON. {error}. Write each item as JSON on one line."
            ) from error
        yield item
