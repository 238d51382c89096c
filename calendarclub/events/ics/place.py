"""Venue and city from a LOCATION, which is one text."""

from __future__ import annotations

import re

# "1017 SG Amsterdam", "10115 Berlin", "B-1000 Brussels": the postal code comes first.
_CODE_FIRST = re.compile(r"(?:[A-Z]{1,2}-)?\d{4,5}(?:\s?[A-Z]{2})?\s+(?P<city>[^\d]+)")
# "London SW1A 1AA", "Portland OR 97205": it comes last.
_CODE_LAST = re.compile(r"(?P<city>[^\d]+?)\s+(?:[A-Z]{1,2}\d[A-Z\d]?\s\d[A-Z]{2}|[A-Z]{2}\s\d{5})")
# "OR 97205" alone: the city comes before it.
_STATE = re.compile(r"[A-Z]{2}\s+\d{5}(?:-\d{4})?")
_COUNTRIES = {
    "austria", "belgië", "belgique", "belgium", "canada", "czechia", "denmark", "deutschland",
    "england", "españa", "france", "germany", "ireland", "italia", "italy", "luxembourg",
    "nederland", "netherlands", "norway", "poland", "portugal", "schweiz", "scotland", "spain",
    "sweden", "switzerland", "the netherlands", "uk", "united kingdom", "united states",
    "united states of america", "usa", "wales", "österreich",
}  # fmt: skip


def venue_and_city(location: str) -> tuple[str, str]:
    """Return the venue with its street, and the city or "".

    Text after the city, usually the country, is left out.
    """
    parts = [part.strip() for part in re.split(r"[,\n]", location) if part.strip()]
    for index, part in enumerate(parts[1:], start=1):
        if _STATE.fullmatch(part) and index > 1:
            return ", ".join(parts[: index - 1]), parts[index - 1]
        found = _CODE_FIRST.fullmatch(part) or _CODE_LAST.fullmatch(part)
        if found:
            return ", ".join(parts[:index]), found["city"].strip()
    return _without_postal_code(parts)


def _without_postal_code(parts: list[str]) -> tuple[str, str]:
    """Read the last part as the city, unless it is a country or a street with a number."""
    while len(parts) > 1 and parts[-1].lower() in _COUNTRIES:
        parts = parts[:-1]
    if len(parts) > 1 and not re.search(r"\d", parts[-1]):
        return ", ".join(parts[:-1]), parts[-1]
    return ", ".join(parts), ""
