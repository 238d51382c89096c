"""Text whose invisible characters are seen.

What a person, a model or a tool wrote can hold characters that change how the text around them is
read, or that say to a model what no person sees. Whoever reads such text has to see that they are
there. (pure)
"""

from __future__ import annotations

import re

# Joiners and the marks of a direction stay: words and emoji of many languages need them, and they
# turn nothing around.
_UNSEEN = re.compile(
    "["
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # control characters but tab and line ends
    "\u202a-\u202e\u2066-\u2069"  # embeddings, overrides and isolates of a direction
    "\u200b\u2060\ufeff"  # of no width
    "\U000e0000-\U000e007f"  # tags, which spell whole sentences that nobody sees
    "\ud800-\udfff"  # halves of characters, which no page can be sent with
    "]"
)


def visible(text: str) -> str:
    """Return `text` with names in the place of characters that are not seen: ⟨U+202E⟩.

    What it returns is text like any other, and to be escaped.
    """
    return _UNSEEN.sub(_name, text)


def _name(match: re.Match[str]) -> str:
    code = ord(match[0])
    return "\N{REPLACEMENT CHARACTER}" if 0xD800 <= code <= 0xDFFF else f"⟨U+{code:04X}⟩"
