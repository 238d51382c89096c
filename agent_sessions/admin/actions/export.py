"""Export from the admin: one session in a chosen format, several as JSON Lines."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import tzinfo
from typing import TYPE_CHECKING, NamedTuple

from django.core.exceptions import PermissionDenied
from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, StreamingHttpResponse
from django.utils.functional import Promise
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from django.utils.timezone import get_current_timezone
from django.utils.timezone import override as override_timezone
from django.utils.translation import get_language, gettext_lazy, override
from django.utils.translation import gettext as _

from agent_sessions.admin.access import log_changes, opened, send_viewed
from agent_sessions.admin.actions.export_html import web_page
from agent_sessions.admin.csp import HEADER, SANDBOX
from agent_sessions.concurrency import in_database_thread
from agent_sessions.models import Session
from agent_sessions.transfer import document, lines, markdown

if TYPE_CHECKING:
    from django.http import HttpRequest

    from agent_sessions.admin.base import SessionAdminBase

PIECE_LENGTH = 32_768  # characters that are sent at once
NAME_LENGTH = 60

logger = logging.getLogger("agent_sessions")


class Format(NamedTuple):
    """A format of files into which a session can be exported."""

    label: str | Promise
    content_type: str
    suffix: str
    write: Callable[[Session], Iterator[str]]


FORMATS = {
    "html": Format(gettext_lazy("Web page"), "text/html; charset=utf-8", "html", web_page),
    "json": Format("JSON", "application/json", "json", document),
    "jsonl": Format(
        gettext_lazy("JSON Lines, to import again"),
        "application/jsonl; charset=utf-8",
        "jsonl",
        lines,
    ),
    "markdown": Format("Markdown", "text/markdown; charset=utf-8", "md", markdown),
}


def export(
    model_admin: SessionAdminBase, request: HttpRequest, object_id: str, file_format: str
) -> StreamingHttpResponse:
    """Send a session as a file."""
    session = opened(model_admin, request, object_id)
    if not model_admin.has_export_permission(request, session):
        raise PermissionDenied
    if file_format not in FORMATS:
        raise Http404(_("There is no such format."))
    chosen = FORMATS[file_format]
    _note(model_admin, request, [session], view=f"export {file_format}")
    _hide_parent(model_admin, request, session)
    name = slugify(session.pk)[:NAME_LENGTH] or "session"
    return _sent(request, chosen.write(session), chosen.content_type, f"{name}.{chosen.suffix}")


def export_several(
    model_admin: SessionAdminBase, request: HttpRequest, sessions: list[Session]
) -> StreamingHttpResponse:
    """Send sessions as JSON Lines, one document each.

    Unlike an archive of files, JSON Lines can be sent while they are read, and need no file names
    made from ids, which may contain anything. Raises PermissionDenied before anything is sent if
    the request may not export one of the sessions.
    """
    if not all(_may_export(model_admin, request, session) for session in sessions):
        raise PermissionDenied
    _note(model_admin, request, sessions, view="export json")
    written = _documents(model_admin, request, [session.pk for session in sessions])
    return _sent(request, written, "application/jsonl; charset=utf-8", "sessions.jsonl")


def _documents(
    model_admin: SessionAdminBase, request: HttpRequest, session_ids: list[str]
) -> Iterator[str]:
    """Yield a line for each session that still exists and may still be exported."""
    for session_id in session_ids:
        found = model_admin.get_queryset(request).select_related("user").filter(pk=session_id)
        session = found.first()
        if session is None or not _may_export(model_admin, request, session):
            continue
        _hide_parent(model_admin, request, session)
        yield from document(session, line_end="")
        yield "\n"


def _may_export(model_admin: SessionAdminBase, request: HttpRequest, session: Session) -> bool:
    may_see = model_admin.has_view_permission(request, session)
    return may_see and model_admin.has_export_permission(request, session)


def _note(
    model_admin: SessionAdminBase, request: HttpRequest, sessions: list[Session], *, view: str
) -> None:
    """Record the export before anything is sent."""
    for session in sessions:
        send_viewed(request, session, view=view)
    log_changes(model_admin, request, sessions, _("Exported: %s.") % view.removeprefix("export "))


def _hide_parent(model_admin: SessionAdminBase, request: HttpRequest, session: Session) -> None:
    """Blank the id of a parent that the request may not see. Do not save the session then."""
    if session.parent_id is None:
        return
    parent = model_admin.get_queryset(request).filter(pk=session.parent_id).first()
    if parent is None or not model_admin.has_view_permission(request, parent):
        session.parent_id = None


def _sent(
    request: HttpRequest, written: Iterator[str], content_type: str, filename: str
) -> StreamingHttpResponse:
    """Send a file to be saved, which browsers do not take for a page of this site."""
    pieces = _joined(written, get_language(), get_current_timezone())
    content = _in_threads(pieces) if isinstance(request, ASGIRequest) else pieces
    return StreamingHttpResponse(
        content,
        content_type=content_type,
        headers={
            "Content-Disposition": content_disposition_header(True, filename) or "",
            "X-Content-Type-Options": "nosniff",
            HEADER: SANDBOX,
        },
    )


def _joined(written: Iterator[str], language: str | None, zone: tzinfo) -> Iterator[str]:
    """Join small texts into pieces of PIECE_LENGTH, after a first one that is sent at once."""
    enough = 1
    # Each piece sets language and zone: the thread may serve other requests between them.
    while piece := _next_piece(written, enough, language, zone):
        yield piece
        enough = PIECE_LENGTH


def _next_piece(written: Iterator[str], enough: int, language: str | None, zone: tzinfo) -> str:
    """Return a piece in the language and time zone of the request; "" at the end.

    An error is logged and raised: then the connection breaks, so that the browser reports a failed
    download instead of keeping half a file.
    """
    try:
        with override(language), override_timezone(zone):
            return _taken(written, enough)
    except Exception:  # any: the response has begun, so this log is the only place that tells
        logger.exception("An export failed after it had begun.")
        raise


def _taken(written: Iterator[str], enough: int) -> str:
    """Take texts until they have `enough` characters, and join them."""
    texts, length = [], 0
    for text in written:
        texts.append(text)
        length += len(text)
        if length >= enough:
            break
    return "".join(texts)


async def _in_threads(pieces: Iterator[str]) -> AsyncIterator[str]:
    """Read in the database's thread. Django would read a sync iterator into memory at once."""
    while (piece := await in_database_thread(lambda: next(pieces, None))) is not None:
        yield piece
