"""The SDK's items: as text, as columns, in pairs. Imports no models."""

from typing import Any, TypeAlias

Item: TypeAlias = Any
"""Whatever JSON holds. (`agents.TResponseInputItem`, which takes seconds to import)"""
