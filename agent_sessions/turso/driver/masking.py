"""Secrets, and texts of strangers without them (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar
from urllib.parse import quote

T = TypeVar("T")


class Hidden(Generic[T]):
    """Something in the variables of functions, which a page about an error may show."""

    def __init__(self, content: T) -> None:
        self.content = content


def masked(text: str, secrets: Mapping[str, str]) -> str:
    """Return `text` with a name instead of each secret, such as {secret: "[token]"}.

    Servers and proxies repeat what they refuse, sometimes in the form of an address.
    """
    for secret, name in secrets.items():
        for form in {secret, quote(secret), quote(secret, safe="")}:
            text = text.replace(form, name)
    return text
