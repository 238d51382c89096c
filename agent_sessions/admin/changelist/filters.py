"""The filters of the list."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from django.contrib.admin import SimpleListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from agent_sessions.admin.access import permitted
from agent_sessions.admin.changelist.activity import ActivityFilter
from agent_sessions.admin.changelist.columns import STATES
from agent_sessions.admin.changelist.cost_sql import session_cost
from agent_sessions.admin.changelist.filter_forms import hidden_fields
from agent_sessions.admin.changelist.recent_names import recent_names
from agent_sessions.admin.changelist.text_sql import saying
from agent_sessions.admin.formats import money
from agent_sessions.conf import conf
from agent_sessions.models.message import FAILED, Message
from agent_sessions.text.visible import visible
from agent_sessions.turns.session_state import state

if TYPE_CHECKING:
    from django.contrib.admin.views.main import ChangeList
    from django.db.models import QuerySet
    from django.http import HttpRequest

    from agent_sessions.models import Session


class CostBand(NamedTuple):
    """A range of costs: from `least` on, and less than `below` if there is a limit."""

    least: Decimal
    below: Decimal | None


BANDS = {
    "0-0.01": CostBand(Decimal(0), Decimal("0.01")),
    "0.01-0.1": CostBand(Decimal("0.01"), Decimal("0.1")),
    "0.1-1": CostBand(Decimal("0.1"), Decimal(1)),
    "1-": CostBand(Decimal(1), None),
}
"""The bands of CostFilter by their value in the address, in whatever currency the prices have."""


class NulFreeFilter(SimpleListFilter):
    """A filter whose value contains no NUL, which PostgreSQL rejects in any text.

    See https://code.djangoproject.com/ticket/30064
    """

    def value(self) -> str | None:
        value = super().value()
        return None if value is None else str(value).replace("\x00", "")


class ComputedFilter(NulFreeFilter):
    """A filter without an index. The list applies it to the newest sessions only."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        """Leave the queryset as it is: the list calls narrowed() after all other filters."""

    @abstractmethod
    def narrowed(self, queryset: QuerySet[Session]) -> QuerySet[Session]:
        """Return the sessions that match. Called only if the filter has a value."""


class OwnerFilter(NulFreeFilter):
    """Sessions with an owner, without one, or of one owner, chosen by a link in the list.

    Django's own filter by a relation offers every user.
    """

    title = _("owner")
    parameter_name = "owner"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        yield "any", _("With an owner")
        yield "none", _("Without an owner")
        if self.value() not in (None, "any", "none"):
            # An owner is named only if the request may see one of their sessions.
            owned = self._of_one(model_admin.get_queryset(request)).select_related("user")
            for session in permitted(model_admin, request, owned.order_by())[:1]:
                yield str(self.value()), visible(str(session.user))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Session]) -> QuerySet[Session]:
        match self.value():
            case None:
                return queryset
            case "any" | "none" as value:
                return queryset.filter(user__isnull=value == "none")
        return self._of_one(queryset)

    def _of_one(self, queryset: QuerySet[Session]) -> QuerySet[Session]:
        key = get_user_model()._meta.pk
        try:
            value = key.to_python(self.value())
            key.run_validators(value)  # the database may have no room for a number
        except (ValueError, ValidationError) as error:
            raise IncorrectLookupParameters(error) from error
        return queryset.filter(Q(user=value))


class ToolFilter(NulFreeFilter):
    title = _("tool used")
    parameter_name = "tool"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return _offered(recent_names(model_admin, request).tools, self.value())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Session]) -> QuerySet[Session]:
        if not self.value():
            return queryset
        return queryset.filter(_has_message(tool_name=self.value()))


class AgentFilter(ComputedFilter):
    title = _("agent")
    parameter_name = "agent"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return _offered(recent_names(model_admin, request).agents, self.value())

    def narrowed(self, queryset: QuerySet[Session]) -> QuerySet[Session]:
        return queryset.filter(_has_message(agent_name=self.value()))


class StateFilter(ComputedFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [*STATES.items(), ("fork", _("Fork"))]

    def narrowed(self, queryset: QuerySet[Session]) -> QuerySet[Session]:
        if self.value() == "fork":
            return queryset.filter(forked_at__isnull=False)
        return queryset.alias(session_state=state()).filter(session_state=self.value())


class FailureFilter(ComputedFilter):
    """Sessions in which a tool failed: any tool, or the one that ToolFilter has chosen."""

    title = _("failures")
    parameter_name = "failed"

    def __init__(
        self, request: HttpRequest, params: Any, model: type[Session], model_admin: Any
    ) -> None:
        self.tool = request.GET.get(ToolFilter.parameter_name, "").replace("\x00", "")
        super().__init__(request, params, model, model_admin)

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        yield "tool", _("Tool failed")

    def narrowed(self, queryset: QuerySet[Session]) -> QuerySet[Session]:
        if self.value() != "tool":
            raise IncorrectLookupParameters(self.value())
        failed = Message.objects.filter(FAILED, session=OuterRef("pk"))
        if self.tool:
            # The output of a function does not name it, but its call does.
            same_call = {"session": OuterRef("session"), "call_id": OuterRef("call_id")}
            calls = Message.objects.filter(tool_name=self.tool, **same_call)
            failed = failed.filter(Q(tool_name=self.tool) | Exists(calls))
        return queryset.filter(Exists(failed))


class CostFilter(ComputedFilter):
    """Sessions by their known cost. Offered if the settings have prices."""

    title = _("cost")
    parameter_name = "cost"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        if not conf.prices:
            return
        yield "unknown", _("Unknown")
        yield "0", money(Decimal(0))
        for value, (least, below) in BANDS.items():
            names = {"least": money(least), "below": below and money(below)}
            if not least:
                yield value, gettext("Under %(below)s") % names
            elif below is None:
                yield value, gettext("%(least)s or more") % names
            else:
                yield value, gettext("%(least)s to under %(below)s") % names

    def narrowed(self, queryset: QuerySet[Session]) -> QuerySet[Session]:
        expression, unit = session_cost()
        queryset = queryset.alias(session_cost=expression)
        match self.value():
            case "unknown":
                return queryset.filter(session_cost__isnull=True)
            case "0":
                return queryset.filter(session_cost=0)
            case value if value not in BANDS:
                raise IncorrectLookupParameters(value)
        least, below = BANDS[value]
        queryset = queryset.filter(session_cost__gte=max(1, int(least / unit)))
        return queryset if below is None else queryset.filter(session_cost__lt=int(below / unit))


class TextFilter(ComputedFilter):
    """Sessions with a message that contains all of the typed words.

    It is offered only to those who may read messages: to anybody else it would reveal their words
    one by one.
    """

    title = _("words in messages")
    parameter_name = "says"
    template = "admin/agent_sessions/session/changelist/text_filter.html"

    def __init__(
        self, request: HttpRequest, params: Any, model: type[Session], model_admin: Any
    ) -> None:
        self.is_offered = model_admin.has_view_content_permission(request)
        super().__init__(request, params, model, model_admin)

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return ()

    def has_output(self) -> bool:
        return bool(self.is_offered)

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Yield the values of the form, and the address without its words."""
        yield {
            "others": hidden_fields(changelist, own=[self.parameter_name]),
            "words": self.value() or "",
            "without": changelist.get_query_string(remove=[self.parameter_name]),
        }

    def narrowed(self, queryset: QuerySet[Session]) -> QuerySet[Session]:
        return queryset.filter(saying(self.value() or ""))


FILTERS = (
    TextFilter,
    StateFilter,
    FailureFilter,
    ActivityFilter,
    OwnerFilter,
    AgentFilter,
    ToolFilter,
    CostFilter,
)


def _offered(names: set[str], chosen: str | None) -> list[tuple[str, str]]:
    """Return the choices for names; the chosen name is always among them."""
    return [(name, visible(name)) for name in sorted({*names, *filter(None, [chosen])})]


def _has_message(**values: str | None) -> Exists:
    return Exists(Message.objects.filter(session=OuterRef("pk"), **values))
