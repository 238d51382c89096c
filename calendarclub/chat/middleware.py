"""A content security policy: what the browser may load for these pages is ours alone.

Markdown and templates escape what people and models write. Should something slip through, the
browser still runs no script of it, loads nothing for it and sends nothing for it. Django 6 has a
middleware of its own; the project runs on 5.2 as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asgiref.sync import iscoroutinefunction
from django.utils.decorators import sync_and_async_middleware

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponseBase

POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",  # the admin's style sheets hold icons as data
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)


@sync_and_async_middleware
def content_security_policy(get_response: Callable[[HttpRequest], Any]) -> Callable[..., Any]:
    """Send POLICY with every response that has none of its own."""
    if not iscoroutinefunction(get_response):
        return lambda request: _with_policy(get_response(request))

    async def middleware(request: HttpRequest) -> HttpResponseBase:
        return _with_policy(await get_response(request))

    return middleware


def _with_policy(response: HttpResponseBase) -> HttpResponseBase:
    response.headers.setdefault("Content-Security-Policy", POLICY)
    return response
