"""A content security policy: what the browser may run and load for these pages.

Templates and Markdown escape what people, models and tools wrote. Should something slip through,
the browser runs no script of it and loads nothing for it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.templatetags.static import static

if TYPE_CHECKING:
    from django.http import HttpResponseBase

HEADER = "Content-Security-Policy"
SANDBOX = "default-src 'none'; sandbox"
"""For what is no page of ours but what a person or a model has sent."""


def policy() -> str:
    """Return the policy of a page: scripts and styles come from where static files are."""
    ours = f"'self' {_origin(static(''))}".strip()
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {ours}",
            f"style-src {ours}",
            f"img-src {ours} data:",  # the admin's style sheets hold icons as data
            f"font-src {ours}",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'self'",
        ]
    )


def with_policy(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Send the policy with every response of a view that has none of its own."""

    @wraps(view)
    def wrapped(*args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(*args, **kwargs)
        response.headers.setdefault(HEADER, policy())
        response.headers.setdefault("Referrer-Policy", "same-origin")
        return response

    return wrapped


def _origin(url: str) -> str:
    """Return where an address leads, if that is another server, as for static files on a CDN."""
    parts = urlsplit(url)
    return f"{parts.scheme or 'https'}://{parts.netloc}" if parts.netloc else ""
