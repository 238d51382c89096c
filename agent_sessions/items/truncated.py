"""Items whose end was not fetched."""

from __future__ import annotations

import re

from agent_sessions.items import Item
from agent_sessions.items.codec import UnreadableItemError, decode

# Strings, the last one perhaps without its end, and brackets.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
_CUT_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?\Z")
_CLOSING = {"{": "}", "[": "]"}


def completed(beginning: str) -> Item:
    """Return the item that a text begins with, without what is missing; None if it is not JSON.

    `completed('{"role": "user", "content": "Any con')` is `{"role": "user", "content": "Any con"}`.
    """
    for text in (beginning, _closed(beginning)):
        try:
            return decode(text)
        except UnreadableItemError:
            continue
    return None


def _closed(beginning: str) -> str:
    """Close the strings, lists and dicts that are open at the end of the text."""
    open_brackets: list[str] = []
    end = ""
    for token in _TOKEN.findall(beginning):
        if token in _CLOSING:
            open_brackets.append(_CLOSING[token])
        elif token in ("}", "]") and open_brackets:
            open_brackets.pop()
        elif token.startswith('"') and not _is_whole(token):
            end = '"'
    return _CUT_ESCAPE.sub("", beginning) + end + "".join(reversed(open_brackets))


def _is_whole(token: str) -> bool:
    return len(token) > 1 and token.endswith('"')
