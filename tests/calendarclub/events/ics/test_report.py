"""Everything that an import cannot read is reported, and the rest is imported."""

from __future__ import annotations

from django.test import TestCase, override_settings

from calendarclub.events.ics import import_calendar
from calendarclub.events.models import Event
from tests.calendarclub.events.ics.imports import (
    CALENDARS,
    TODAY,
    amsterdam,
    import_events,
    import_file,
    told,
)
from tests.calendarclub.events.vcalendars import vcalendar, vevent


@override_settings(TIME_ZONE="Europe/Amsterdam")
class BrokenFileTests(TestCase):
    def test_broken_events(self) -> None:
        """Broken events are reported with line and UID, and the others are imported."""
        report = import_file("broken_events.ics")

        titles = list(Event.objects.values_list("title", flat=True))
        self.assertEqual(titles, ["Good first", "Twice", "Without a UID", "Good last"])
        self.assertEqual(
            sorted(str(problem) for problem in report.skipped),
            [
                "line 11, UID bad-start@example.org: "
                "DTSTART cannot be read (Wrong datetime format: 20261320T180000Z)",
                "line 16, UID no-start@example.org: DTSTART is missing",
                "line 20, UID backwards@example.org: it ends before it starts",
                "line 26, UID every-second@example.org: RRULE repeats too often for an event",
                "line 32, UID for-ever@example.org: RRULE has an INTERVAL below 1",
                "line 38, UID bad-rule@example.org: "
                "RRULE cannot be read (Expected frequency, got: SOMETIMES)",
                "line 44, UID no-end@example.org: "
                "END:VEVENT is missing before the next VEVENT begins",
                "line 48, UID twice@example.org: "
                "the file has another version of it (line 53, UID twice@example.org)",
                "line 62, UID year-one@example.org: DTSTART is in the year 1",
            ],
        )

    def test_refused(self) -> None:
        """An event whose time is uncertain is rejected, with a reason."""
        refused = {
            "DTSTART:20261020\nDURATION:-PT1H": "DURATION is negative",
            "DTSTART:20261020\nDURATION:PT1H\nDURATION:PT2H": "DURATION is not one duration",
            "DTSTART:20261020\nDURATION:P9999D": "DURATION is longer than ten years",
            "DTSTART:20261020\nDTEND:20261020T200000": "one of DTSTART and DTEND is a date",
            "DTSTART:20261020\nDTSTART:20261021": "DTSTART is not one date or time",
            "DTSTART:PT1H": "DTSTART is not one date or time",
            "DTSTART:20261020\nUID:b": "there is more than one UID",
            "DTSTART:20261020\nRRULE:FREQ=DAILY;BYHOUR=1,2,3,4,5;BYMINUTE=1,2,3,4,5": "too often",
            # icalendar accepts this, and the code has no case for it.
            "DTSTART:20261020\nSEQUENCE:1\nSEQUENCE:2": "it cannot be read (TypeError",
        }
        for lines, reason in refused.items():
            with self.subTest(lines):
                report = import_events(f"BEGIN:VEVENT\nUID:a\nSUMMARY:x\n{lines}\nEND:VEVENT")

                self.assertIn(reason, told(report.skipped))
                self.assertEqual(Event.objects.count(), 0)

    def test_adorning_properties(self) -> None:
        """An unreadable or repeated property that is not essential is noted."""
        report = import_events(
            vevent("a", "20261020", SEQUENCE="x"), vevent("b", "20261020", SUMMARY="y\nSUMMARY:z")
        )

        self.assertEqual({event.title for event in Event.objects.all()}, {"Something", "y"})
        self.assertIn("SEQUENCE cannot be read and was left out", told(report.notes))
        self.assertIn("there are 2 SUMMARY; the first was used", told(report.notes))

    def test_broken_frame(self) -> None:
        """Events are imported even if the lines around them are broken, with notes."""
        text = "X-WR-CALNAME:x\n" + vevent("a", "20261020") + "\nEND:VALARM\nEND:VCALENDAR\n"

        report = import_calendar(text.encode(), today=TODAY)

        self.assertEqual(Event.objects.count(), 1)
        self.assertEqual(
            told(report.notes).splitlines(),
            [
                "line 2: BEGIN:VCALENDAR is missing before it",
                "line 7: END:VALARM has no BEGIN and was ignored",
                "line 1: outside any calendar and left out (such lines: 1)",
            ],
        )

    def test_unknown_zone_of_the_calendar(self) -> None:
        """A calendar with an unknown zone is read in the project's zone, with a note."""
        event = vevent("a", "20261020T200000")
        report = import_events(event, properties="X-WR-TIMEZONE:Mars/Olympus")

        self.assertEqual(Event.objects.get().timezone, "Europe/Amsterdam")
        self.assertIn("X-WR-TIMEZONE “Mars/Olympus” is unknown", told(report.notes))

    def test_broken_lines(self) -> None:
        """A line that is not a property is left out with a note, and its event is imported."""
        report = import_file("broken_events.ics")

        event = Event.objects.get(uid="good-first@example.org")

        self.assertEqual(event.url, "")
        notes = [str(note) for note in report.notes]
        self.assertIn(
            "line 8: “this line is no property” is not a property and was left out", notes
        )

    def test_cut_off_file(self) -> None:
        """The complete events of an incomplete download are imported."""
        report = import_file("cut_off.ics")

        self.assertEqual(Event.objects.get().title, "Whole")
        self.assertEqual(
            [str(problem) for problem in report.skipped],
            ["line 9, UID half@example.org: END:VEVENT is missing before the file ends"],
        )

    def test_no_calendar(self) -> None:
        """A web page and an empty file are rejected in a sentence."""
        for data in ((CALENDARS / "web_page.ics").read_bytes(), b"", b"\x00\xff\x00"):
            report = import_calendar(data)

            self.assertEqual(
                [str(problem) for problem in report.skipped],
                ["line 1: this is not a calendar: it has no BEGIN:VCALENDAR"],
            )

    def test_other_encodings(self) -> None:
        """Windows-1252 is read with a note, and UTF-16 with a byte order mark without one."""
        text = vcalendar(vevent("a", "20261020", SUMMARY="Café")).decode()

        for encoding, notes in (("cp1252", 1), ("utf-16", 0)):
            report = import_calendar(text.encode(encoding), today=TODAY)

            self.assertEqual(Event.objects.get().title, "Café")
            self.assertEqual(len(report.notes), notes)

    def test_values_that_are_too_long(self) -> None:
        """Long values are cut to the column, with a note that has both lengths."""
        report = import_events(
            vevent(
                "u" * 300, "20261020", SUMMARY="t" * 250, CATEGORIES="c" * 60, LOCATION="v" * 500
            )
        )

        event = Event.objects.get()
        self.assertEqual((len(event.title), len(event.category), len(event.venue)), (200, 50, 200))
        notes = "\n".join(note.reason for note in report.notes)
        self.assertIn("title has 250 characters and was cut after 200", notes)
        self.assertIn("UID is too long and was shortened", notes)

    def test_control_characters(self) -> None:
        """Control characters are removed."""
        import_events(vevent("a\0b", "20261020", SUMMARY="A\0 title\x1b", DESCRIPTION="x\\ny\x07"))

        event = Event.objects.get()
        self.assertEqual((event.uid, event.title, event.description), ("ab", "A title", "x\ny"))

    def test_alarm_without_end(self) -> None:
        """Lines that are lost in an unfinished alarm are noted."""
        report = import_events(
            "BEGIN:VEVENT\nUID:a\nDTSTART:20261020\nSUMMARY:x\nBEGIN:VALARM\nURL:x\nEND:VEVENT"
        )

        self.assertEqual(Event.objects.get().title, "x")
        self.assertIn("line 4, UID a: END:VALARM is missing", told(report.notes))

    def test_terminal_escapes(self) -> None:
        """A report contains no control sequences for the terminal."""
        report = import_events(vevent("a", "\x1b[2J"))

        self.assertIn("DTSTART", told(report.skipped))
        self.assertNotIn("\x1b", told(report.skipped))

    def test_unknown_zone(self) -> None:
        """A time in an unknown zone is read in the calendar's own zone, with a note."""
        report = import_events(
            "BEGIN:VEVENT\nUID:a\nDTSTART;TZID=No/Where:20261020T200000\nEND:VEVENT"
        )

        self.assertEqual(Event.objects.get().local_start, amsterdam("2026-10-20T20:00"))
        self.assertIn("time zone “No/Where” is unknown", told(report.notes))

    def test_hostile_zone(self) -> None:
        """A zone whose clock changes every second is ignored, and does not hang the import."""
        zone = (
            "BEGIN:VTIMEZONE\nTZID:Trap\nBEGIN:STANDARD\nDTSTART:16010101T000000\n"
            "RRULE:FREQ=SECONDLY\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nEND:STANDARD\n"
            "END:VTIMEZONE"
        )

        report = import_events(
            zone, "BEGIN:VEVENT\nUID:a\nDTSTART;TZID=Trap:20261020T200000\nEND:VEVENT"
        )

        self.assertEqual(Event.objects.get().local_start, amsterdam("2026-10-20T20:00"))
        self.assertEqual(len(report.notes), 3)  # the zone, its event, and the missing title

    def test_zones_of_other_files(self) -> None:
        """A zone that one file defines is unknown in the next file."""
        import_file("outlook.ics")

        report = import_events(
            'BEGIN:VEVENT\nUID:a\nDTSTART;TZID="Customized Time Zone":20261020T200000\n'
            "SUMMARY:Elsewhere\nEND:VEVENT"
        )

        self.assertIn("“Customized Time Zone” is unknown", told(report.notes))
