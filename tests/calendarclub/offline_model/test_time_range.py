"""What people say about time, and the range that is read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.test import SimpleTestCase

from calendarclub.offline_model.time_range import find, names_impossible_date, without_times

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
WEDNESDAY = datetime(2026, 11, 25, 15, 5, 30, tzinfo=AMSTERDAM)
SATURDAY = datetime(2026, 11, 28, 10, 0, tzinfo=AMSTERDAM)
SUNDAY = datetime(2026, 11, 29, 10, 0, tzinfo=AMSTERDAM)
HOUR = timedelta(hours=1)
SILVESTER = datetime(2026, 12, 31, 22, 0, tzinfo=AMSTERDAM)

# What is said on Wednesday 25 November 2026 at 15:05, and the range in local time.
SAID = {
    # days
    "today": "2026-11-25 15:05/2026-11-26 00:00",
    "tonight": "2026-11-25 17:00/2026-11-26 04:00",
    "this evening": "2026-11-25 17:00/2026-11-26 00:00",
    "this afternoon": "2026-11-25 15:05/2026-11-25 18:00",
    "tomorrow": "2026-11-26 00:00/2026-11-27 00:00",
    "tomorrow morning": "2026-11-26 06:00/2026-11-26 12:00",
    "tomorrow evening": "2026-11-26 17:00/2026-11-27 00:00",
    "Tomorrow in the afternoon!": "2026-11-26 12:00/2026-11-26 18:00",
    "the day after tomorrow": "2026-11-27 00:00/2026-11-28 00:00",
    "yesterday": "2026-11-24 00:00/2026-11-25 00:00",
    "good morning, what's on today?": "2026-11-25 15:05/2026-11-26 00:00",
    "right now": "2026-11-25 15:05/2026-11-25 18:05",
    # weeks
    "this weekend": "2026-11-28 00:00/2026-11-30 00:00",
    "at the weekend": "2026-11-28 00:00/2026-11-30 00:00",
    "and next weekend?": "2026-12-05 00:00/2026-12-07 00:00",
    "this week": "2026-11-25 15:05/2026-11-30 00:00",
    "next week": "2026-11-30 00:00/2026-12-07 00:00",
    "rest of the week": "2026-11-25 15:05/2026-11-30 00:00",
    "weekend of 12 december": "2026-12-12 00:00/2026-12-14 00:00",
    "first weekend of december": "2026-12-05 00:00/2026-12-07 00:00",
    "last weekend of december": "2026-12-26 00:00/2026-12-28 00:00",
    # weekdays
    "wednesday": "2026-11-25 15:05/2026-11-26 00:00",
    "friday": "2026-11-27 00:00/2026-11-28 00:00",
    "this friday": "2026-11-27 00:00/2026-11-28 00:00",
    "NEXT   FRIDAY": "2026-12-04 00:00/2026-12-05 00:00",
    "on saturday night": "2026-11-28 17:00/2026-11-29 04:00",
    "sat morning": "2026-11-28 06:00/2026-11-28 12:00",
    "friday next week": "2026-12-04 00:00/2026-12-05 00:00",
    "next week on friday": "2026-12-04 00:00/2026-12-05 00:00",
    "first friday in march": "2027-03-05 00:00/2027-03-06 00:00",
    "friday, 18 december": "2026-12-18 00:00/2026-12-19 00:00",
    # months and years
    "this month": "2026-11-25 15:05/2026-12-01 00:00",
    "next month": "2026-12-01 00:00/2027-01-01 00:00",
    "in november": "2026-11-25 15:05/2026-12-01 00:00",
    "in march": "2027-03-01 00:00/2027-04-01 00:00",
    "march": "2027-03-01 00:00/2027-04-01 00:00",
    "in may": "2027-05-01 00:00/2027-06-01 00:00",
    "december 2027": "2027-12-01 00:00/2028-01-01 00:00",
    "in 2027": "2027-01-01 00:00/2028-01-01 00:00",
    "next year": "2027-01-01 00:00/2028-01-01 00:00",
    # plain dates
    "2026-12-24": "2026-12-24 00:00/2026-12-25 00:00",
    "24 December": "2026-12-24 00:00/2026-12-25 00:00",
    "24th of december 2027": "2027-12-24 00:00/2027-12-25 00:00",
    "Dec 24": "2026-12-24 00:00/2026-12-25 00:00",
    "December 24th, 2026": "2026-12-24 00:00/2026-12-25 00:00",
    "24/12": "2026-12-24 00:00/2026-12-25 00:00",
    "12/24": "2026-12-24 00:00/2026-12-25 00:00",
    "24/12/27": "2027-12-24 00:00/2027-12-25 00:00",
    "24.12.2026 at 20.30": "2026-12-24 20:30/2026-12-24 22:30",
    "nov 25": "2026-11-25 15:05/2026-11-26 00:00",
    "24 november": "2027-11-24 00:00/2027-11-25 00:00",
    "29 feb": "2028-02-29 00:00/2028-03-01 00:00",
    "on the 5th": "2026-12-05 00:00/2026-12-06 00:00",
    "the 28th": "2026-11-28 00:00/2026-11-29 00:00",
    "the 31st": "2026-12-31 00:00/2027-01-01 00:00",
    "christmas": "2026-12-24 00:00/2026-12-27 00:00",
    "new year's eve": "2026-12-31 00:00/2027-01-01 00:00",
    # ranges
    "from 24 to 26 december": "2026-12-24 00:00/2026-12-27 00:00",
    "Dec 24–26": "2026-12-24 00:00/2026-12-27 00:00",  # noqa: RUF001
    "between friday and sunday": "2026-11-27 00:00/2026-11-30 00:00",
    "from friday to sunday": "2026-11-27 00:00/2026-11-30 00:00",
    "fri-sun": "2026-11-27 00:00/2026-11-30 00:00",
    "thursday, friday and saturday": "2026-11-26 00:00/2026-11-29 00:00",
    "from sunday to tuesday": "2026-11-29 00:00/2026-12-02 00:00",
    "from 24 dec until 2 jan": "2026-12-24 00:00/2027-01-03 00:00",
    "2026-12-01 to 2026-12-03": "2026-12-01 00:00/2026-12-04 00:00",
    "until friday": "2026-11-25 15:05/2026-11-28 00:00",
    "before christmas": "2026-11-25 15:05/2026-12-24 00:00",
    "after 24 december": "2026-12-25 00:00/2027-01-24 00:00",
    "in the next 10 days": "2026-11-25 15:05/2026-12-06 00:00",
    "the next two weeks": "2026-11-25 15:05/2026-12-10 00:00",
    "in the next 3 hours": "2026-11-25 15:05/2026-11-25 18:05",
    "in 3 days": "2026-11-28 00:00/2026-11-29 00:00",
    "in 2 hours": "2026-11-25 17:05/2026-11-25 19:05",
    "in two weeks": "2026-12-07 00:00/2026-12-14 00:00",
    "in 2 months": "2027-01-01 00:00/2027-02-01 00:00",
    "the next 2 months": "2026-11-25 15:05/2027-01-26 00:00",
    "the coming week": "2026-11-25 15:05/2026-12-03 00:00",
    "from friday": "2026-11-27 00:00/2026-12-28 00:00",
    "from next week": "2026-11-30 00:00/2026-12-07 00:00",
    "soon": "2026-11-25 15:05/2026-12-09 00:00",
    # hours
    "friday after 8pm": "2026-11-27 20:00/2026-11-28 00:00",
    "friday before 18:00": "2026-11-27 00:00/2026-11-27 18:00",
    "tomorrow 7-9 pm": "2026-11-26 19:00/2026-11-26 21:00",
    "tomorrow at 25:00": "2026-11-26 00:00/2026-11-27 00:00",
    "tomorrow between 22:00 and 2:00": "2026-11-26 22:00/2026-11-27 02:00",
}

NO_TIME = [
    "", "jazz", "hello", "under 20 euro", "the second one", "number 3", "2 tickets for 3 people",
    "24/7", "may I ask something", "we march on", "jazz in the sun", "we sat down",
    "more about the 2nd", "similar to the 2nd", "tell me more on the 2nd one", "12.50",
    "the 25th anniversary", "9999-12-31", "in the next 100000 days", "🎉🎉🎉", "\u202eyadirf",
]  # fmt: skip

IMPOSSIBLE = [
    "31 february", "february 30", "31/02", "30/2/2027", "2026-02-30", "31 november",
    "29 feb 2027", "45 december", "2026-12-24 to 2026-12-20", "friday 19 december",
    "from 30 to 32 december", "from friday to 31 february", "weekend of 31 february",
]  # fmt: skip


def local(moment: datetime) -> str:
    return moment.astimezone(AMSTERDAM).strftime("%Y-%m-%d %H:%M")


class FindTests(SimpleTestCase):
    def assert_read(self, text: str, now: datetime, expected: str) -> None:
        found = find(text, now)
        self.assertIsNotNone(found, text)
        assert found is not None
        self.assertEqual(f"{local(found.start)}/{local(found.end)}", expected)

    def test_what_people_say(self) -> None:
        """Each way of naming a time gives its range, whatever the case and the spaces."""
        for text, expected in SAID.items():
            with self.subTest(text):
                self.assert_read(text, WEDNESDAY, expected)

    def test_at_the_weekend(self) -> None:
        """On its own days "this weekend" is what is left of it, and "next" the one after."""
        cases = [
            ("this weekend", SATURDAY, "2026-11-28 10:00/2026-11-30 00:00"),
            ("this weekend", SUNDAY, "2026-11-29 10:00/2026-11-30 00:00"),
            ("next weekend", SUNDAY, "2026-12-05 00:00/2026-12-07 00:00"),
            ("next friday", SUNDAY, "2026-12-04 00:00/2026-12-05 00:00"),
            ("saturday and sunday", SUNDAY, "2026-12-05 00:00/2026-12-07 00:00"),
            ("from friday to sunday", SATURDAY, "2026-12-04 00:00/2026-12-07 00:00"),
        ]

        for text, now, expected in cases:
            with self.subTest(text, now=now):
                self.assert_read(text, now, expected)

    def test_at_the_end_of_the_year(self) -> None:
        """What is said on 31 December reaches into the next year."""
        cases = {
            "tomorrow": "2027-01-01 00:00/2027-01-02 00:00",
            "tonight": "2026-12-31 22:00/2027-01-01 04:00",
            "next week": "2027-01-04 00:00/2027-01-11 00:00",
            "next month": "2027-01-01 00:00/2027-02-01 00:00",
            "1 january": "2027-01-01 00:00/2027-01-02 00:00",
            "in december": "2026-12-31 22:00/2027-01-01 00:00",
            "next year": "2027-01-01 00:00/2028-01-01 00:00",
        }

        for text, expected in cases.items():
            with self.subTest(text):
                self.assert_read(text, SILVESTER, expected)

    def test_when_clocks_are_turned(self) -> None:
        """A day has 23 or 25 hours when clocks are turned, and begins at its own midnight."""
        spring = datetime(2027, 3, 27, 12, 0, tzinfo=AMSTERDAM)
        autumn = datetime(2026, 10, 24, 12, 0, tzinfo=AMSTERDAM)

        short, long = find("tomorrow", spring), find("tomorrow", autumn)
        hours = find("in the next 3 hours", datetime(2026, 10, 25, 1, 0, tzinfo=AMSTERDAM))

        assert short
        assert long
        assert hours
        self.assertEqual(short.end.astimezone(UTC) - short.start.astimezone(UTC), 23 * HOUR)
        self.assertEqual(long.end.astimezone(UTC) - long.start.astimezone(UTC), 25 * HOUR)
        self.assertEqual(hours.end.astimezone(UTC) - hours.start.astimezone(UTC), 3 * HOUR)
        self.assertEqual(local(short.start), "2027-03-28 00:00")

    def test_zone_is_that_of_now(self) -> None:
        """The range is in the zone of the moment that is given."""
        tokyo = ZoneInfo("Asia/Tokyo")

        found = find("tomorrow", datetime(2026, 11, 25, 15, 5, tzinfo=tokyo))

        assert found is not None
        self.assertEqual(found.start, datetime(2026, 11, 26, tzinfo=tokyo))

    def test_no_time(self) -> None:
        """Numbers and words that name no time are not made into one."""
        for text in NO_TIME:
            with self.subTest(text):
                self.assertIsNone(find(text, WEDNESDAY))
                self.assertFalse(names_impossible_date(text, WEDNESDAY))

    def test_impossible_dates(self) -> None:
        """A date that no calendar has is none, and is told from no date at all."""
        for text in IMPOSSIBLE:
            with self.subTest(text):
                self.assertIsNone(find(text, WEDNESDAY))
                self.assertTrue(names_impossible_date(text, WEDNESDAY))

    def test_rest(self) -> None:
        """The words that name the time are cut out, the others left."""
        cases = {
            "jazz on saturday night": "jazz on",
            "tomorrow between 18:00 and 22:00 comedy": "comedy",
            "free concerts in march": "free concerts",
            "this weekend": "",
            "comedy on 31 february": "comedy on",
        }

        for text, rest in cases.items():
            with self.subTest(text):
                self.assertEqual(without_times(text), rest)

    def test_very_long_text(self) -> None:
        """A text of any length is read at once, and not to its end."""
        for text in ["friday " * 1500, "1 " * 5000, "24/" * 4000, "in a few " * 1200]:
            with self.subTest(text[:10]):
                found = find(text, WEDNESDAY)

                self.assertEqual(found is not None, text.startswith("friday"))
