"""The admin: conversations to find, to read, to count, to take along and to throw away.

`SessionAdmin` is registered on Django's own site. A project that wants it otherwise subclasses it,
registers the subclass instead, on any site, and overrides what it needs: `get_queryset(request)`
says which sessions a request may see at all, and every page here heeds it.
"""

from __future__ import annotations

from agent_sessions.admin.session_admin import SessionAdmin

__all__ = ["SessionAdmin"]
