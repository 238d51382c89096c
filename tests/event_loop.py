"""An event loop for code that leaves its loop to whoever calls it, as Runner.run_sync does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loop_of_this_thread() -> Iterator[None]:
    """Give this thread a loop, and close it at the end."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        loop.close()
