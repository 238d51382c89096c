"""The chat: its pages, and the run of the agent behind each message.

The Agents SDK takes seconds to import and manage.py reads this module for its checks, so what
needs the SDK is imported where it is used.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from asgiref.sync import sync_to_async
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agent_sessions import Session, release_connections
from calendarclub.chat.conversations import begin, forget, memory, mine, name_after, open_mine
from calendarclub.chat.json_errors import RefusedError, refusing_in_json
from calendarclub.chat.page_turns import turns
from calendarclub.chat.request_body import posted_message

NAV_LENGTH = 30
PAGE_LENGTH = 50
ITEMS_SHOWN = 400  # a page of more would be slow to draw; the agent itself remembers all


@refusing_in_json
async def messages(request: HttpRequest, session_id: str) -> HttpResponseBase:
    """Run one turn of the conversation and stream it as server-sent events."""
    from agents import Runner, RunResultStreaming

    from calendarclub.chat.agents import calendar_club, run_config
    from calendarclub.chat.event_stream import event_stream

    session = await open_mine(request, session_id)
    message = posted_message(request)
    if message is None:
        await _check_unanswered(session)
    else:
        await name_after(session, message)

    remembered = memory(session)

    async def run() -> RunResultStreaming:
        await release_connections()  # they would wait for the model
        return Runner.run_streamed(
            calendar_club(),
            message or [],  # a message that is tried again is in the session already
            context=session,
            session=remembered,
            run_config=run_config(),
        )

    return event_stream(run, record=remembered.record_run, session=session)


@require_safe
@never_cache
async def home(request: HttpRequest) -> HttpResponse:
    """Show an empty conversation, which begins with its first message."""
    return render(request, "chat/conversation.html", await _context(request))


@require_http_methods(["GET", "HEAD", "POST"])
async def conversations(request: HttpRequest) -> HttpResponseBase:
    """List the visitor's conversations, or begin one."""
    return await (_begin(request) if request.method == "POST" else _list(request))


@require_safe
@never_cache
async def conversation(request: HttpRequest, session_id: str) -> HttpResponse:
    """Show a conversation as its session remembers it."""
    session = await open_mine(request, session_id)
    items = await memory(session).get_items(limit=ITEMS_SHOWN)
    context = await _context(request)
    context |= {"session": session, "turns": turns(items), "is_cut": len(items) == ITEMS_SHOWN}
    return render(request, "chat/conversation.html", context)


@require_POST
async def reset(request: HttpRequest, session_id: str) -> HttpResponse:
    """Forget a conversation for good."""
    await forget(request, await open_mine(request, session_id))
    return redirect("chat:home")


async def _begin(request: HttpRequest) -> JsonResponse:
    session = await begin(request)
    url = reverse("chat:conversation", args=[session.session_id])
    data = {"id": session.session_id, "url": url}
    return JsonResponse(data, status=HTTPStatus.CREATED)


@never_cache
async def _list(request: HttpRequest) -> HttpResponse:
    paginator = Paginator(await mine(request), PAGE_LENGTH)
    page = await sync_to_async(paginator.get_page)(request.GET.get("page"))
    context = await _context(request) | {"page": page}
    return await sync_to_async(render)(request, "chat/conversations.html", context)


async def _context(request: HttpRequest) -> dict[str, Any]:
    """Return what every page of the chat shows beside its own matter."""
    from calendarclub.chat.agents import is_offline

    return {
        # The user and not the lazy object of the template's context, which would ask the
        # database from within an asynchronous view.
        "user": await request.auser(),
        "nav": [session async for session in (await mine(request))[:NAV_LENGTH]],
        "is_offline": is_offline(),
    }


async def _check_unanswered(session: Session) -> None:
    """Refuse to answer a message for the second time."""
    last = turns(await memory(session).get_items(limit=ITEMS_SHOWN))[-1:]
    if not last or last[0].is_answered:
        sentence = "There is nothing to try again. Reload the page to see the conversation."
        raise RefusedError(HTTPStatus.CONFLICT, sentence)
