"""The lookups that the list takes from an address: those of its filters, and no others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.admin import ListFilter
from django.contrib.admin.widgets import url_params_from_lookup_dict
from django.db.models import Model
from django.db.models.constants import LOOKUP_SEP

# The lookups of Django's own field filters and of its date hierarchy.
ENDINGS = frozenset(
    ["", "exact", "in", "isnull", "isempty", "gt", "gte", "lt", "lte", "year", "month", "day"]
)


def is_offered(lookup: str, filters: Iterable[Any]) -> bool:
    """Tell whether one of the `list_filter` entries uses a lookup.

    An entry is a field, a pair of a field and a filter class, or a filter class. A project's own
    class for a field may use any lookup of that field. A class with several parameters in the
    address lists them as `parameter_names`.
    """
    return any(_uses(entry, lookup) for entry in filters)


def is_of_a_popup(model: type[Model], lookup: str, value: str) -> bool:
    """Tell whether a foreign key to the model limits its choices by this lookup and value.

    The form of that key opens the list in a popup, with the limits in the address.
    """
    for choices in model._meta.related_fkey_lookups:
        limits = choices() if callable(choices) else choices
        if (lookup, value) in url_params_from_lookup_dict(limits).items():
            return True
    return False


def _uses(entry: Any, lookup: str) -> bool:
    if isinstance(entry, type) and issubclass(entry, ListFilter):
        # Django's SimpleListFilter has one parameter; a filter with several lists them.
        one = getattr(entry, "parameter_name", None)
        return lookup == one or lookup in getattr(entry, "parameter_names", ())
    field, kind = entry if isinstance(entry, (list, tuple)) else (entry, None)
    path = str(getattr(field, "name", field))
    if lookup != path and not lookup.startswith(f"{path}{LOOKUP_SEP}"):
        return False
    is_of_project = kind is not None and not kind.__module__.startswith("django.")
    # A filter by a relation names the key of the related row: "user__id__exact".
    *between, ending = lookup.removeprefix(path).removeprefix(LOOKUP_SEP).split(LOOKUP_SEP)
    is_of_django = ending in ENDINGS and len(between) <= 1 and not ENDINGS.intersection(between)
    return is_of_project or is_of_django
