"""Filters that are forms, because their values are typed and not chosen from links."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.contrib.admin.views.main import ChangeList


def hidden_fields(changelist: ChangeList, *, own: Collection[str]) -> list[tuple[str, str]]:
    """Return the parameters of all other filters, which the form of a filter has to send too."""
    return [
        (name, value)
        for name, values in changelist.filter_params.items()
        for value in values
        if name not in own
    ]
