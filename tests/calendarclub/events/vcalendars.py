"""Small .ics files."""

from __future__ import annotations


def vevent(uid: str, start: str, /, **properties: str) -> str:
    """Return a VEVENT, with a title unless `properties` have one."""
    lines = {"SUMMARY": "Something"} | properties
    written = [f"{name}:{value}" for name, value in lines.items()]
    return "\n".join(["BEGIN:VEVENT", f"UID:{uid}", f"DTSTART:{start}", *written, "END:VEVENT"])


def vcalendar(*components: str, properties: str = "") -> bytes:
    """Return a file. Its first component begins in line 4, or in line 5 after `properties`."""
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tests//EN", *filter(None, [properties])]
    text = "\n".join([*head, *components, "END:VCALENDAR", ""])
    return text.replace("\n", "\r\n").encode()
