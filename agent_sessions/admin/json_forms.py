"""Words as they occur in stored JSON, to search for them in the database."""

from __future__ import annotations

import json


def json_forms(words: str) -> list[str]:
    """Return the one or two forms in which words may occur in the JSON of items.

    JSON escapes quotes, line ends and the like. Some of the SDK's sessions escape all non-ASCII
    letters as well, and encode() does in items with lone surrogates.
    """
    forms = (json.dumps(words, ensure_ascii=is_escaped)[1:-1] for is_escaped in (False, True))
    return sorted({*forms})
