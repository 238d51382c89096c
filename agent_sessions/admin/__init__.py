"""The admin: conversations to find, read, export, fork, purge and delete, and their usage.

`SessionAdmin` is registered on Django's own site. To change it, subclass it and register the
subclass instead, on any site. `get_queryset(request)` says which sessions a request may see at all;
every page respects it.
"""

from __future__ import annotations

from agent_sessions.admin.session_admin import SessionAdmin

__all__ = ["SessionAdmin"]
