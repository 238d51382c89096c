"""Content security policies: what a browser may run and load for pages and files of the admin.

Templates and Markdown escape the texts of people, models and tools. Should some markup slip
through, the browser still runs no script in it and loads nothing for it.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from functools import wraps
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.templatetags.static import static

if TYPE_CHECKING:
    from django.http import HttpResponseBase

HEADER = "Content-Security-Policy"
SANDBOX = "default-src 'none'; sandbox"
"""For responses that people, models and tools wrote: raw items, attachments, exports."""


def page_policy() -> str:
    """Return the policy of the admin's pages: scripts and styles come from the static files."""
    own = f"'self' {_origin(static(''))}".strip()
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {own}",
            f"style-src {own}",
            f"img-src {own} data:",  # the admin's style sheets contain icons as data
            f"font-src {own}",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'self'",
        ]
    )


def document_policy(style: str) -> str:
    """Return the policy of an exported page: this style, images inside the file, nothing else."""
    digest = b64encode(sha256(style.encode()).digest()).decode()
    return "; ".join(
        [
            "default-src 'none'",
            f"style-src 'sha256-{digest}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def with_policy(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Send page_policy() with each response of a view that sets no policy itself."""

    @wraps(view)
    def wrapped(*args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(*args, **kwargs)
        response.headers.setdefault(HEADER, page_policy())
        response.headers.setdefault("Referrer-Policy", "same-origin")
        return response

    return wrapped


def _origin(url: str) -> str:
    """Return the server that a URL names, such as a CDN for static files; "" for a path."""
    parts = urlsplit(url)
    return f"{parts.scheme or 'https'}://{parts.netloc}" if parts.netloc else ""
