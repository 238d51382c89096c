"""Sessions by the days of their last activity, in the time zone of whoever looks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import MAXYEAR, MINYEAR, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from django.conf import settings
from django.contrib.admin.filters import ListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.contrib.admin.views.main import ChangeList
    from django.db.models import QuerySet
    from django.http import HttpRequest

    from agent_sessions.models import Session

NAMES: dict[str, Promise] = {
    "today": _("Today"),
    "yesterday": _("Yesterday"),
    "week": _("Past 7 days"),
    "month": _("This month"),
    "year": _("This year"),
}
PERIOD, FIRST, LAST = "active", "from", "to"


class Days(NamedTuple):
    """The first and the last day that are looked for; None where there is no end."""

    first: date | None = None
    last: date | None = None


class ActivityFilter(ListFilter):
    """Sessions whose last activity was on some days: named ones, or from one to another.

    A named day such as "yesterday" stays in the address, so that a bookmark goes with the time.
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
        """Yield the links, and last what the form shows and sends along."""
        chosen, own = self.used_parameters, [*self.parameter_names]
        yield {
            "selected": not any(chosen.values()),
            "query_string": changelist.get_query_string(remove=own),
            "display": _("Any date"),
        }
        for name, display in NAMES.items():
            yield {
                "selected": chosen.get(PERIOD) == name,
                "query_string": changelist.get_query_string({PERIOD: name}, own),
                "display": display,
            }
        others = changelist.filter_params.items()
        yield {
            "others": [(key, v) for key, values in others for v in values if key not in own],
            "first": chosen.get(FIRST, ""),
            "last": chosen.get(LAST, ""),
        }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Session]) -> QuerySet[Session]:
        days = self._days()
        within = Q()
        if days.first:
            within &= Q(updated_at__gte=_beginning(days.first))
        if days.last:
            within &= Q(updated_at__lt=_beginning(days.last + timedelta(days=1)))
        return queryset.filter(within)

    def _days(self) -> Days:
        """Return the days that the address asks for. Raises IncorrectLookupParameters."""
        period = self.used_parameters.get(PERIOD)
        if period:
            return _named(str(period))
        return Days(*(_day(self.used_parameters.get(name)) for name in (FIRST, LAST)))


def _named(period: str) -> Days:
    today = timezone.localdate() if settings.USE_TZ else date.today()
    match period:
        case "today":
            return Days(today, today)
        case "yesterday":
            yesterday = today - timedelta(days=1)
            return Days(yesterday, yesterday)
        case "week":
            return Days(today - timedelta(days=7), today)
        case "month":
            return Days(today.replace(day=1), today)
        case "year":
            return Days(today.replace(month=1, day=1), today)
    raise IncorrectLookupParameters(period)


def _day(text: Any) -> date | None:
    """Return the day that a form's field names; None if it is empty."""
    if not text:
        return None
    try:
        day = date.fromisoformat(str(text))
    except ValueError as error:
        raise IncorrectLookupParameters(error) from error
    if not MINYEAR < day.year < MAXYEAR:
        # In another time zone it would be before all time, or after it.
        raise IncorrectLookupParameters(text)
    return day


def _beginning(day: date) -> datetime:
    """Return the moment at which a day begins: it is as long as its clocks say."""
    midnight = datetime.combine(day, time())
    return timezone.make_aware(midnight) if settings.USE_TZ else midnight
