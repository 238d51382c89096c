"""What an import did, and everything that it could not take as it stood."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

LONGEST = 400
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class EventRefusedError(Exception):
    """An event cannot be imported; the message is the sentence for the report."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with the file, and where."""

    where: str
    reason: str

    def __str__(self) -> str:
        # Both quote the file, and a terminal obeys some of what a stranger can write there.
        return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", f"{self.where}: {self.reason}")[:LONGEST]


@dataclass(slots=True)
class Report:
    """Counts of rows, and problems: `skipped` is missing in the table, `notes` is there, changed.

    Both are dicts used as ordered sets, so that a series of fifty dates complains once.
    """

    created: int = 0
    updated: int = 0
    removed: int = 0
    unchanged: int = 0
    skipped: dict[Problem, None] = field(default_factory=dict)
    notes: dict[Problem, None] = field(default_factory=dict)

    def skip(self, where: str, reason: str) -> None:
        """Record that something is not imported."""
        self.skipped[Problem(where, reason)] = None

    def note(self, where: str, reason: str) -> None:
        """Record that something is imported otherwise than it stands there."""
        self.notes[Problem(where, reason)] = None

    @contextmanager
    def skipping(self, where: str) -> Iterator[None]:
        """Turn an error of the block into a skipped event, so that the others come in."""
        try:
            yield
        except EventRefusedError as refusal:
            self.skip(where, str(refusal))
        # Any error at all: the text is a stranger's, three libraries read it, and what they
        # raise on nonsense is not in their promises. The report carries it on.
        except Exception as error:
            self.skip(where, f"it cannot be read ({type(error).__name__}: {error})")

    def __str__(self) -> str:
        return (
            f"{self.created} created, {self.updated} updated, {self.removed} removed, "
            f"{self.unchanged} unchanged, {len(self.skipped)} skipped"
        )
