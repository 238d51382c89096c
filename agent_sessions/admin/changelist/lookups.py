"""Which lookups an address may ask for: those that the filters use, and no others. (pure)"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.admin import ListFilter
from django.contrib.admin.widgets import url_params_from_lookup_dict
from django.db.models import Model
from django.db.models.constants import LOOKUP_SEP

# What Django's own filters of fields, and its date hierarchy, ask for.
ENDINGS = frozenset(
    ["", "exact", "in", "isnull", "isempty", "gt", "gte", "lt", "lte", "year", "month", "day"]
)


def is_offered(lookup: str, filters: Iterable[Any]) -> bool:
    """Tell whether one of a list's filters uses a lookup.

    A filter is named by its field, by a pair of its field and its class, or is a class itself. One
    that is a class of the project's for a field may use any lookup of that field. A class that has
    several names in the address lists them as `parameter_names`.
    """
    return any(_uses(entry, lookup) for entry in filters)


def is_of_a_popup(model: type[Model], lookup: str, value: str) -> bool:
    """Tell whether a form that chooses a session in a popup asks for no more than it may choose."""
    for choices in model._meta.related_fkey_lookups:
        limits = choices() if callable(choices) else choices
        if (lookup, value) in url_params_from_lookup_dict(limits).items():
            return True
    return False


def _uses(entry: Any, lookup: str) -> bool:
    if isinstance(entry, type) and issubclass(entry, ListFilter):
        # Django's SimpleListFilter has one name in the address; a filter of several lists them.
        one = getattr(entry, "parameter_name", None)
        return lookup == one or lookup in getattr(entry, "parameter_names", ())
    field, kind = entry if isinstance(entry, (list, tuple)) else (entry, None)
    path = str(getattr(field, "name", field))
    if lookup != path and not lookup.startswith(f"{path}{LOOKUP_SEP}"):
        return False
    is_of_project = kind is not None and not kind.__module__.startswith("django.")
    # A filter by a relation names the key of what is related: "user__id__exact".
    *between, ending = lookup.removeprefix(path).removeprefix(LOOKUP_SEP).split(LOOKUP_SEP)
    is_of_django = ending in ENDINGS and len(between) <= 1 and not ENDINGS.intersection(between)
    return is_of_project or is_of_django
