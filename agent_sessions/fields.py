"""The primary key of a session, compared exactly on every database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

ID_LENGTH = 255


def checked_id(session_id: str) -> str:
    """Return `session_id`, or raise a TypeError or ValueError that says what to pass instead."""
    if not isinstance(session_id, str):
        raise TypeError(
            f"session_id is a {type(session_id).__name__}. Pass a str, such as str(session_id)."
        )
    if not session_id:
        raise ValueError("session_id is empty. Pass one of your own, such as uuid.uuid4().hex.")
    if len(session_id) > ID_LENGTH:
        raise ValueError(
            f"session_id has {len(session_id)} characters; {ID_LENGTH} fit. Pass a shorter one, "
            "such as uuid.uuid4().hex."
        )
    if "\x00" in session_id or any("\ud800" <= character <= "\udfff" for character in session_id):
        raise ValueError(
            f"session_id {session_id!r} contains a NUL or a surrogate, which databases cannot "
            "store. Pass one without."
        )
    return session_id


class SessionIdField(models.CharField):  # type: ignore[type-arg]  # not generic at run time
    """A string compared exactly: "a", "A" and "a " are different."""

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        parameters = super().db_parameters(connection)
        if connection.vendor == "mysql":
            # By default MariaDB ignores case and trailing spaces:
            # https://mariadb.com/kb/en/information-schema-collations-table/
            parameters["collation"] = "utf8mb4_nopad_bin"
        return parameters
