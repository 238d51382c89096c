"""Sessions, in the table of the SDK's own sessions.

`SQLiteSession`, `AsyncSQLiteSession` and `SQLAlchemySession` of the Agents SDK use the tables
agent_sessions(session_id, created_at, updated_at) and agent_messages(id, session_id,
message_data, created_at). Session and Message have the same names and columns. Each column that
they add has a default in the database, so that a row written by the SDK is a valid row here.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from agent_sessions.fields import ID_LENGTH, SessionIdField
from agent_sessions.models.deletion import OwnedForeignKey, delete_with_owner
from agent_sessions.models.operations import SessionQuerySet
from agent_sessions.text.visible import visible


class Session(models.Model):
    """A conversation. Its messages are rows of Message."""

    # Compared exactly; a CharField ignores case on MariaDB.
    session_id = SessionIdField(_("session id"), max_length=ID_LENGTH, primary_key=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)
    updated_at = models.DateTimeField(_("last activity"), db_default=Now(), editable=False)
    # A ForeignKey whose rows are locked before they are deleted, and deleted in batches.
    user = OwnedForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner"),
        # A person's conversations are personal data, and are deleted with the person.
        on_delete=delete_with_owner,
        null=True,
        blank=True,
        related_name="agent_sessions",
    )
    title = models.CharField(_("title"), max_length=255, blank=True, default="", db_default="")
    metadata = models.JSONField(
        _("metadata"),
        default=dict,
        db_default=models.Value({}, models.JSONField()),  # a plain {} has no type in SQL
        blank=True,
        help_text=_("Any data that the project stores with the session."),
    )
    parent = models.ForeignKey(
        "self",
        verbose_name=_("forked from"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        # The SDK's own sessions may delete a session that has forks, and leave its id here.
        db_constraint=False,
        related_name="forks",
    )
    # A fork stays one when its parent is deleted, so `parent` alone would not tell.
    forked_at = models.DateTimeField(_("forked at"), null=True, blank=True)

    objects = SessionQuerySet.as_manager()

    class Meta:
        db_table = "agent_sessions"
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        permissions = [("view_content", _("Can read what sessions say"))]
        # The admin lists sessions in this order, newest first.
        indexes = [
            models.Index(fields=["updated_at", "session_id"], name="agent_sessions_activity")
        ]

    def __str__(self) -> str:
        # Not the title, which is content: Django shows this in choices, confirmations and logs. An
        # id may contain any characters, invisible ones too.
        return visible(self.session_id)
