"""Import events from .ics files."""

from __future__ import annotations

from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from calendarclub.events.ics import HORIZON_DAYS, Report, import_calendar

# Ten years. Dates after the year 9999 would overflow.
LONGEST_HORIZON_DAYS = 3_660


def horizon(text: str) -> int:
    """Parse --horizon-days."""
    if not text.isdecimal() or not 1 <= int(text[:9]) <= LONGEST_HORIZON_DAYS:
        raise ArgumentTypeError(f"enter a number of days from 1 to {LONGEST_HORIZON_DAYS}")
    return int(text)


class Command(BaseCommand):
    help = "Imports events from .ics files. Fails after the import if an event was skipped."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", metavar="FILE", nargs="+", type=Path)
        parser.add_argument(
            "--horizon-days",
            type=horizon,
            default=HORIZON_DAYS,
            help="How many days ahead recurring events are expanded (default: %(default)s).",
        )

    def handle(self, *, files: list[Path], horizon_days: int, **options: Any) -> None:
        skipped = 0
        for file in files:
            report = self._import(file, horizon_days)
            for problem in report.notes:
                self.stdout.write(f"{file}: {problem}")
            for problem in report.skipped:
                self.stderr.write(f"{file}: skipped {problem}")
            self.stdout.write(f"{file}: {report}")
            skipped += len(report.skipped)
        if skipped:
            raise CommandError(f"Skipped: {skipped}. The reasons are above.")

    def _import(self, file: Path, horizon_days: int) -> Report:
        try:
            return import_calendar(file.read_bytes(), horizon_days=horizon_days)
        except OSError as error:
            report = Report()
            report.skip("the whole file", str(error))
            return report
