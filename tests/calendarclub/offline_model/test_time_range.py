"""The times that messages name, and their ranges."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.test import SimpleTestCase

from calendarclub.offline_model.time_range import find, without_time

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
WEDNESDAY = datetime(2026, 11, 25, 15, 5, 30, tzinfo=AMSTERDAM)
SUNDAY = datetime(2026, 11, 29, 10, 0, tzinfo=AMSTERDAM)
NEW_YEARS_EVE = datetime(2026, 12, 31, 22, 0, tzinfo=AMSTERDAM)

# Said on Wednesday 25 November 2026 at 15:05; the range is in local time.
SAID = {
    "today": "2026-11-25 15:05/2026-11-26 00:00",
    "tonight": "2026-11-25 17:00/2026-11-26 04:00",
    "this afternoon": "2026-11-25 15:05/2026-11-25 18:00",
    "tomorrow": "2026-11-26 00:00/2026-11-27 00:00",
    "tomorrow morning": "2026-11-26 06:00/2026-11-26 12:00",
    "good morning, what's on today?": "2026-11-25 15:05/2026-11-26 00:00",
    "This   WEEKEND": "2026-11-28 00:00/2026-11-30 00:00",
    "at the weekend": "2026-11-28 00:00/2026-11-30 00:00",
    "and next weekend?": "2026-12-05 00:00/2026-12-07 00:00",
    "this week": "2026-11-25 15:05/2026-11-30 00:00",
    "next week": "2026-11-30 00:00/2026-12-07 00:00",
    "wednesday": "2026-11-25 15:05/2026-11-26 00:00",
    "friday evening": "2026-11-27 17:00/2026-11-28 00:00",
    "on saturday night": "2026-11-28 17:00/2026-11-29 04:00",
    "next friday": "2026-12-04 00:00/2026-12-05 00:00",
    "this month": "2026-11-25 15:05/2026-12-01 00:00",
    "and next month?": "2026-12-01 00:00/2027-01-01 00:00",
    "in december": "2026-12-01 00:00/2027-01-01 00:00",
    "in march": "2027-03-01 00:00/2027-04-01 00:00",
    "in may 2028": "2028-05-01 00:00/2028-06-01 00:00",
    "2026-12-24": "2026-12-24 00:00/2026-12-25 00:00",
    "24 December": "2026-12-24 00:00/2026-12-25 00:00",
    "24th of december 2027": "2027-12-24 00:00/2027-12-25 00:00",
    "december 24th": "2026-12-24 00:00/2026-12-25 00:00",
    "24 november": "2027-11-24 00:00/2027-11-25 00:00",
    "In the next 7 days, please": "2026-11-25 15:05/2026-12-03 00:00",
}

NOT_FOUND = [
    "", "jazz", "may I ask something", "we march on", "number 3", "31 february", "2026-02-30",
    "from friday to sunday", "in the next 100000 days", "🎉🎉🎉",
]  # fmt: skip


def local(moment: datetime) -> str:
    return moment.astimezone(AMSTERDAM).strftime("%Y-%m-%d %H:%M")


class FindTests(SimpleTestCase):
    def assert_range(self, text: str, now: datetime, expected: str) -> None:
        found = find(text, now)
        assert found is not None, text
        self.assertEqual(f"{local(found.start)}/{local(found.end)}", expected)

    def test_times(self) -> None:
        """A time is read whatever the case and the spaces."""
        for text, expected in SAID.items():
            with self.subTest(text):
                self.assert_range(text, WEDNESDAY, expected)

    def test_at_the_weekend(self) -> None:
        """On a Sunday "this weekend" is the rest of it, and "next weekend" the one after."""
        self.assert_range("this weekend", SUNDAY, "2026-11-29 10:00/2026-11-30 00:00")
        self.assert_range("next weekend", SUNDAY, "2026-12-05 00:00/2026-12-07 00:00")

    def test_at_the_end_of_the_year(self) -> None:
        """On 31 December times reach into the next year."""
        cases = {
            "tomorrow": "2027-01-01 00:00/2027-01-02 00:00",
            "next month": "2027-01-01 00:00/2027-02-01 00:00",
            "1 january": "2027-01-01 00:00/2027-01-02 00:00",
            "in december": "2026-12-31 22:00/2027-01-01 00:00",
        }

        for text, expected in cases.items():
            with self.subTest(text):
                self.assert_range(text, NEW_YEARS_EVE, expected)

    def test_day_on_which_clocks_change(self) -> None:
        """A day begins and ends at midnight, however many hours it has."""
        found = find("tomorrow", datetime(2027, 3, 27, 12, 0, tzinfo=AMSTERDAM))

        assert found is not None
        length = found.end.astimezone(UTC) - found.start.astimezone(UTC)
        self.assertEqual(length, timedelta(hours=23))

    def test_not_found(self) -> None:
        """A text without a time, with an impossible date or with two times has no range."""
        for text in NOT_FOUND:
            with self.subTest(text):
                self.assertIsNone(find(text, WEDNESDAY))

    def test_without_time(self) -> None:
        """The words that name the time are removed."""
        cases = {
            "jazz on saturday night": "jazz on",
            "free concerts in march": "free concerts",
            "this weekend": "",
            "comedy on 31 february": "comedy on",
        }

        for text, rest in cases.items():
            with self.subTest(text):
                self.assertEqual(without_time(text), rest)
