"""The filter by days of last activity, in the current time zone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import MAXYEAR, MINYEAR, date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from django.conf import settings
from django.contrib.admin.filters import ListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from agent_sessions.admin.changelist.filter_forms import hidden_fields
from agent_sessions.admin.local_days import start_of

if TYPE_CHECKING:
    from django.contrib.admin.views.main import ChangeList
    from django.db.models import QuerySet
    from django.http import HttpRequest

    from agent_sessions.models import Session

PERIODS: dict[str, Promise] = {
    "today": _("Today"),
    "yesterday": _("Yesterday"),
    "week": _("Past 7 days"),
    "month": _("This month"),
    "year": _("This year"),
}
PERIOD, FIRST, LAST = "active", "from", "to"


class DateRange(NamedTuple):
    """The first and the last day of a range. None leaves that end open."""

    first: date | None = None
    last: date | None = None


class ActivityFilter(ListFilter):
    """Sessions last active on a named day or period, or in a range of days.

    The address keeps the name, such as "yesterday", so that a bookmark stays up to date.
    """

    title = _("last activity")
    parameter_names = (PERIOD, FIRST, LAST)
    template = "admin/agent_sessions/session/changelist/activity_filter.html"

    def __init__(
        self, request: HttpRequest, params: Any, model: type[Session], model_admin: Any
    ) -> None:
        super().__init__(request, params, model, model_admin)
        for name in self.parameter_names:
            if name in params:
                self.used_parameters[name] = params.pop(name)[-1]

    def expected_parameters(self) -> list[str | None]:
        return [*self.parameter_names]

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: ChangeList) -> Iterator[dict[str, Any]]:
        """Yield the links, and last the values of the form."""
        chosen, own = self.used_parameters, [*self.parameter_names]
        yield {
            "selected": not any(chosen.values()),
            "query_string": changelist.get_query_string(remove=own),
            "display": _("Any date"),
        }
        for name, display in PERIODS.items():
            yield {
                "selected": chosen.get(PERIOD) == name,
                "query_string": changelist.get_query_string({PERIOD: name}, own),
                "display": display,
            }
        yield {
            "others": hidden_fields(changelist, own=own),
            "first": chosen.get(FIRST, ""),
            "last": chosen.get(LAST, ""),
        }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Session]) -> QuerySet[Session]:
        days = self._days()
        within = Q()
        if days.first:
            within &= Q(updated_at__gte=start_of(days.first))
        if days.last:
            within &= Q(updated_at__lt=start_of(days.last + timedelta(days=1)))
        return queryset.filter(within)

    def _days(self) -> DateRange:
        """Return the days in the address. Raises IncorrectLookupParameters."""
        period = self.used_parameters.get(PERIOD)
        if period:
            return _named_days(str(period))
        return DateRange(*(_day(self.used_parameters.get(name)) for name in (FIRST, LAST)))


def _named_days(period: str) -> DateRange:
    today = timezone.localdate() if settings.USE_TZ else date.today()
    match period:
        case "today":
            return DateRange(today, today)
        case "yesterday":
            yesterday = today - timedelta(days=1)
            return DateRange(yesterday, yesterday)
        case "week":
            return DateRange(today - timedelta(days=7), today)
        case "month":
            return DateRange(today.replace(day=1), today)
        case "year":
            return DateRange(today.replace(month=1, day=1), today)
    raise IncorrectLookupParameters(period)


def _day(text: Any) -> date | None:
    """Return the day in a field of the form; None if it is empty."""
    if not text:
        return None
    try:
        day = date.fromisoformat(str(text))
    except ValueError as error:
        raise IncorrectLookupParameters(error) from error
    if not MINYEAR < day.year < MAXYEAR:
        # A datetime could not hold it in every time zone.
        raise IncorrectLookupParameters(text)
    return day
