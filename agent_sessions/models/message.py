"""Messages: the rows with the items of a session."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from agent_sessions.items import Item
from agent_sessions.items.codec import UnreadableItemError, decode
from agent_sessions.items.columns import KIND_LENGTH, NAME_LENGTH, ROLE_LENGTH
from agent_sessions.items.kinds import USER_MESSAGE
from agent_sessions.models.deletion import OwnedForeignKey, delete_with_session
from agent_sessions.transcript import Entry, entry

logger = logging.getLogger("agent_sessions")

# Conditions on the columns, so that no item is read.
FROM_A_USER = models.Q(**USER_MESSAGE)
WITHOUT_COLUMNS = models.Q(kind="")  # the SDK wrote the row, or the item has no type
FAILED = models.Q(tool_failed=True)

PURGED = ""
"""The text of a purged message. It is not JSON, so that the SDK skips it as well."""


class Message(models.Model):
    """One item of a session, and columns by which it is found.

    Messages of a session are ordered by id. The columns of a row that the SDK wrote are blank;
    `entry` derives them from the item.
    """

    id = models.BigAutoField(primary_key=True)
    session = OwnedForeignKey(
        "agent_sessions.Session",
        verbose_name=_("session"),
        on_delete=delete_with_session,
        related_name="messages",
        db_column="session_id",  # the SDK's name
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
    tool_failed = models.BooleanField(
        _("tool failed"),
        null=True,
        editable=False,
        help_text=_("Unknown if the item is not the result of a tool, or the SDK wrote it."),
    )

    class Meta:
        db_table = "agent_messages"
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        indexes = [
            # The SDK creates the same index under the same name, if it is missing.
            models.Index(fields=["session", "id"], name="idx_agent_messages_session_id"),
            # Counts messages and finds the last ones without reading an item.
            models.Index(
                fields=["session", "id", "kind", "role", "agent_name"], name="agent_messages_shape"
            ),
            # Finds sessions by tool, and counts calls by day.
            models.Index(
                fields=["tool_name", "session", "created_at", "kind"], name="agent_messages_tool"
            ),
            # Finds failures of tools. On MariaDB, without partial indexes, it has all messages.
            models.Index(
                fields=["session", "tool_failed", "id"],
                name="agent_messages_failed",
                condition=FAILED,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind or 'message'} {self.pk}"

    @property
    def is_purged(self) -> bool:
        """Whether the item was purged, and only its columns were kept."""
        return self.message_data == PURGED

    @property
    def item(self) -> Item:
        """The item, decoded on each access. Raises UnreadableItemError if it is not JSON."""
        return decode(self.message_data)

    @property
    def entry(self) -> Entry:
        """The item as a person reads it, with a label instead if it is purged or not JSON."""
        if self.is_purged:
            return Entry(
                kind=self.kind,
                role=self.role,
                label=str(_("Purged")),
                text="",
                tool_name=self.tool_name,
                call_id=self.call_id,
            )
        try:
            return entry(self.item)
        except UnreadableItemError:
            return Entry(kind="", role="", label=str(_("Unreadable")), text=self.message_data)


def readable(rows: Iterable[tuple[int, str]]) -> Iterator[Item]:
    """Yield the items of the rows that are JSON; log the others, except purged ones."""
    for pk, text in rows:
        if text == PURGED:
            continue
        try:
            yield decode(text)
        except UnreadableItemError as error:
            logger.warning("Skipped message %s, which cannot be read. %s", pk, error)
