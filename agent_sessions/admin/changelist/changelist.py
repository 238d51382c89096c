"""The list: the newest sessions that match, and no more, whatever the size of the tables."""

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
from agent_sessions.admin.base import without_content
from agent_sessions.admin.changelist.columns import Listed, number
from agent_sessions.admin.changelist.date_hierarchy import ACTIVITY, PARTS, periods
from agent_sessions.admin.changelist.filters import ComputedFilter, TextFilter
from agent_sessions.admin.changelist.text_sql import MOST_LENGTH, MOST_WORDS, bounded
from agent_sessions.admin.jit import without_compiling
from agent_sessions.admin.owners import user_url
from agent_sessions.turns.session_state import states
from agent_sessions.turns.summaries import summaries

if TYPE_CHECKING:
    from django.contrib.admin.filters import ListFilter
    from django.db.models import QuerySet
    from django.http import HttpRequest

    from agent_sessions.models import Session

MOST = 5_000
"""How many sessions are listed, and how many a computed filter looks at."""


class SessionList(ChangeList):
    """Django's list of a model, with an end.

    One statement finds the primary keys of what is listed, in order, and so counts it; the rows of
    one page are then read by theirs, with what is shown beside them.
    """

    model_admin: Any
    filter_specs: list[ListFilter]
    has_more = False
    """Whether more sessions match than are listed."""
    looked_at_newest = False
    """Whether a computed filter left sessions aside."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        try:
            super().__init__(*args, **kwargs)
        except (DataError, OverflowError) as error:
            # A value of the address is beyond what the database, or Python, can compare.
            raise IncorrectLookupParameters(error) from error

    def get_filters(self, request: HttpRequest) -> Any:
        year, *parts = (self.params.get(f"{self.date_hierarchy}__{part}") for part in PARTS)
        # Django itself would fail at what comes before the first year, or after the last, and look
        # at every session for a month of no year.
        if any(parts) if not year else not _is_year(year):
            raise IncorrectLookupParameters(year)
        found = super().get_filters(request)
        self.period = _taken_from(found[2]) if year else Q()
        return found

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: Any = None
    ) -> QuerySet[Session]:
        self.searched, self.query = self.query, bounded(self.query)
        # Of any time, to find periods in: a database that is given two beginnings may start from
        # the wrong one.
        self.timeless = super().get_queryset(request, exclude_parameters)
        if self.query:
            self.timeless = permitted(self.model_admin, request, self.timeless, words=self.query)
        queryset = self.timeless.filter(self.period)
        computed = [
            spec for spec in self.filter_specs if isinstance(spec, ComputedFilter) and spec.value()
        ]
        self.is_computed = bool(computed)
        if computed:
            queryset = self._newest(queryset)
        for spec in computed:
            queryset = spec.narrowed(queryset)
        self.by_content = any(isinstance(spec, TextFilter) for spec in computed)
        queryset = permitted(self.model_admin, request, queryset, by_content=self.by_content)
        if self.has_more:
            # An action on all that was found is on all that is listed.
            queryset = queryset.filter(pk__in=self.listed_pks)
        return queryset

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Session]) -> list[Any]:
        """Heed an order of columns that can be sorted by, and go through their index one way."""
        self._forget_other_orders()
        ordering = super().get_ordering(request, queryset)
        for sign in ("", "-"):
            # What Django adds would be a tie to break against the order of the index.
            if ordering[0] == f"{sign}{ACTIVITY}":
                return [f"{sign}{ACTIVITY}", f"{sign}pk"]
        return ordering

    def get_results(self, request: HttpRequest) -> None:
        with without_compiling(self.queryset.db):
            found = list(self.queryset.values_list("pk", flat=True)[: MOST + 1])
        self.listed_pks, self.has_more = found[:MOST], len(found) > MOST
        self.paginator = self.model_admin.get_paginator(
            request, self.listed_pks, self.list_per_page
        )
        self.result_count = len(self.listed_pks)
        self.full_result_count = self.result_count  # that of all sessions is not counted
        self.show_full_result_count = False
        self.show_admin_actions = True
        self.can_show_all = self.result_count <= self.list_max_show_all
        self.multi_page = self.result_count > self.list_per_page
        self.result_list = self.queryset.filter(pk__in=self._page())
        self._look_into(request, self.result_list)

    @cached_property
    def periods(self) -> dict[str, Any]:
        """What the date hierarchy offers; nothing if it is not of the activity but Django's."""
        if self.date_hierarchy != ACTIVITY:
            return {}
        queryset = self.timeless
        if self.has_more or self.is_computed:
            return periods(self, queryset, queryset)
        if not self.listed_pks:
            return periods(self, queryset.none(), queryset.none())
        # The first and the last are known, and need not be looked for.
        ends = queryset.filter(pk__in=(self.listed_pks[0], self.listed_pks[-1]))
        return periods(self, queryset, ends)

    @property
    def result_count_text(self) -> str:
        """The number of sessions, as far as they were counted."""
        text = number(self.result_count)
        return f"{text}+" if self.has_more else text

    @property
    def is_search_cut(self) -> bool:
        """Whether more words are in the address than a search looks for."""
        said = self.params.get(TextFilter.parameter_name, "")
        return bounded(self.searched) != self.searched or bounded(said) != said

    @property
    def notes(self) -> list[str]:
        """What is left out, in sentences."""
        most = number(MOST)
        notes = []
        if self.is_search_cut:
            text = _(
                "A search takes up to %(words)s words and %(length)s characters. The rest of yours "
                "was ignored."
            )
            notes.append(text % {"words": MOST_WORDS, "length": MOST_LENGTH})
        if self.looked_at_newest:
            notes.append(
                _(
                    "Looked for among the %(most)s sessions of newest activity that the other "
                    "filters let through. Dates and filters lead to others."
                )
            )
        if self.has_more:
            notes.append(
                _(
                    "More than %(most)s sessions match, of which the first are listed. Dates and "
                    "filters lead to the others."
                )
            )
        return [note % {"most": most} for note in notes]

    def _page(self) -> list[str]:
        if not self.multi_page or (self.show_all and self.can_show_all):
            return self.listed_pks
        try:
            return list(self.paginator.page(self.page_num).object_list)
        except InvalidPage as error:
            raise IncorrectLookupParameters(error) from error

    def _newest(self, queryset: QuerySet[Session]) -> QuerySet[Session]:
        """Return the sessions of newest activity, as many as a computed filter looks at."""
        by_activity = queryset.order_by("-updated_at", "-pk")
        edge = list(by_activity.values_list("updated_at", "pk")[MOST - 1 : MOST + 1])
        self.looked_at_newest = len(edge) > 1
        return queryset.filter(updated_at__gte=edge[0][0]) if self.looked_at_newest else queryset

    def _look_into(self, request: HttpRequest, sessions: QuerySet[Session]) -> None:
        """Find out what is shown of the sessions of a page, and take from them what is not."""
        may_read = self.model_admin.may_read
        readable = {session.pk for session in sessions if may_read(request, session)}
        if self.by_content or self.query:
            hits = [session for session in sessions if session.pk in readable]
            note_each(self.model_admin, request, hits, view="search in the list")
        ids = [session.pk for session in sessions]
        found = summaries(ids, using=sessions.db, with_text=bool(readable))
        state_of = states(ids, using=sessions.db)
        for session in sessions:
            summary = found[session.pk]
            if session.pk not in readable:
                without_content(session)
                summary = summary._replace(first_words="")
            owner_url = user_url(self.model_admin, request, session.user)
            state = state_of.get(session.pk, "empty")
            vars(session)["listed"] = Listed(summary, state, owner_url)

    def _forget_other_orders(self) -> None:
        """Take from the address what Django would sort by, though its heading has no link."""
        order = self.params.pop(ORDER_VAR, "").split(".")
        if kept := [part for part in order if self._is_sortable(part.removeprefix("-"))]:
            self.params[ORDER_VAR] = ".".join(kept)

    def _is_sortable(self, column: str) -> bool:
        if not re.fullmatch(r"[0-9]{1,3}", column) or int(column) >= len(self.list_display):
            return False
        return self.sortable_by is None or self.list_display[int(column)] in self.sortable_by


def _is_year(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9]{1,4}", text)) and MINYEAR < int(text) < MAXYEAR


def _taken_from(lookups: dict[str, Any]) -> Q:
    """Take from what the address asks for the period that Django made of a year, month and day."""
    ends = {f"{ACTIVITY}__{end}": lookups.pop(f"{ACTIVITY}__{end}", None) for end in ("gte", "lt")}
    return Q(*((name, values[0]) for name, values in ends.items() if values))
