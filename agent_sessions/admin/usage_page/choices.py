"""The choices that the address of the usage page makes, and the links that change them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agent_sessions.admin.usage_page.buckets import DAYS, YEAR
from agent_sessions.admin.usage_page.report import MEASURES
from agent_sessions.conf import conf

if TYPE_CHECKING:
    from django.http import QueryDict
    from django.utils.functional import _StrPromise

PERIODS = {
    "7d": gettext_lazy("7 days"),
    "30d": gettext_lazy("30 days"),
    "90d": gettext_lazy("90 days"),
    YEAR: gettext_lazy("12 months"),
}
SERIES = {
    "agent": gettext_lazy("By agent"),
    "model": gettext_lazy("By model"),
    "user": gettext_lazy("By user"),
}
MEASURE_NAMES = {
    "tokens": gettext_lazy("Tokens"),
    "sessions": gettext_lazy("Sessions"),
    "cost": gettext_lazy("Cost"),
}


class UsageChoice(NamedTuple):
    """A period, what the series are, and the measure of the chart."""

    period: str = "30d"
    by: str = "agent"
    measure: str = "tokens"

    @classmethod
    def of(cls, query: QueryDict) -> UsageChoice:
        """Read an address; a value that is missing or not offered gets the default."""
        offered = {"period": [*DAYS, YEAR], "by": SERIES, "measure": _measures()}
        found = {name: query.get(name, "") for name in cls._fields}
        return cls(**{name: value for name, value in found.items() if value in offered[name]})

    def address(self, **changes: str) -> str:
        """Return the address of this choice, or of one with changes."""
        return "?" + urlencode({**self._asdict(), **changes})


class ChoiceLink(NamedTuple):
    """A link to a page with one choice changed."""

    text: _StrPromise
    address: str
    is_current: bool


class ChoiceGroup(NamedTuple):
    """The links of one kind of choice."""

    label: str
    links: list[ChoiceLink]


def choice_groups(choice: UsageChoice) -> list[ChoiceGroup]:
    """Return the links at the top of the page."""

    def links(name: str, texts: dict[str, _StrPromise]) -> list[ChoiceLink]:
        current = getattr(choice, name)
        return [
            ChoiceLink(text, choice.address(**{name: value}), value == current)
            for value, text in texts.items()
        ]

    measures = {measure: MEASURE_NAMES[measure] for measure in _measures()}
    return [
        ChoiceGroup(_("Period"), links("period", PERIODS)),
        ChoiceGroup(_("Measure"), links("measure", measures)),
        ChoiceGroup(_("BarSeries"), links("by", SERIES)),
    ]


def _measures() -> list[str]:
    """Return the measures on offer: the cost only if the settings have prices."""
    return [measure for measure in MEASURES if measure != "cost" or conf.prices]
