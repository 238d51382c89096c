"""Addresses that may become a link."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator

validate_web_address = URLValidator(schemes=["http", "https"])


def is_web_address(url: str) -> bool:
    """Tell whether `url` is a complete http(s) address, without scripts and line breaks."""
    try:
        validate_web_address(url)
    except ValidationError:
        return False
    return True
