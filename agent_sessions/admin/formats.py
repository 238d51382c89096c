"""Numbers as the list of sessions and the usage page write them."""

from __future__ import annotations

from decimal import Decimal

from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.translation import gettext as _

from agent_sessions.conf import conf
from agent_sessions.usage.money import shown

NO_VALUE = "\N{EN DASH}"
"""Fills a cell that has no value."""

AT_LEAST = "≥"
"""Marks a sum that leaves out steps whose tokens or cost are unknown."""


def number(value: int | Decimal) -> str:
    """Write a number in the active language, with separators of thousands."""
    return number_format(value, force_grouping=True)


def money(amount: Decimal) -> str:
    """Write an amount with the currency of the settings."""
    return shown(amount, conf.currency)


def at_least(text: str, *, is_complete: bool) -> str:
    """Mark a sum that is not complete, as plain text."""
    return text if is_complete else f"{AT_LEAST} {text}"


def at_least_html(text: str, *, is_complete: bool, reason: str) -> str:
    """Mark a sum that is not complete: its tooltip gives the reason, a screen reader "at least"."""
    if is_complete:
        return text
    return format_html(
        '<span title="{}"><span aria-hidden="true">{} </span>'
        '<span class="visually-hidden">{} </span>{}</span>',
        reason,
        AT_LEAST,
        _("at least"),
        text,
    )
