"""The numbers of the usage page: which rows of usage they are of, and how they are counted.

The number of statements does not depend on the data. There may be any number of agents, models and
users, so they are cut to the greatest before they are multiplied with days.
"""

from __future__ import annotations

from django.db.models import QuerySet

from agent_sessions.admin.usage_page.buckets import Period, bucket_of
from agent_sessions.admin.usage_page.by_name import report_by_name
from agent_sessions.admin.usage_page.by_user import report_by_user
from agent_sessions.admin.usage_page.report import UsageReport
from agent_sessions.models import Session
from agent_sessions.models.usage import Usage
from agent_sessions.models.usage_sums import UsageQuerySet


def usage_of(sessions: QuerySet[Session]) -> UsageQuerySet:
    """Return the usage of sessions. All sessions include those that the SDK has deleted."""
    usage = Usage.objects.using(sessions.db)
    return usage.filter(session__in=sessions.values("pk")) if is_restricted(sessions) else usage


def is_restricted(sessions: QuerySet[Session]) -> bool:
    """Tell whether a queryset may leave out some sessions."""
    query = sessions.query
    return bool(query.where or query.combinator or len(query.alias_map) > 1)


def report_of(usage: UsageQuerySet, period: Period, *, by: str, measure: str) -> UsageReport:
    """Count the usage of a period, with a series for each of the greatest by a measure.

    `by` says what the series are: "agent", "model" or "user". Users are counted if they are the
    series, agents and models if they are not: to count all three takes twice as long.
    """
    moments = period.moments()
    usage = usage.filter(created_at__gte=moments[0], created_at__lt=moments[-1])
    bucket = bucket_of("created_at", moments)
    if by == "user":
        return report_by_user(usage, bucket, measure=measure)
    return report_by_name(usage, bucket, by=by, measure=measure)
