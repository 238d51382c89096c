"""Sessions as files to take along: JSON, items as lines of JSON, Markdown; and items back again.

Each writer yields text in pieces and reads a few messages at once, so that a long session takes
no more memory than a short one.
"""

from __future__ import annotations

from agent_sessions.transfer.json_document import document
from agent_sessions.transfer.json_lines import imported, lines
from agent_sessions.transfer.markdown_document import markdown

__all__ = ["document", "imported", "lines", "markdown"]
