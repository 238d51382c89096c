"""Real calendars in: .ics files into the table of events.

`import_calendar` takes what any calendar program writes and reports, by line or UID, what it
could not take. `lines` and `blocks` cut the file up, `vevents` makes each piece a sound event,
`recurrence` expands it, `fields` makes it a row and `store` saves what has changed.
"""

from __future__ import annotations

from calendarclub.events.ics.importing import HORIZON_DAYS, import_calendar
from calendarclub.events.ics.report import Problem, Report

__all__ = ["HORIZON_DAYS", "Problem", "Report", "import_calendar"]
