"""The list: the first sessions that match, and no more than that, however large the tables are."""

from __future__ import annotations

import re
from datetime import MAXYEAR, MINYEAR
from typing import TYPE_CHECKING, Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.core.paginator import InvalidPage
from django.db import DataError
from django.db.models import Q
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from agent_sessions.admin.access import note_each, permitted
from agent_sessions.admin.changelist.date_hierarchy import ACTIVITY, PARTS, periods
from agent_sessions.admin.changelist.filters import ComputedFilter, TextFilter
from agent_sessions.admin.changelist.row_facts import attach_facts
from agent_sessions.admin.changelist.text_sql import MOST_LENGTH, MOST_WORDS, bounded
from agent_sessions.admin.formats import number
from agent_sessions.admin.jit import without_compiling

if TYPE_CHECKING:
    from django.contrib.admin.filters import ListFilter
    from django.db.models import QuerySet
    from django.http import HttpRequest

    from agent_sessions.models import Session

MOST_LISTED = 5_000
"""How many sessions are listed, and how many a computed filter looks at."""


class SessionList(ChangeList):
    """Django's list of a model, with an end.

    One statement finds the primary keys of the listed sessions in order, and so counts them. The
    sessions of one page are then fetched by primary key, and row_facts are attached to them.
    """

    model_admin: Any
    filter_specs: list[ListFilter]
    has_more = False
    """Whether more sessions match than are listed."""
    looked_at_newest = False
    """Whether computed filters looked at the newest sessions only."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        try:
            super().__init__(*args, **kwargs)
        except (DataError, OverflowError) as error:
            # A value in the address is too large for the database or for Python. Django checks
            # integers only: https://code.djangoproject.com/ticket/27397
            raise IncorrectLookupParameters(error) from error

    # Filters and search

    def get_filters(self, request: HttpRequest) -> Any:
        """Take the period of the date hierarchy out of the filters, to apply it by itself."""
        year, *parts = (self.params.get(f"{self.date_hierarchy}__{part}") for part in PARTS)
        if year and not _is_year(year):
            # Django 6.1 still fails with a 500: https://code.djangoproject.com/ticket/37357
            raise IncorrectLookupParameters(year)
        if any(parts) and not year:
            # A month of any year has no index: Django would look at every session.
            raise IncorrectLookupParameters(parts)
        found = super().get_filters(request)
        self.period = _popped_period(found[2]) if year else Q()
        return found

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: Any = None
    ) -> QuerySet[Session]:
        self.searched, self.query = self.query, bounded(self.query)
        # The date hierarchy looks for its periods in sessions of any time. If they were limited to
        # the chosen period too, there would be two lower bounds, and SQLite searches its index by
        # one of them, perhaps the wrong one: https://www.sqlite.org/optoverview.html
        self.timeless = super().get_queryset(request, exclude_parameters)
        if self.query:
            self.timeless = permitted(self.model_admin, request, self.timeless, words=self.query)
        queryset = self._computed(self.timeless.filter(self.period))
        queryset = permitted(self.model_admin, request, queryset, by_content=self.by_content)
        if self.has_more:
            # get_results() has run. Actions on all matches apply to the listed sessions.
            queryset = queryset.filter(pk__in=self.listed_pks)
        return queryset

    def _computed(self, queryset: QuerySet[Session]) -> QuerySet[Session]:
        """Apply the computed filters, which come last and look at the newest sessions only."""
        specs = [
            spec for spec in self.filter_specs if isinstance(spec, ComputedFilter) and spec.value()
        ]
        self.is_computed = bool(specs)
        self.by_content = any(isinstance(spec, TextFilter) for spec in specs)
        if specs:
            queryset = self._newest(queryset)
        for spec in specs:
            queryset = spec.narrowed(queryset)
        return queryset

    def _newest(self, queryset: QuerySet[Session]) -> QuerySet[Session]:
        """Return the most recently active sessions, as many as a computed filter looks at."""
        by_activity = queryset.order_by("-updated_at", "-pk")
        edge = list(by_activity.values_list("updated_at", "pk")[MOST_LISTED - 1 : MOST_LISTED + 1])
        self.looked_at_newest = len(edge) > 1
        return queryset.filter(updated_at__gte=edge[0][0]) if self.looked_at_newest else queryset

    # Order

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Session]) -> list[Any]:
        """Sort by activity, one way through its index, or as a subclass says."""
        self._drop_other_orders()
        ordering = super().get_ordering(request, queryset)
        for sign in ("", "-"):
            # Django adds "-pk" to any order, and so would break ties against the direction of the
            # index: https://code.djangoproject.com/ticket/17198
            if ordering[0] == f"{sign}{ACTIVITY}":
                return [f"{sign}{ACTIVITY}", f"{sign}pk"]
        return ordering

    def _drop_other_orders(self) -> None:
        """Drop columns from the order in the address that are not in `sortable_by`.

        Django hides their links but still sorts by them, and other columns have no index:
        https://docs.djangoproject.com/en/stable/ref/contrib/admin/#django.contrib.admin.ModelAdmin.sortable_by
        """
        order = self.params.pop(ORDER_VAR, "").split(".")
        if kept := [part for part in order if self._is_sortable(part.removeprefix("-"))]:
            self.params[ORDER_VAR] = ".".join(kept)

    def _is_sortable(self, column: str) -> bool:
        if not re.fullmatch(r"[0-9]{1,3}", column) or int(column) >= len(self.list_display):
            return False
        return self.sortable_by is None or self.list_display[int(column)] in self.sortable_by

    # Results

    def get_results(self, request: HttpRequest) -> None:
        with without_compiling(self.queryset.db):
            found = list(self.queryset.values_list("pk", flat=True)[: MOST_LISTED + 1])
        self.listed_pks, self.has_more = found[:MOST_LISTED], len(found) > MOST_LISTED
        self.paginator = self.model_admin.get_paginator(
            request, self.listed_pks, self.list_per_page
        )
        self.result_count = len(self.listed_pks)
        self.full_result_count = self.result_count  # all sessions are never counted
        self.show_full_result_count = False
        self.show_admin_actions = True
        self.can_show_all = self.result_count <= self.list_max_show_all
        self.multi_page = self.result_count > self.list_per_page
        self.result_list = self.queryset.filter(pk__in=self._pks_of_page())
        readable = attach_facts(self.model_admin, request, self.result_list)
        if self.by_content or self.query:
            note_each(self.model_admin, request, readable, view="search in the list")

    def _pks_of_page(self) -> list[str]:
        if not self.multi_page or (self.show_all and self.can_show_all):
            return self.listed_pks
        try:
            return list(self.paginator.page(self.page_num).object_list)
        except InvalidPage as error:
            raise IncorrectLookupParameters(error) from error

    # Values for the templates

    @cached_property
    def periods(self) -> dict[str, Any]:
        """The choices of the date hierarchy; empty if a subclass has another one, or none."""
        if self.date_hierarchy != ACTIVITY:
            return {}
        queryset = self.timeless
        if self.has_more or self.is_computed:
            return periods(self, queryset, queryset)
        if not self.listed_pks:
            return periods(self, queryset.none(), queryset.none())
        # The list is complete, so its ends are the ends of all that matches.
        ends = queryset.filter(pk__in=(self.listed_pks[0], self.listed_pks[-1]))
        return periods(self, queryset, ends)

    @property
    def result_count_text(self) -> str:
        """The number of listed sessions, with a plus sign if more match."""
        text = number(self.result_count)
        return f"{text}+" if self.has_more else text

    @property
    def is_search_cut(self) -> bool:
        """Whether the address contains more words than a search looks for."""
        words = self.params.get(TextFilter.parameter_name, "")
        return bounded(self.searched) != self.searched or bounded(words) != words

    @property
    def notes(self) -> list[str]:
        """Sentences above the list that say what it leaves out."""
        notes = []
        if self.is_search_cut:
            text = _(
                "A search takes up to %(words)s words and %(length)s characters. The rest of your "
                "search was ignored."
            )
            notes.append(text % {"words": MOST_WORDS, "length": MOST_LENGTH})
        if self.looked_at_newest:
            text = _(
                "Only the %(most)s most recently active sessions that match the other filters were "
                "searched. Choose a date or another filter to search older ones."
            )
            notes.append(text % {"most": number(MOST_LISTED)})
        if self.has_more:
            text = _(
                "More than %(most)s sessions match. Only the first %(most)s are listed. Choose a "
                "date or a filter to see the others."
            )
            notes.append(text % {"most": number(MOST_LISTED)})
        return notes


def _is_year(text: str) -> bool:
    """Tell whether a text is a year that has a year before it and one after it."""
    return bool(re.fullmatch(r"[0-9]{1,4}", text)) and MINYEAR < int(text) < MAXYEAR


def _popped_period(lookups: dict[str, Any]) -> Q:
    """Remove from lookups, and return, the bounds that Django made of a year, month and day."""
    bounds = (f"{ACTIVITY}__gte", f"{ACTIVITY}__lt")
    values = {bound: lookups.pop(bound, None) for bound in bounds}
    return Q(*((bound, found[0]) for bound, found in values.items() if found))
