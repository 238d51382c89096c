"""Export of sessions as JSON, JSON Lines and Markdown, and import of items.

Each function yields text in pieces and reads messages in batches, so that a long session needs no
more memory than a short one.
"""

from __future__ import annotations

from agent_sessions.transfer.json_document import document
from agent_sessions.transfer.json_lines import imported, lines
from agent_sessions.transfer.markdown_document import markdown

__all__ = ["document", "imported", "lines", "markdown"]
