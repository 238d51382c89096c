"""The import of .ics files of any calendar program.

`import_calendar` reports by line or UID what it could not import. `lines` and `blocks` split the
file, `vevents` checks each event, `recurrence` and `series` expand it, `clock` and `fields` make it
a row, and `store` saves the changes.
"""

from __future__ import annotations

from calendarclub.events.ics.importing import HORIZON_DAYS, import_calendar
from calendarclub.events.ics.report import Problem, Report

__all__ = ["HORIZON_DAYS", "Problem", "Report", "import_calendar"]
