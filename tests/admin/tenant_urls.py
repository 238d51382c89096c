"""URLs of three sites: the admin, one of tenants, one with permissions by session."""

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import path, reverse

from agent_sessions import Session
from agent_sessions.admin import SessionAdmin
from tests.admin_urls import handler404

__all__ = ["handler404"]


class TenantAdmin(SessionAdmin):
    """A project's subclass: users see their own sessions only."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Session]:
        return super().get_queryset(request).filter(user=request.user)


class PickyAdmin(SessionAdmin):
    """Another one: "veiled" sessions are hidden, "sealed" ones can be seen but not read."""

    def has_view_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        is_veiled = obj is not None and obj.pk.startswith("veiled")
        return super().has_view_permission(request, obj) and not is_veiled

    def has_view_content_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        return super().has_view_content_permission(request, obj) and not _is_sealed(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not _is_sealed(obj)

    def has_fork_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        return super().has_fork_permission(request, obj) and not _is_sealed(obj)


def _is_sealed(session: Session | None) -> bool:
    return session is not None and session.pk.startswith("sealed")


support = admin.AdminSite("support")
picky = admin.AdminSite("picky")
picky.register(Session, PickyAdmin)
picky.register(User, UserAdmin)
support.register(Session, TenantAdmin)

urlpatterns = [
    path("admin/", admin.site.urls),
    path("support/", support.urls),
    path("picky/", picky.urls),
]

FORMATS = ("html", "json", "jsonl", "markdown")


def addresses(session_id: str, message_id: int, *, site: str = "admin") -> dict[str, str]:
    """Return the addresses of a session's pages, by short names."""
    places: dict[str, list[object]] = {name: [] for name in ("change", "delete", "history")}
    places |= {"item": [message_id], "media": [message_id, 0], "fork": [], "purge": []}
    found = {name: _address(site, name, session_id, *rest) for name, rest in places.items()}
    exports = {f"export {name}": _address(site, "export", session_id, name) for name in FORMATS}
    return found | exports


def of_the_list(*, site: str = "admin") -> dict[str, str]:
    """Return the addresses of the pages about all sessions."""
    names = ("changelist", "add", "usage")
    prefix = f"{site}:agent_sessions_session_"
    return {name: reverse(prefix + name, urlconf=__name__) for name in names}


def _address(site: str, name: str, session_id: str, *rest: object) -> str:
    args = [quote(session_id), *rest]
    return reverse(f"{site}:agent_sessions_session_{name}", args=args, urlconf=__name__)
