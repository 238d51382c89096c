"""The pages of the chat. The view that runs the agent is in agent_view.py."""

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

from calendarclub.chat.conversations import (
    ITEMS_SHOWN,
    create_conversation,
    delete_conversation,
    get_conversation_or_404,
    latest_items,
    own_conversations,
)
from calendarclub.chat.page_turns import page_turns

NAV_LENGTH = 30
PAGE_LENGTH = 50


async def messages(request: HttpRequest, session_id: str) -> HttpResponseBase:
    """Answer a message: see agent_view.py."""
    # Imported late: it loads the SDK, which takes seconds.
    from calendarclub.chat.agent_view import answer

    return await answer(request, session_id)


@require_safe
@never_cache
async def home(request: HttpRequest) -> HttpResponse:
    """Show an empty conversation. It is created with its first message."""
    return render(request, "chat/conversation.html", await _context(request))


@require_http_methods(["GET", "HEAD", "POST"])
async def conversations(request: HttpRequest) -> HttpResponseBase:
    """List the visitor's conversations, or create one."""
    return await (_create(request) if request.method == "POST" else _list(request))


@require_safe
@never_cache
async def conversation(request: HttpRequest, session_id: str) -> HttpResponse:
    """Show a conversation from the items of its session."""
    session = await get_conversation_or_404(request, session_id)
    items = await latest_items(session)
    context = await _context(request)
    context |= {"session": session, "turns": page_turns(items), "is_cut": len(items) == ITEMS_SHOWN}
    return render(request, "chat/conversation.html", context)


@require_POST
async def reset(request: HttpRequest, session_id: str) -> HttpResponse:
    """Delete a conversation."""
    await delete_conversation(request, await get_conversation_or_404(request, session_id))
    return redirect("chat:home")


async def _create(request: HttpRequest) -> JsonResponse:
    session = await create_conversation(request)
    url = reverse("chat:conversation", args=[session.session_id])
    data = {"id": session.session_id, "url": url}
    return JsonResponse(data, status=HTTPStatus.CREATED)


@never_cache
async def _list(request: HttpRequest) -> HttpResponse:
    paginator = Paginator(await own_conversations(request), PAGE_LENGTH)
    page = await sync_to_async(paginator.get_page)(request.GET.get("page"))
    context = await _context(request) | {"page": page}
    return await sync_to_async(render)(request, "chat/conversations.html", context)


async def _context(request: HttpRequest) -> dict[str, Any]:
    """Return the context that every page of the chat needs."""
    # Imported late: it loads the SDK, which takes seconds.
    from calendarclub.chat.agents import is_offline

    return {
        # The user, because the lazy object of Django's context processor would query the database
        # from an asynchronous view.
        "user": await request.auser(),
        "nav": [session async for session in (await own_conversations(request))[:NAV_LENGTH]],
        "is_offline": is_offline(),
    }
