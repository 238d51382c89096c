"""Time zones by their IANA names."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _


def project_zone_name() -> str:
    """Return the TIME_ZONE of the settings."""
    return str(settings.TIME_ZONE)


def zone_named(name: str) -> ZoneInfo | None:
    """Return the zone of an IANA name, or None if this machine does not know it."""
    try:
        return ZoneInfo(name)
    # The name is used as a path of a zone file. A directory, or a path outside the folder of the
    # zone files, raises OSError or ValueError.
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def zone_or_project_zone(name: str) -> ZoneInfo:
    """Return the zone of an IANA name, or the project's zone if this machine does not know it."""
    return zone_named(name) or ZoneInfo(project_zone_name())


def validate_zone_name(name: str) -> None:
    """Raise ValidationError unless `name` is the IANA name of a time zone."""
    if zone_named(name) is None:
        message = _("“%(name)s” is not a time zone. Enter one like “Europe/Amsterdam”.")
        raise ValidationError(message, params={"name": name})
