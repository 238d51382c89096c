"""Where days begin in the current time zone."""

from __future__ import annotations

from datetime import date, datetime, time

from django.conf import settings
from django.utils import timezone


def start_of(day: date) -> datetime:
    """Return the moment at which a day begins.

    Where clocks skip midnight, this is the moment at which they are changed.
    """
    midnight = datetime.combine(day, time())
    return timezone.make_aware(midnight) if settings.USE_TZ else midnight
