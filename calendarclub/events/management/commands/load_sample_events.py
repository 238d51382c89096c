"""Load a sample calendar around today."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from calendarclub.events.ics import import_calendar
from calendarclub.events.sample import DAYS, sample_calendar


class Command(BaseCommand):
    help = "Loads invented events around today, or updates them."

    def handle(self, **options: Any) -> None:
        report = import_calendar(sample_calendar(timezone.localdate()), horizon_days=DAYS)
        self.stdout.write(f"Sample events: {report}")
