"""The lines of an .ics file: unfolded, decoded, and each with the number an editor shows."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass

from calendarclub.events.ics.report import Report


@dataclass(frozen=True, slots=True)
class Line:
    """A content line; `number` is where it begins in the file, from 1."""

    number: int
    text: str


def lines_of(data: bytes, report: Report) -> Iterator[Line]:
    """Yield the content lines, blank ones left out, whatever ends them."""
    other_encoding = []
    for number, raw in _unfolded(_utf8(data)):
        if not raw.strip():
            continue
        try:
            yield Line(number, raw.decode())
        except UnicodeDecodeError:
            other_encoding.append(number)
            yield Line(number, raw.decode("cp1252", errors="replace"))
    if other_encoding:
        count = len(other_encoding)
        where = f"line {other_encoding[0]}"
        report.note(where, f"not UTF-8, read as Windows-1252 (lines like that: {count})")


def _utf8(data: bytes) -> bytes:
    """Return the file without its byte order mark, which says UTF-16 on some old exports."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace").encode()
    return data.removeprefix(codecs.BOM_UTF8)


def _unfolded(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Join what was folded, as bytes: a fold may cut a letter of several bytes in two."""
    begun, parts = 1, list[bytes]()
    for number, raw in enumerate(data.splitlines(), start=1):
        if raw[:1] in (b" ", b"\t"):
            parts.append(raw[1:])
            continue
        yield begun, b"".join(parts)
        begun, parts = number, [raw]
    yield begun, b"".join(parts)
