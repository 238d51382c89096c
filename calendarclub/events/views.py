"""Downloads of events as .ics files, and links to Google Calendar. They need no login."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import aget_object_or_404
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from calendarclub.events.export import calendar_of, google_calendar_url
from calendarclub.events.models import Event

MOST_EVENTS = 100
# Every id of this length fits into the database's 64 bits.
LONGEST_ID = 18


@require_safe
async def ics_one(request: HttpRequest, pk: int) -> HttpResponse:
    """Return the .ics file of one event."""
    event = await aget_object_or_404(Event, pk=pk)
    return _file([event], name=slugify(event.title)[:50] or f"event-{pk}")


@require_safe
async def ics(request: HttpRequest) -> HttpResponse:
    """Return one .ics file with the events of ?id=1&id=2."""
    try:
        ids = _ids(request.GET.getlist("id"))
    except ValueError as error:
        return HttpResponse(str(error), status=400, content_type="text/plain; charset=utf-8")
    events = [event async for event in Event.objects.filter(pk__in=ids)]
    if len(events) < len(ids):
        raise Http404("An event with one of these ids does not exist.")
    return _file(events, name="events")


@require_safe
async def google(request: HttpRequest, pk: int) -> HttpResponse:
    """Redirect to Google's form for a new event, filled in with this event."""
    return HttpResponseRedirect(google_calendar_url(await aget_object_or_404(Event, pk=pk)))


def _ids(texts: list[str]) -> set[int]:
    """Return the ids; raise ValueError with a sentence for the visitor if one is wrong."""
    if not texts:
        raise ValueError("Name the events like this: ?id=1&id=2.")
    if len(texts) > MOST_EVENTS:
        raise ValueError(f"Request at most {MOST_EVENTS} events at a time.")
    if not all(text.isascii() and text.isdigit() for text in texts):
        raise ValueError("Each id has to be a whole number, like this: ?id=1&id=2.")
    if any(len(text) > LONGEST_ID for text in texts):
        raise ValueError(f"An id has at most {LONGEST_ID} digits.")
    return {int(text) for text in texts}


def _file(events: Iterable[Event], *, name: str) -> HttpResponse:
    disposition = {"Content-Disposition": f'attachment; filename="{name}.ics"'}
    return HttpResponse(
        calendar_of(events), content_type="text/calendar; charset=utf-8", headers=disposition
    )
