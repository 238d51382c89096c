"""An event loop for code that needs its caller to set one, such as Runner.run_sync."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loop_of_this_thread() -> Iterator[None]:
    """Set an event loop for this thread, and close it at the end."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        loop.close()
