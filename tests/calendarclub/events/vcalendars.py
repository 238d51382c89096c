"""Small .ics files, written in a line."""

from __future__ import annotations


def vevent(uid: str, start: str, /, **properties: str) -> str:
    """Write a VEVENT; a title is given to one that has none."""
    lines = {"SUMMARY": "Something"} | properties
    written = [f"{name}:{value}" for name, value in lines.items()]
    return "\n".join(["BEGIN:VEVENT", f"UID:{uid}", f"DTSTART:{start}", *written, "END:VEVENT"])


def vcalendar(*components: str, properties: str = "") -> bytes:
    """Write a file of the components, the first of which begins in line 4, or 5 with properties."""
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tests//EN", *filter(None, [properties])]
    text = "\n".join([*head, *components, "END:VCALENDAR", ""])
    return text.replace("\n", "\r\n").encode()
