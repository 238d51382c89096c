"""Keep secrets out of error pages and out of texts that come from a server or proxy (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar
from urllib.parse import quote

T = TypeVar("T")


class Hidden(Generic[T]):
    """A value that an error page does not show, although a function's variable holds it.

    Django's error page shows the `repr` of variables:
    https://docs.djangoproject.com/en/stable/howto/error-reporting/#filtering-sensitive-information
    """

    def __init__(self, content: T) -> None:
        self.content = content

    def __repr__(self) -> str:
        return "<Hidden>"


def masked(text: str, secrets: Mapping[str, str]) -> str:
    """Return `text` with each secret replaced by its name, as in {secret: "[token]"}.

    Servers and proxies repeat requests that they refuse, sometimes URL-encoded.
    """
    for secret, name in secrets.items():
        for form in {secret, quote(secret), quote(secret, safe="")}:
            text = text.replace(form, name)
    return text
