"""Time zones by their IANA names, with the project's own where a name says nothing."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _


def project_zone_name() -> str:
    """Return the TIME_ZONE of the settings."""
    return str(settings.TIME_ZONE)


def zone_named(name: str) -> ZoneInfo | None:
    """Return the zone of an IANA name, or None where this machine has no such zone."""
    try:
        return ZoneInfo(name)
    # A name is a path below the zone files: a directory or a path that leads out of them
    # raises OSError or ValueError.
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def zone_or_project_zone(name: str) -> ZoneInfo:
    """Return the zone of an IANA name, or the project's where this machine has no such zone."""
    return zone_named(name) or ZoneInfo(project_zone_name())


def validate_zone_name(name: str) -> None:
    """Raise ValidationError unless `name` is the IANA name of a time zone."""
    if zone_named(name) is None:
        message = _("“%(name)s” is no time zone; write one like “Europe/Amsterdam”.")
        raise ValidationError(message, params={"name": name})
