"""Addresses of a model admin's pages, on its own site and for any proxy of Session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.admin.utils import quote
from django.urls import reverse

if TYPE_CHECKING:
    from agent_sessions.admin.base import SessionAdminBase


def list_url(model_admin: SessionAdminBase) -> str:
    return _url(model_admin, "changelist")


def page_url(model_admin: SessionAdminBase, session_id: str) -> str:
    """Return the address of the session's page."""
    return _url(model_admin, "change", quote(session_id))


def _url(model_admin: SessionAdminBase, page: str, *args: str) -> str:
    opts = model_admin.opts
    name = f"admin:{opts.app_label}_{opts.model_name}_{page}"
    return reverse(name, args=args, current_app=model_admin.admin_site.name)
