"""Events for other calendars: an .ics file, and a link to Google Calendar's form."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode

import icalendar
from django.utils import timezone

from calendarclub.events.models import Event
from calendarclub.events.web_address import is_web_address

PRODUCT = "-//Calendar Club//calendarclub//EN"
# LOCATION is one text, so the import could not tell where the city begins.
CITY_PROPERTY = "X-CALENDARCLUB-CITY"
GOOGLE_FORM = "https://calendar.google.com/calendar/render"
# Google answers longer addresses with "414 URI Too Long".
LONGEST_DETAILS = 1_000
# A carriage return would begin a new line in the file. No program shows the others.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def calendar_of(events: Iterable[Event]) -> bytes:
    """Return one .ics file with the events and their time zones."""
    chosen = list(events)
    calendar = icalendar.Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    for name in _only({event.timezone for event in chosen}):
        calendar.add("x-wr-timezone", name)
    for event in chosen:
        calendar.add_component(_vevent(event))
    _add_time_zones(calendar, chosen)
    return bytes(calendar.to_ical())


def google_calendar_url(event: Event) -> str:
    """Return the URL of Google's form for a new event, filled in with this event."""
    start, end = _span(event)
    form = "%Y%m%d" if event.all_day else "%Y%m%dT%H%M%SZ"
    dates = f"{_google_time(start, form)}/{_google_time(end, form)}"
    details = event.description[:LONGEST_DETAILS]
    query = {
        "action": "TEMPLATE",
        "text": event.title,
        "dates": dates,
        "details": f"{details}\n\n{event.url}".strip(),
        "location": location_of(event),
        "ctz": event.timezone,
    }
    return f"{GOOGLE_FORM}?{urlencode(query)}"


def location_of(event: Event) -> str:
    """Return venue and city as one text."""
    return ", ".join(filter(None, (event.venue, event.city)))


def _only(names: set[str]) -> set[str]:
    """Return the names if there is only one: a calendar has at most one zone of its own."""
    return names if len(names) == 1 else set()


def _vevent(event: Event) -> icalendar.Event:
    start, end = _span(event)
    vevent = icalendar.Event()
    vevent.add("uid", _plain(event.uid))
    vevent.add("dtstamp", timezone.now())
    vevent.add("dtstart", start)
    vevent.add("dtend", end)
    vevent.add("summary", _plain(event.title))
    texts = {
        "description": event.description,
        "location": location_of(event),
        "x-cost": "" if event.price is None else f"{event.price:.2f} {event.currency}",
    }
    for name, text in texts.items():
        if text:
            vevent.add(name, icalendar.vText(_plain(text)))
    if event.venue or event.city:
        # Even without a city, because the import would split a venue with a comma.
        vevent.add(CITY_PROPERTY, icalendar.vText(_plain(event.city)))
    if event.category:
        vevent.add("categories", [_plain(event.category)])
    # URLs are not escaped, so only a valid one is written.
    if is_web_address(event.url):
        vevent.add("url", event.url)
    return vevent


def _span(event: Event) -> tuple[date, date]:
    """Return start and end: dates for an all-day event, or else times in the event's own zone."""
    start, end = event.local_start, event.local_end
    if event.all_day:
        return start.date(), max(end.date(), start.date() + timedelta(days=1))
    return _written_time(start), _written_time(end)


def _written_time(local: datetime) -> datetime:
    """Return the time in UTC if it is in the hour that is repeated when summer time ends.

    A local time in an .ics file always means the first of the two hours.
    """
    return local.astimezone(UTC) if local.fold else local


def _google_time(moment: date, form: str) -> str:
    return (moment.astimezone(UTC) if isinstance(moment, datetime) else moment).strftime(form)


def _plain(text: str) -> str:
    return _CONTROLS.sub("", text.replace("\r\n", "\n"))


def _add_time_zones(calendar: icalendar.Calendar, events: list[Event]) -> None:
    """Add the rules of every zone, only for the years of the events, because they are long."""
    if not events:
        return
    first = min(event.local_start.date() for event in events)
    last = max(event.local_end.date() for event in events)
    calendar.add_missing_timezones(
        first_date=date(first.year - 1, 1, 1), last_date=date(last.year + 2, 1, 1)
    )
