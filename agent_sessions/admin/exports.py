"""Sessions taken along: one in a format of choice, several as documents on lines."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from django.core.exceptions import PermissionDenied
from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, StreamingHttpResponse
from django.utils.functional import Promise
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from django.utils.translation import get_language, gettext_lazy, override
from django.utils.translation import gettext as _

from agent_sessions.admin.access import opened, tell
from agent_sessions.admin.log import log_changes
from agent_sessions.admin.policy import HEADER, SANDBOX
from agent_sessions.admin.web_page import web_page
from agent_sessions.models import Session
from agent_sessions.threads import in_database_thread
from agent_sessions.transfer import document, lines, markdown

if TYPE_CHECKING:
    from django.http import HttpRequest

    from agent_sessions.admin.sessions import SessionAdmin

PIECES = 100  # of what is written, sent together
NAME_LENGTH = 60


class Format(NamedTuple):
    """A kind of file that a session is written to."""

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
    model_admin: SessionAdmin, request: HttpRequest, object_id: str, file_format: str
) -> StreamingHttpResponse:
    """Send a session as a file."""
    session = opened(model_admin, request, object_id)
    if not model_admin.has_export_permission(request, session):
        raise PermissionDenied
    if file_format not in FORMATS:
        raise Http404(_("There is no such format."))
    chosen = FORMATS[file_format]
    _take(model_admin, request, [session], view=f"export {file_format}")
    name = slugify(session.pk)[:NAME_LENGTH] or "session"
    return _sent(request, chosen.write(session), chosen.content_type, f"{name}.{chosen.suffix}")


def export_several(
    model_admin: SessionAdmin, request: HttpRequest, sessions: list[Session]
) -> StreamingHttpResponse:
    """Send sessions as JSON Lines, a document each.

    Not as an archive of files: this holds all that is known of them, no name of a file is made of
    an id that may hold anything, and it is sent while it is read.
    """
    _take(model_admin, request, sessions, view="export json")
    written = (piece for session in sessions for piece in _line(session))
    return _sent(request, written, "application/jsonl; charset=utf-8", "sessions.jsonl")


def _line(session: Session) -> Iterator[str]:
    yield from document(session, line_end="")
    yield "\n"


def _take(
    model_admin: SessionAdmin, request: HttpRequest, sessions: list[Session], *, view: str
) -> None:
    """Leave out parents that the request may not see, and note who takes the sessions along."""
    parents = {session.parent_id for session in sessions if session.parent_id}
    found = model_admin.get_queryset(request).filter(pk__in=parents) if parents else ()
    seen = {parent.pk for parent in model_admin.seen(request, found)}
    for session in sessions:
        if session.parent_id not in seen:
            session.parent_id = None  # it is not saved
        tell(request, session, view=view)
    log_changes(model_admin, request, sessions, _("Exported: %s.") % view.removeprefix("export "))


def _sent(
    request: HttpRequest, written: Iterable[str], content_type: str, filename: str
) -> StreamingHttpResponse:
    """Send what is written as a file to save, which no browser takes for a page of this site."""
    pieces = _joined(iter(written), get_language())
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


def _joined(written: Iterator[str], language: str | None) -> Iterator[str]:
    """Join what is written, some pieces at once, in the language of the request."""
    while True:
        # The thread may have served other requests since the last pieces.
        with override(language):
            pieces = list(islice(written, PIECES))
        if not pieces:
            return
        yield "".join(pieces)


async def _in_threads(pieces: Iterator[str]) -> AsyncIterator[str]:
    """Write in the database's thread; Django would hold all of it in memory."""
    while (piece := await in_database_thread(lambda: next(pieces, None))) is not None:
        yield piece
