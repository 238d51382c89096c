"""The content lines of an .ics file, unfolded and decoded (RFC 5545, section 3.1)."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass

from calendarclub.events.ics.report import Report


@dataclass(frozen=True, slots=True)
class ContentLine:
    """A content line. `number` is the line of the file where it begins, from 1."""

    number: int
    text: str


def lines_of(data: bytes, report: Report) -> Iterator[ContentLine]:
    """Yield the content lines that are not blank, with any line ending."""
    other_encoding = []
    for number, raw in _unfolded(_utf8(data)):
        if not raw.strip():
            continue
        try:
            yield ContentLine(number, raw.decode())
        except UnicodeDecodeError:
            other_encoding.append(number)
            yield ContentLine(number, raw.decode("cp1252", errors="replace"))
    if other_encoding:
        count = len(other_encoding)
        where = f"line {other_encoding[0]}"
        report.note(where, f"not UTF-8 and read as Windows-1252 (such lines: {count})")


def _utf8(data: bytes) -> bytes:
    """Return the file as UTF-8 without a byte order mark. Some old exports are UTF-16."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace").encode()
    return data.removeprefix(codecs.BOM_UTF8)


def _unfolded(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Join folded lines as bytes, because a fold may split a character of several bytes."""
    begun, parts = 1, list[bytes]()
    for number, raw in enumerate(data.splitlines(), start=1):
        if raw[:1] in (b" ", b"\t"):
            parts.append(raw[1:])
            continue
        yield begun, b"".join(parts)
        begun, parts = number, [raw]
    yield begun, b"".join(parts)
