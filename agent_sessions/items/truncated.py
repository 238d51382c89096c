"""Items of which only the beginning was fetched. (pure)"""

from __future__ import annotations

import re

from agent_sessions.items import Item
from agent_sessions.items.codec import UnreadableItemError, decode

# What matters of JSON that was cut: strings, also the last one without its end, and brackets.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
_CUT_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?\Z")
_CLOSING = {"{": "}", "[": "]"}


def begun(head: str) -> Item:
    """Return what an item's text holds, whose end may be missing; None if it cannot be told."""
    for text in (head, _closed(head)):
        try:
            return decode(text)
        except UnreadableItemError:
            continue
    return None


def _closed(head: str) -> str:
    """End the strings, lists and dicts that are open where the text was cut."""
    open_brackets: list[str] = []
    end = ""
    for token in _TOKEN.findall(head):
        if token in _CLOSING:
            open_brackets.append(_CLOSING[token])
        elif token in ("}", "]") and open_brackets:
            open_brackets.pop()
        elif token.startswith('"') and not _is_whole(token):
            end = '"'
    return _CUT_ESCAPE.sub("", head) + end + "".join(reversed(open_brackets))


def _is_whole(token: str) -> bool:
    return len(token) > 1 and token.endswith('"')
