"""Owners of sessions: how they are found, and where a person's own page is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.admin.utils import quote
from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.urls import reverse

if TYPE_CHECKING:
    from django.http import HttpRequest

    from agent_sessions.admin.base import SessionAdminBase


def fields_to_search(model_admin: SessionAdminBase, request: HttpRequest) -> tuple[str, ...]:
    """Return the fields of users by which the request may look for their sessions.

    The name by which this project's users log in is shown with each session. An e-mail address is
    not, and a search tells it letter by letter: so only to whom may see users, or read sessions.
    """
    user = get_user_model()
    names = [user.USERNAME_FIELD]
    if _may_see_users(model_admin, request) or model_admin.has_view_content_permission(request):
        names += [name for name in _email_fields() if name not in names]
    return tuple(f"user__{name}" for name in names)


def user_url(model_admin: SessionAdminBase, request: HttpRequest, user: Any) -> str:
    """Return where the admin shows a user; "" if it does not, or not to this request."""
    if user is None or not _may_see_users(model_admin, request, user):
        return ""
    opts = type(user)._meta
    name = f"admin:{opts.app_label}_{opts.model_name}_change"
    return reverse(name, args=[quote(user.pk)], current_app=model_admin.admin_site.name)


def _may_see_users(model_admin: SessionAdminBase, request: HttpRequest, user: Any = None) -> bool:
    """Tell whether the site has a page of users, or of this one, that the request may open."""
    site = model_admin.admin_site
    model = get_user_model()
    if not site.is_registered(model):
        return False
    return site.get_model_admin(model).has_view_permission(request, user)


def _email_fields() -> list[str]:
    """Return the field of e-mail addresses, if this project's users have one."""
    user = get_user_model()
    name = user.get_email_field_name()
    try:
        user._meta.get_field(name)
    except FieldDoesNotExist:
        return []
    return [name]
