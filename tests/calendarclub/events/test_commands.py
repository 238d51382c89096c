"""The command import_events."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from django.core.management import CommandError, call_command
from django.test import TestCase

from calendarclub.events.models import Event
from tests.calendarclub.events.vcalendars import vcalendar, vevent

CALENDARS = Path(__file__).parent / "calendars"


class ImportEventsTests(TestCase):
    def setUp(self) -> None:
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.out, self.err = StringIO(), StringIO()

    def run_command(self, *arguments: str | Path) -> None:
        texts = [str(argument) for argument in arguments]
        call_command("import_events", *texts, stdout=self.out, stderr=self.err)

    def test_summary(self) -> None:
        """The command prints a line with counts for each file."""
        file = self.folder / "good.ics"
        file.write_bytes(vcalendar(vevent("a", "20310307T200000"), vevent("b", "20310308")))

        self.run_command(file)
        self.run_command(file)

        self.assertEqual(
            self.out.getvalue().splitlines(),
            [
                f"{file}: 2 created, 0 updated, 0 removed, 0 unchanged, 0 skipped",
                f"{file}: 0 created, 0 updated, 0 removed, 2 unchanged, 0 skipped",
            ],
        )

    def test_skipped(self) -> None:
        """Skipped events are printed with a reason, the rest is imported, and the command fails."""
        good = self.folder / "good.ics"
        good.write_bytes(vcalendar(vevent("a", "20310307T200000")))

        with self.assertRaises(CommandError) as raised:
            self.run_command(CALENDARS / "cut_off.ics", self.folder / "missing.ics", good)

        self.assertEqual(raised.exception.returncode, 1)
        self.assertEqual(str(raised.exception), "Skipped: 2. The reasons are above.")
        self.assertIn("cut_off.ics: skipped line 9, UID half@example.org", self.err.getvalue())
        self.assertIn("No such file", self.err.getvalue())
        self.assertEqual(Event.objects.count(), 2)

    def test_horizon(self) -> None:
        """--horizon-days limits how far series are expanded, and accepts only sensible numbers."""
        file = self.folder / "daily.ics"
        file.write_bytes(vcalendar(vevent("a", "20200101", RRULE="FREQ=DAILY")))

        self.run_command("--horizon-days", "7", file)

        self.assertEqual(Event.objects.count(), 7)
        for wrong in ("0", "-1", "many", "9" * 50):
            with self.assertRaisesRegex(CommandError, "from 1 to 3660"):
                self.run_command(f"--horizon-days={wrong}", file)
