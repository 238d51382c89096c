"""Invisible characters, made visible.

Text of a person, a model or a tool may contain characters that reorder the text around them, or
that only a model reads. A person who reads the text has to see that they are there.
"""

from __future__ import annotations

import re

# Joiners and direction marks stay: many languages and emoji need them, and they reorder nothing.
_UNSEEN = re.compile(
    "["
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # control characters except tab and line ends
    "\u202a-\u202e\u2066-\u2069"  # direction embeddings, overrides and isolates
    "\u200b\u2060\ufeff"  # zero-width characters
    "\U000e0000-\U000e007f"  # tags, which can spell invisible sentences
    "\ud800-\udfff"  # lone surrogates, which cannot be encoded
    "]"
)


def visible(text: str) -> str:
    """Return `text` with names such as ⟨U+202E⟩ instead of invisible characters.

    The result still has to be escaped.
    """
    return _UNSEEN.sub(_name, text)


def _name(match: re.Match[str]) -> str:
    code = ord(match[0])
    return "\N{REPLACEMENT CHARACTER}" if 0xD800 <= code <= 0xDFFF else f"⟨U+{code:04X}⟩"
