"""The report of an import: counts, and problems with the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

LONGEST = 400
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class EventRefusedError(Exception):
    """An event cannot be imported. The message is the reason for the report."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem and its place in the file."""

    where: str
    reason: str

    def __str__(self) -> str:
        # Both quote the file, which may contain control sequences for a terminal.
        return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", f"{self.where}: {self.reason}")[:LONGEST]


@dataclass(slots=True)
class Report:
    """Counts of events, and problems.

    Events in `skipped` were not imported, those in `notes` were imported with changes. Both are
    dicts used as ordered sets, so that a problem of fifty dates is reported once.
    """

    created: int = 0
    updated: int = 0
    removed: int = 0
    unchanged: int = 0
    skipped: dict[Problem, None] = field(default_factory=dict)
    notes: dict[Problem, None] = field(default_factory=dict)

    def skip(self, where: str, reason: str) -> None:
        """Report an event that is not imported."""
        self.skipped[Problem(where, reason)] = None

    def note(self, where: str, reason: str) -> None:
        """Report a change to an event that is imported."""
        self.notes[Problem(where, reason)] = None

    @contextmanager
    def skipping(self, where: str) -> Iterator[None]:
        """Report an exception of the block as a skipped event."""
        try:
            yield
        except EventRefusedError as refusal:
            self.skip(where, str(refusal))
        # Any error, because the file may contain anything and the three libraries that read it do
        # not document their exceptions. The error is in the report.
        except Exception as error:
            self.skip(where, f"it cannot be read ({type(error).__name__}: {error})")

    def __str__(self) -> str:
        return (
            f"{self.created} created, {self.updated} updated, {self.removed} removed, "
            f"{self.unchanged} unchanged, {len(self.skipped)} skipped"
        )
