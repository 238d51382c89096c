"""Middleware that sends a content security policy: browsers load only this site's own files.

Markdown and templates escape the texts of people and models. If one slips through, the browser
still runs no script in it, loads nothing for it and sends nothing for it. Django 6 has such a
middleware, but the project runs on Django 5.2 as well:
https://docs.djangoproject.com/en/6.0/ref/csp/
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
        "img-src 'self' data:",  # the admin's style sheets contain icons as data
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)


@sync_and_async_middleware
def content_security_policy(get_response: Callable[[HttpRequest], Any]) -> Callable[..., Any]:
    """Add POLICY to every response that has no policy yet."""
    if not iscoroutinefunction(get_response):
        return lambda request: _with_policy(get_response(request))

    async def middleware(request: HttpRequest) -> HttpResponseBase:
        return _with_policy(await get_response(request))

    return middleware


def _with_policy(response: HttpResponseBase) -> HttpResponseBase:
    response.headers.setdefault("Content-Security-Policy", POLICY)
    return response
