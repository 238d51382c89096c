"""Owners of sessions: the fields by which they are searched, and the address of their page."""

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
    """Return the fields of users by which the request may search sessions.

    The list shows the name by which a user logs in, so everybody may search it. It does not show
    e-mail addresses, which a search would reveal letter by letter: they are searched only for
    requests that may see users or read sessions.
    """
    user = get_user_model()
    names = [user.USERNAME_FIELD]
    if _may_see_users(model_admin, request) or model_admin.has_view_content_permission(request):
        names += [name for name in _email_fields() if name not in names]
    return tuple(f"user__{name}" for name in names)


def user_url(model_admin: SessionAdminBase, request: HttpRequest, user: Any) -> str:
    """Return the address of a user's page in the admin; "" if the request has none to open."""
    if user is None or not _may_see_users(model_admin, request, user):
        return ""
    opts = type(user)._meta
    name = f"admin:{opts.app_label}_{opts.model_name}_change"
    return reverse(name, args=[quote(user.pk)], current_app=model_admin.admin_site.name)


def _may_see_users(model_admin: SessionAdminBase, request: HttpRequest, user: Any = None) -> bool:
    """Tell whether the site shows users, or this one, to the request."""
    site = model_admin.admin_site
    model = get_user_model()
    if not site.is_registered(model):
        return False
    return site.get_model_admin(model).has_view_permission(request, user)


def _email_fields() -> list[str]:
    """Return the name of the e-mail field, if the project's user model has one."""
    user = get_user_model()
    name = user.get_email_field_name()
    try:
        user._meta.get_field(name)
    except FieldDoesNotExist:
        return []
    return [name]
