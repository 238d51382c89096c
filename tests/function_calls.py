"""The number of function calls of an operation: unlike its time, it is the same in every run."""

from __future__ import annotations

import cProfile
import pstats
from collections.abc import Callable
from typing import Any


def function_calls(operation: Callable[[], Any]) -> int:
    """Run `operation` and return the number of calls of Python functions and built-ins."""
    profile = cProfile.Profile()
    profile.runcall(operation)
    calls: int = pstats.Stats(profile).total_calls  # type: ignore[attr-defined]  # not in typeshed
    return calls
