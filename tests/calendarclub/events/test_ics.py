"""The import of .ics files, on files as calendar programs write them, and on broken ones."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr
from django.db import connection
from django.test import TestCase, override_settings
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from calendarclub.events.ics import Problem, Report, import_calendar
from calendarclub.events.models import Event
from tests.calendarclub.events.vcalendars import vcalendar, vevent

CALENDARS = Path(__file__).parent / "calendars"
TODAY = date(2026, 10, 1)
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
# Every line that a real event of Google's has, but those that begin and end it.
LINES = [
    line
    for block in (CALENDARS / "google.ics").read_text().split("BEGIN:VEVENT")[1:]
    for line in block.split("END:VEVENT")[0].splitlines()
]
OPEN_MIC = "weekly-open-mic@google.com"


def amsterdam(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=AMSTERDAM)


def by_day(moment: datetime) -> datetime:
    """Return a time of that day at which no clock is put forward or back."""
    return moment.replace(hour=6 + moment.hour // 2, second=0, microsecond=0)


def told(problems: Iterable[Problem]) -> str:
    return "\n".join(map(str, problems))


def import_file(name: str) -> Report:
    return import_calendar((CALENDARS / name).read_bytes(), today=TODAY)


def import_events(*events: str, properties: str = "", horizon_days: int = 60) -> Report:
    data = vcalendar(*events, properties=properties)
    return import_calendar(data, today=TODAY, horizon_days=horizon_days)


@override_settings(TIME_ZONE="Europe/Amsterdam")
class RealFileTests(TestCase):
    """What Google, Outlook, Apple and WordPress write."""

    def test_google_series_across_dst(self) -> None:
        """A weekly event keeps its hour when summer time ends, but for what was changed in it."""
        report = import_file("google.ics")

        starts = [e.local_start for e in Event.objects.filter(series_uid=OPEN_MIC)]
        self.assertEqual(
            starts,
            [
                amsterdam("2026-10-13T20:00"),
                amsterdam("2026-10-20T20:00"),
                amsterdam("2026-10-28T21:00"),  # moved from the 27th by an override
                amsterdam("2026-11-17T20:00"),  # the 3rd is an EXDATE, the 10th cancelled
                amsterdam("2026-11-24T20:00"),
            ],
        )
        self.assertEqual((report.created, len(report.skipped)), (7, 0))

    def test_google_texts(self) -> None:
        """Folded lines, escapes and a location with a postal code are read."""
        import_file("google.ics")

        event = Event.objects.filter(series_uid=OPEN_MIC).earliest("start")
        self.assertEqual(event.uid, f"{OPEN_MIC}/20261013T180000Z")
        self.assertIn("Everybody is welcome: beginners, regulars", event.description)
        self.assertIn("Café open from seven; tickets", event.description)
        self.assertEqual(event.venue, "The Copper Lantern, Quayside 12")
        self.assertEqual(event.city, "Waterhaven")

    def test_google_utc(self) -> None:
        """A time in UTC is announced in the calendar's own zone."""
        import_file("google.ics")

        event = Event.objects.get(uid="utc-event@google.com")

        self.assertEqual(event.timezone, "Europe/Amsterdam")
        self.assertEqual(event.local_start, amsterdam("2026-10-17T20:00"))

    def test_google_all_day(self) -> None:
        """Whole days go from midnight to midnight, whatever the clock does on them."""
        import_file("google.ics")

        event = Event.objects.get(uid="all-day@google.com")

        self.assertTrue(event.all_day)
        self.assertEqual(event.local_start, amsterdam("2026-10-31T00:00"))
        self.assertEqual(event.local_end, amsterdam("2026-11-02T00:00"))

    def test_outlook(self) -> None:
        """Windows names, a zone of the file's own and a byte order mark are understood."""
        report = import_file("outlook.ics")

        evening, call, day = (
            Event.objects.get(title=title)
            for title in ("Python evening", "Call from far away", "One whole day")
        )
        self.assertEqual((evening.timezone, evening.start.hour), ("Europe/Berlin", 17))
        self.assertIn("Straße, café, naïve", evening.description)
        self.assertEqual(evening.venue, "The Switchyard; room 4")
        self.assertEqual(call.start, datetime.fromisoformat("2026-10-21T06:30Z"))
        self.assertEqual(call.timezone, "Europe/Amsterdam")
        self.assertEqual((day.end - day.start).days, 1)
        self.assertEqual(report.skipped, {})

    def test_apple(self) -> None:
        """Floating times are the project's, hours of a DURATION are hours, a zone no day's."""
        report = import_file("apple.ics")

        night, open_end, day = Event.objects.all()
        self.assertEqual(night.local_start, amsterdam("2026-10-24T23:00"))
        self.assertEqual((night.end - night.start).total_seconds(), 6 * 3600)
        self.assertEqual(
            (night.venue, night.city), ("Tidewater Theatre, Lock Street 3", "Waterhaven")
        )
        self.assertEqual(night.category, "theatre")
        self.assertEqual(night.description, "Categories: theatre, night life")
        self.assertEqual(open_end.start, open_end.end)
        self.assertEqual((day.all_day, day.local_start.day), (True, 27))
        self.assertEqual(
            [str(note) for note in report.notes],
            [
                "file: 1 VTODO left out: only VEVENT is an event",
                "line 21, UID 9A1E5F4A-2B0B-4F43-9E3A-0D2C9B7A1E12: "
                "URL is no http or https address that fits, and was left out",
            ],
        )

    def test_duration_of_days(self) -> None:
        """Days of a DURATION are dates: two of them end at midnight, also of a longer day."""
        import_events(vevent("a", "20261024", DURATION="P2D"))

        event = Event.objects.get()
        self.assertEqual(event.local_end, amsterdam("2026-10-26T00:00"))
        self.assertTrue(event.all_day)

    def test_wordpress(self) -> None:
        """Prices are read where they are plain; the calendar's own zone is home."""
        report = import_file("wordpress.ics")

        prices = dict(Event.objects.values_list("title", "price"))
        self.assertEqual(prices, {"Dear": Decimal("17.50"), "Free": Decimal(0), "Who knows": None})
        self.assertEqual({e.timezone for e in Event.objects.all()}, {"Europe/Brussels"})
        self.assertIn("free for members", told(report.notes))


@override_settings(TIME_ZONE="Europe/Amsterdam")
class BrokenFileTests(TestCase):
    """What cannot be read is told, and what can be is imported."""

    def test_broken_events(self) -> None:
        """Each broken event is reported by line and UID; the good ones come in."""
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
                "line 26, UID every-second@example.org: "
                "RRULE repeats more often than an event does",
                "line 32, UID for-ever@example.org: RRULE has an INTERVAL below 1",
                "line 38, UID bad-rule@example.org: "
                "RRULE cannot be read (Expected frequency, got: SOMETIMES)",
                "line 44, UID no-end@example.org: "
                "END:VEVENT is missing before the next VEVENT begins",
                "line 48, UID twice@example.org: "
                "the same event is there again (line 53, UID twice@example.org)",
                "line 62, UID year-one@example.org: DTSTART is in the year 1",
            ],
        )

    def test_refused(self) -> None:
        """What makes the time of an event uncertain is refused, each in its own words."""
        refused = {
            "DTSTART:20261020\nDURATION:-PT1H": "DURATION is negative",
            "DTSTART:20261020\nDURATION:PT1H\nDURATION:PT2H": "DURATION is not one duration",
            "DTSTART:20261020\nDURATION:P9999D": "DURATION is longer than ten years",
            "DTSTART:20261020\nDTEND:20261020T200000": "one of DTSTART and DTEND is a date",
            "DTSTART:20261020\nDTSTART:20261021": "DTSTART is not one date or time",
            "DTSTART:PT1H": "DTSTART is not one date or time",
            "DTSTART:20261020\nUID:b": "UID is there more than once",
            "DTSTART:20261020\nRRULE:FREQ=DAILY;BYHOUR=1,2,3,4,5;BYMINUTE=1,2,3,4,5": "more often",
            # What icalendar takes and this code has not thought of is refused as well.
            "DTSTART:20261020\nSEQUENCE:1\nSEQUENCE:2": "it cannot be read (TypeError",
        }
        for lines, reason in refused.items():
            with self.subTest(lines):
                report = import_events(f"BEGIN:VEVENT\nUID:a\nSUMMARY:x\n{lines}\nEND:VEVENT")

                self.assertIn(reason, told(report.skipped))
                self.assertEqual(Event.objects.count(), 0)

    def test_adorning_properties(self) -> None:
        """What only adorns an event is left out or taken once, with a note."""
        report = import_events(
            vevent("a", "20261020", SEQUENCE="x"), vevent("b", "20261020", SUMMARY="y\nSUMMARY:z")
        )

        self.assertEqual({event.title for event in Event.objects.all()}, {"Something", "y"})
        self.assertIn("SEQUENCE cannot be read and was left out", told(report.notes))
        self.assertIn("SUMMARY is there 2 times; the first was taken", told(report.notes))

    def test_broken_frame(self) -> None:
        """Events come in where the lines around them are broken; what was wrong is noted."""
        text = "X-WR-CALNAME:x\n" + vevent("a", "20261020") + "\nEND:VALARM\nEND:VCALENDAR\n"

        report = import_calendar(text.encode(), today=TODAY)

        self.assertEqual(Event.objects.count(), 1)
        self.assertEqual(
            told(report.notes).splitlines(),
            [
                "line 2: BEGIN:VCALENDAR is missing before it",
                "line 7: END:VALARM ends nothing and was ignored",
                "line 1: outside any calendar and left out (lines like that: 1)",
            ],
        )

    def test_unknown_zone_of_the_calendar(self) -> None:
        """A calendar in a zone that nobody knows is read in the project's."""
        event = vevent("a", "20261020T200000")
        report = import_events(event, properties="X-WR-TIMEZONE:Mars/Olympus")

        self.assertEqual(Event.objects.get().timezone, "Europe/Amsterdam")
        self.assertIn("X-WR-TIMEZONE “Mars/Olympus” is unknown", told(report.notes))

    def test_broken_lines(self) -> None:
        """A line that is no property is left out, with a note, and its event stays."""
        report = import_file("broken_events.ics")

        event = Event.objects.get(uid="good-first@example.org")

        self.assertEqual(event.url, "")
        notes = [str(note) for note in report.notes]
        self.assertIn("line 8: “this line is no property” is no property and was left out", notes)

    def test_cut_off_file(self) -> None:
        """A download that broke off gives what came through."""
        report = import_file("cut_off.ics")

        self.assertEqual(Event.objects.get().title, "Whole")
        self.assertEqual(
            [str(problem) for problem in report.skipped],
            ["line 9, UID half@example.org: END:VEVENT is missing before the file ends"],
        )

    def test_no_calendar(self) -> None:
        """A web page, or nothing at all, is refused in a sentence."""
        for data in ((CALENDARS / "web_page.ics").read_bytes(), b"", b"\x00\xff\x00"):
            report = import_calendar(data)

            self.assertEqual(
                [str(problem) for problem in report.skipped],
                ["line 1: this is no calendar: BEGIN:VCALENDAR is not in it"],
            )

    def test_other_encodings(self) -> None:
        """Windows-1252 is read, with a note of the line; so is UTF-16 with its mark."""
        text = vcalendar(vevent("a", "20261020", SUMMARY="Café")).decode()

        for encoding, notes in (("cp1252", 1), ("utf-16", 0)):
            report = import_calendar(text.encode(encoding), today=TODAY)

            self.assertEqual(Event.objects.get().title, "Café")
            self.assertEqual(len(report.notes), notes)

    def test_values_that_are_too_long(self) -> None:
        """They are cut to the column, with a note that gives both lengths."""
        report = import_events(
            vevent(
                "u" * 300, "20261020", SUMMARY="t" * 250, CATEGORIES="c" * 60, LOCATION="v" * 500
            )
        )

        event = Event.objects.get()
        self.assertEqual((len(event.title), len(event.category), len(event.venue)), (200, 50, 200))
        notes = "\n".join(note.reason for note in report.notes)
        self.assertIn("title has 250 letters and was cut after 200", notes)
        self.assertIn("UID is too long and was shortened", notes)

    def test_control_characters(self) -> None:
        """Those that no database or reader wants are taken out."""
        import_events(vevent("a\0b", "20261020", SUMMARY="A\0 title\x1b", DESCRIPTION="x\\ny\x07"))

        event = Event.objects.get()
        self.assertEqual((event.uid, event.title, event.description), ("ab", "A title", "x\ny"))

    def test_alarm_without_end(self) -> None:
        """What an unfinished alarm swallows is told."""
        report = import_events(
            "BEGIN:VEVENT\nUID:a\nDTSTART:20261020\nSUMMARY:x\nBEGIN:VALARM\nURL:x\nEND:VEVENT"
        )

        self.assertEqual(Event.objects.get().title, "x")
        self.assertIn("line 4, UID a: END:VALARM is missing", told(report.notes))

    def test_terminal_escapes(self) -> None:
        """A report may be printed: nothing that it quotes reaches the terminal as an order."""
        report = import_events(vevent("a", "\x1b[2J"))

        self.assertIn("DTSTART", told(report.skipped))
        self.assertNotIn("\x1b", told(report.skipped))

    def test_unknown_zone(self) -> None:
        """A time in a zone that nobody knows is read in the calendar's own, with a note."""
        report = import_events(
            "BEGIN:VEVENT\nUID:a\nDTSTART;TZID=No/Where:20261020T200000\nEND:VEVENT"
        )

        self.assertEqual(Event.objects.get().local_start, amsterdam("2026-10-20T20:00"))
        self.assertIn("time zone “No/Where” is unknown", told(report.notes))

    def test_hostile_zone(self) -> None:
        """A zone whose clock changes every second is not learned, and hangs nothing."""
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
        """A zone that a file defines is forgotten with the file."""
        import_file("outlook.ics")

        report = import_events(
            'BEGIN:VEVENT\nUID:a\nDTSTART;TZID="Customized Time Zone":20261020T200000\n'
            "SUMMARY:Elsewhere\nEND:VEVENT"
        )

        self.assertIn("“Customized Time Zone” is unknown", told(report.notes))


@override_settings(TIME_ZONE="Europe/Amsterdam")
class UpdateTests(TestCase):
    """What a second import does."""

    weekly = {"RRULE": "FREQ=WEEKLY"}

    def test_again(self) -> None:
        """The same file changes nothing, and says so."""
        import_file("google.ics")
        before = list(Event.objects.values())

        report = import_file("google.ics")

        self.assertEqual((report.unchanged, report.created, report.updated), (7, 0, 0))
        self.assertEqual(list(Event.objects.values()), before)

    def test_changed(self) -> None:
        """An event is known by its UID: title, time and place may all be new."""
        import_events(vevent("a", "20261020T180000Z", SUMMARY="Old"))
        pk = Event.objects.get().pk

        report = import_events(
            vevent("a", "20261105T190000Z", SUMMARY="New", LOCATION="Cellar Nine")
        )

        event = Event.objects.get()
        self.assertEqual((event.pk, event.title, event.venue), (pk, "New", "Cellar Nine"))
        self.assertEqual((report.updated, report.created, report.removed), (1, 0, 0))

    def test_dates_that_are_gone(self) -> None:
        """Dates within the horizon that the series has no more are removed; the others stay."""
        import_events(vevent("a", "20261006T180000Z", **self.weekly), horizon_days=60)
        self.assertEqual(Event.objects.count(), 8)

        report = import_events(
            vevent("a", "20261006T180000Z", RRULE="FREQ=WEEKLY;COUNT=2"), horizon_days=30
        )

        days = [event.start.strftime("%m-%d") for event in Event.objects.all()]
        self.assertEqual(days, ["10-06", "10-13", "11-03", "11-10", "11-17", "11-24"])
        self.assertEqual(report.removed, 2)

    def test_past_dates_stay(self) -> None:
        """What has been is history: it is not removed when the series goes on without it."""
        import_events(vevent("a", "20261006T180000Z", **self.weekly), horizon_days=30)

        data = vcalendar(vevent("a", "20261020T180000Z", **self.weekly))
        import_calendar(data, today=date(2026, 10, 15), horizon_days=10)

        first = Event.objects.earliest("start")
        self.assertEqual(first.start.day, 6)

    def test_moved_date(self) -> None:
        """A date that was moved is the same event at another time."""
        series = vevent("a", "20261006T180000Z", **self.weekly)
        import_events(series)
        pk = Event.objects.get(start="2026-10-13T18:00Z").pk

        override = {"RECURRENCE-ID": "20261013T180000Z"}
        report = import_events(series, vevent("a", "20261014T190000Z", **override))

        self.assertEqual(Event.objects.get(pk=pk).start.day, 14)
        self.assertEqual((report.updated, report.created, report.removed), (1, 0, 0))

    def test_override_alone(self) -> None:
        """A file that holds but one changed date leaves the rest of the series in place."""
        import_events(vevent("a", "20261006T180000Z", **self.weekly))
        count = Event.objects.count()

        override = {"RECURRENCE-ID": "20261013T180000Z", "SUMMARY": "Special"}
        report = import_events(vevent("a", "20261013T180000Z", **override))

        self.assertEqual((report.updated, Event.objects.count()), (1, count))

    def test_cancelled(self) -> None:
        """A cancelled event is removed, however far away, and so is all of a cancellation."""
        for cancellation in ({"STATUS": "CANCELLED"}, {}):
            import_events(vevent("far", "20280101"), vevent("other", "20261020"))
            method = "" if cancellation else "METHOD:CANCEL"

            report = import_events(vevent("far", "20280101", **cancellation), properties=method)

            self.assertEqual(Event.objects.get().uid, "other")
            self.assertEqual(report.removed, 1)

    def test_private(self) -> None:
        """An event that is not for everybody is reported and not shown, nor shown any longer."""
        for privacy in ("PRIVATE", "confidential"):
            import_events(vevent("a", "20261020T180000Z"))

            report = import_events(vevent("a", "20261020T180000Z", CLASS=privacy))

            self.assertIn("not for everybody", str(next(iter(report.skipped))))
            self.assertFalse(Event.objects.exists())

    def test_cancelled_date_alone(self) -> None:
        """The cancellation of one date, sent alone, removes that date."""
        import_events(vevent("a", "20261006T180000Z", **self.weekly))

        cancelled = {"RECURRENCE-ID": "20261013T180000Z", "STATUS": "CANCELLED"}
        report = import_events(vevent("a", "20261013T180000Z", **cancelled))

        self.assertEqual(report.removed, 1)
        self.assertFalse(Event.objects.filter(start="2026-10-13T18:00Z").exists())

    def test_broken_update(self) -> None:
        """An event that can no longer be read stays as it was."""
        import_events(vevent("a", "20261020T180000Z", SUMMARY="As it was"))

        report = import_events(vevent("a", "never", SUMMARY="Broken"))

        self.assertEqual(Event.objects.get().title, "As it was")
        self.assertEqual((len(report.skipped), report.removed), (1, 0))

    def test_newer_revision(self) -> None:
        """Of two versions in one file the higher SEQUENCE counts, and the other is reported."""
        report = import_events(
            vevent("a", "20261020", SUMMARY="Newer", SEQUENCE="3"),
            vevent("a", "20261020", SUMMARY="Older", SEQUENCE="2"),
        )

        self.assertEqual(Event.objects.get().title, "Newer")
        self.assertIn("line 10", told(report.skipped))

    def test_this_and_future(self) -> None:
        """A change of all dates from one on gives each date a UID of its own."""
        import_events(
            vevent("a", "20261006T180000Z", RRULE="FREQ=WEEKLY;COUNT=4"),
            vevent(
                "a", "20261013T190000Z", **{"RECURRENCE-ID;RANGE=THISANDFUTURE": "20261013T180000Z"}
            ),
        )

        hours = [(event.start.day, event.start.hour) for event in Event.objects.all()]
        self.assertEqual(hours, [(6, 18), (13, 19), (20, 19), (27, 19)])

    def test_same_date_twice(self) -> None:
        """A date that stands there as an event of its own, too, is reported, and kept once."""
        report = import_events(
            vevent("a", "20261006T180000Z", RRULE="FREQ=WEEKLY;COUNT=2"),
            vevent("a/20261006T180000Z", "20261006T180000Z"),
        )

        self.assertEqual(Event.objects.count(), 2)
        self.assertIn("UID a/20261006T180000Z: it is there twice", told(report.skipped))

    def test_uid_like_a_date_of_another(self) -> None:
        """A series whose UID looks like a date of this one is none of its business."""
        import_events(vevent("a/20261006T180000Z", "20261006T180000Z", **self.weekly))
        count = Event.objects.count()

        report = import_events(vevent("a", "20261006T180000Z", RRULE="FREQ=WEEKLY;COUNT=1"))

        self.assertEqual((report.created, report.removed), (1, 0))
        self.assertEqual(Event.objects.count(), count + 1)

    def test_no_date_within_the_horizon(self) -> None:
        """A series that is over, or far off, is noted, so that nobody misses it silently."""
        report = import_events(vevent("a", "20200101", RRULE="FREQ=DAILY;COUNT=2"))

        self.assertEqual(Event.objects.count(), 0)
        self.assertIn("no date within the horizon", told(report.notes))

    def test_queries(self) -> None:
        """An import reads once, writes once and removes once: events come by the hundred."""
        daily = vevent("a", "20261001T180000Z", RRULE="FREQ=DAILY")
        import_events(daily, horizon_days=50)

        # SAVEPOINT, SELECT, INSERT ... ON CONFLICT, RELEASE
        with self.assertNumQueries(4):
            import_events(daily, *(vevent(f"b{n}", "20261020") for n in range(10)))
        # SAVEPOINT, SELECT, DELETE, RELEASE
        with self.assertNumQueries(4):
            import_events(vevent("a", "20261001T180000Z", RRULE="FREQ=DAILY;COUNT=1"))

    def test_queries_of_many(self) -> None:
        """A thousand events take a bounded number of queries, by the database's batches."""
        events = [vevent(f"many{number}", "20261020") for number in range(1000)]

        with CaptureQueriesContext(connection) as queries:
            import_events(*events)

        # SQLite takes 66 rows an INSERT by Django's bound on its parameters, others more.
        self.assertLessEqual(len(queries), 22)
        self.assertEqual(Event.objects.count(), 1000)


class AnyFileTests(HypothesisTestCase):
    """What is promised of every file whatever."""

    @given(
        start=st.datetimes(datetime(2026, 1, 1), datetime(2026, 10, 1)).map(by_day),
        zone=st.sampled_from(["Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe"]),
        frequency=st.sampled_from(["DAILY", "WEEKLY", "MONTHLY"]),
        interval=st.integers(1, 4),
    )
    def test_series(self, start: datetime, zone: str, frequency: str, interval: int) -> None:
        """A series is at the same hour by its own clock, on the days that its rule says."""
        rule = f"FREQ={frequency};INTERVAL={interval}"
        days = rrulestr(rule, dtstart=start).between(
            datetime(2026, 10, 3), datetime(2026, 12, 28), inc=True
        )

        import_events(
            f"BEGIN:VEVENT\nUID:a\nDTSTART;TZID={zone}:{start:%Y%m%dT%H%M%S}\n"
            f"RRULE:{rule}\nEND:VEVENT",
            horizon_days=92,
        )

        found = [event.local_start.replace(tzinfo=None) for event in Event.objects.all()]
        # The first and the last days hang on where midnight is; they are left out.
        inner = [day for day in found if datetime(2026, 10, 3) <= day < datetime(2026, 12, 28)]
        self.assertEqual(inner, days)

    @given(st.binary(max_size=300))
    def test_garbage(self, data: bytes) -> None:
        """No bytes raise; they are imported or reported."""
        report = import_calendar(data)

        self.assertTrue(report.skipped)

    @given(st.lists(st.sampled_from(LINES) | st.text(st.characters(codec="utf-8"))))
    def test_damage(self, lines: list[str]) -> None:
        """Whatever stands in an event, the ones before and after it come in."""
        before, after = (vevent(uid, "20261020T180000Z", SUMMARY=uid) for uid in ("b", "a"))
        inside = [" ".join(line.split()) for line in lines]
        kept = [line for line in inside if not line.upper().startswith(("BEGIN", "END"))]

        import_events(before, "\n".join(["BEGIN:VEVENT", *kept, "END:VEVENT"]), after)

        self.assertEqual(Event.objects.filter(uid__in=["b", "a"]).count(), 2)
