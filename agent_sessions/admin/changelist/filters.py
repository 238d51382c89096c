"""What the list can be narrowed down by."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

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
from agent_sessions.admin.changelist.cost_sql import costs
from agent_sessions.admin.changelist.recent_names import recent_names
from agent_sessions.admin.changelist.text_sql import saying
from agent_sessions.conf import conf
from agent_sessions.models.message import FAILED, Message
from agent_sessions.text.visible import visible
from agent_sessions.turns.session_state import state
from agent_sessions.usage.money import shown

if TYPE_CHECKING:
    from django.contrib.admin.views.main import ChangeList
    from django.db.models import QuerySet
    from django.http import HttpRequest

    from agent_sessions.models import Session

# From how much on, and below how much, is what a cost is looked for by; whatever the currency.
BANDS: dict[str, tuple[Decimal, Decimal | None]] = {
    "0-0.01": (Decimal(0), Decimal("0.01")),
    "0.01-0.1": (Decimal("0.01"), Decimal("0.1")),
    "0.1-1": (Decimal("0.1"), Decimal(1)),
    "1-": (Decimal(1), None),
}


class Filter(SimpleListFilter):
    """A filter that PostgreSQL, whose text has no NUL, can always be asked about."""

    def value(self) -> str | None:
        value = super().value()
        return None if value is None else str(value).replace("\x00", "")


class ComputedFilter(Filter):
    """A filter that no index serves: the list has it look at the newest sessions alone."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        """Leave all as it is, until every other filter has had its say."""

    @abstractmethod
    def narrowed(self, queryset: QuerySet[Session]) -> QuerySet[Session]:
        """Return the sessions that are looked for. Called only where something is."""


class OwnerFilter(Filter):
    """Sessions with an owner, without one, or of one owner, to whom the list has a link.

    Django's own filter would offer every user there is.
    """

    title = _("owner")
    parameter_name = "owner"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        yield "any", _("With an owner")
        yield "none", _("Without an owner")
        if self.value() not in (None, "any", "none"):
            # Only who owns something that the request may see has a name here.
            theirs = self._of_one(model_admin.get_queryset(request)).select_related("user")
            for session in permitted(model_admin, request, theirs.order_by())[:1]:
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
            key.run_validators(value)  # a number may be more than the database has room for
        except (ValueError, ValidationError) as error:
            raise IncorrectLookupParameters(error) from error
        return queryset.filter(Q(user=value))


class ToolFilter(Filter):
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
    """Sessions in which a tool failed: any tool, or the one that is chosen beside it."""

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
            # The output of a function does not name it: the call with the same id does.
            alike = {"session": OuterRef("session"), "call_id": OuterRef("call_id")}
            calls = Message.objects.filter(tool_name=self.tool, **alike)
            failed = failed.filter(Q(tool_name=self.tool) | Exists(calls))
        return queryset.filter(Exists(failed))


class CostFilter(ComputedFilter):
    """What is known of the cost; offered where there are prices."""

    title = _("cost")
    parameter_name = "cost"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        if not conf.prices:
            return
        yield "unknown", _("Not known")
        yield "0", _amount(Decimal(0))
        for value, (least, below) in BANDS.items():
            names = {"least": _amount(least), "below": below and _amount(below)}
            if not least:
                yield value, gettext("Under %(below)s") % names
            elif below is None:
                yield value, gettext("%(least)s and more") % names
            else:
                yield value, gettext("%(least)s to under %(below)s") % names

    def narrowed(self, queryset: QuerySet[Session]) -> QuerySet[Session]:
        expression, unit = costs()
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
    """Words that a message says, to be typed; for who may read what messages say.

    To anybody else the filter would tell, word by word, what there is to be read.
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
        """Yield what the form has to send along, and where its words are taken back."""
        others = changelist.filter_params.items()
        yield {
            "others": [
                (name, value)
                for name, values in others
                for value in values
                if name != self.parameter_name
            ],
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


def _amount(amount: Decimal) -> str:
    return shown(amount, conf.currency)


def _offered(names: set[str], chosen: str | None) -> list[tuple[str, str]]:
    """Return names to choose from, the chosen one among them."""
    return [(name, visible(name)) for name in sorted({*names, *filter(None, [chosen])})]


def _has_message(**values: str | None) -> Exists:
    return Exists(Message.objects.filter(session=OuterRef("pk"), **values))
