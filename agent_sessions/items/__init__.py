"""The SDK's items: as text, as columns, in pairs. Imports no models."""

from typing import Any, TypeAlias

Item: TypeAlias = Any
"""Any JSON value. The SDK's type is `agents.TResponseInputItem`, which takes seconds to import."""
