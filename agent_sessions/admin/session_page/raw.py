"""Raw items and attachments, sent so that no browser takes them for a page of this site."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.http import Http404, HttpResponse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from agent_sessions.admin.access import opened_to_read
from agent_sessions.admin.csp import HEADER, SANDBOX
from agent_sessions.items.attachments import Attachment, attachments, image_type
from agent_sessions.items.codec import UnreadableItemError
from agent_sessions.models.message import Message

if TYPE_CHECKING:
    from django.http import HttpRequest

    from agent_sessions.admin.base import SessionAdminBase

_ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp"}


def item_view(
    model_admin: SessionAdminBase, request: HttpRequest, object_id: str, message_id: int
) -> HttpResponse:
    """Send the text of an item exactly as it is stored."""
    message = _message(model_admin, request, object_id, message_id, view="item")
    return _sandboxed(HttpResponse(message.message_data, content_type="text/plain; charset=utf-8"))


def media_view(
    model_admin: SessionAdminBase, request: HttpRequest, object_id: str, message_id: int, place: int
) -> HttpResponse:
    """Send an attachment: an image to be shown, anything else to be saved."""
    message = _message(model_admin, request, object_id, message_id, view="media")
    attachment, content = _attachment(message, place)
    kind = image_type(content) if attachment.what == "image" else ""
    response = HttpResponse(content, content_type=kind or "application/octet-stream")
    name = f"{message.pk}-{place}.{_ENDINGS[kind]}" if kind else _file_name(message, attachment)
    disposition = content_disposition_header(as_attachment=not kind, filename=name)
    response.headers["Content-Disposition"] = str(disposition)
    return _sandboxed(response)


def _message(
    model_admin: SessionAdminBase,
    request: HttpRequest,
    object_id: str,
    message_id: int,
    *,
    view: str,
) -> Message:
    session = opened_to_read(model_admin, request, object_id, view=view)
    messages = Message.objects.using(session._state.db).filter(session_id=session.pk)
    message = messages.filter(pk=message_id).first()
    if message is None:
        raise Http404(_("There is no such message."))
    return message


def _attachment(message: Message, place: int) -> tuple[Attachment, bytes]:
    try:
        found = attachments(message.item)
    except UnreadableItemError:
        found = []
    attachment = found[place] if place < len(found) else Attachment("")
    content = attachment.content() if attachment.data else None
    if content is None:
        raise Http404(_("The message has no such attachment."))
    return attachment, content


def _file_name(message: Message, attachment: Attachment) -> str:
    """Return a file name that every system accepts: ASCII letters and digits, no folder."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", attachment.name).strip("._")[-100:]
    return f"{message.pk}-{plain or attachment.what}"


def _sandboxed(response: HttpResponse) -> HttpResponse:
    response.headers[HEADER] = SANDBOX
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
