"""The sessions that a run knows, so that it does not bring back one that was deleted meanwhile.

A run knows a session once it has read or stored items of it; a resumed run begins without such
knowledge. From then on its batches are stored only if the session still exists. There are three
exceptions: the input with which a run begins, unless it comes from an outer agent, because the user
has just written in this session; a run that has cleared the session itself; and code outside a run.

The registries are not those of recording.py, because models import this module, but not the SDK.
"""

from __future__ import annotations

import threading
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary, WeakValueDictionary

Key: TypeAlias = tuple[str, str]  # the alias of a database, and the id of a session in it


@dataclass
class KnownSessions:
    """The sessions known to the runs that share one usage counter of the SDK.

    An agent used as a tool is a separate run on the counter of the run around it, and must not
    bring back a session that the outer run knows.
    """

    counter: Any  # a reference, so that its id() is not reused
    keys: set[Key] = field(default_factory=set)


@dataclass
class RunMemory:
    """One run and the sessions that it knows."""

    known: KnownSessions
    is_nested: bool  # on the counter of another run

    def knows(self, key: Key) -> bool:
        return key in self.known.keys

    def learn(self, key: Key) -> None:
        self.known.keys.add(key)


# Each lasts as long as the SDK keeps the context of a run. The SDK's Usage cannot be hashed.
_memories: WeakKeyDictionary[Any, RunMemory] = WeakKeyDictionary()
_by_counter: WeakValueDictionary[int, KnownSessions] = WeakValueDictionary()
_lock = threading.Lock()
_current: ContextVar[RunMemory | None] = ContextVar("agent_sessions.known_sessions", default=None)


def enter(wrapper: Any) -> RunMemory | None:
    """Return the memory of a RunContextWrapper's run, and make it current for forget().

    Returns None if `wrapper` is None, outside a run. The memory stays current until the task that
    called this ends, or enters another run.
    """
    if wrapper is None:
        return None
    with _lock:
        memory = _memories.get(wrapper) or _new_memory(wrapper)
    _current.set(memory)
    return memory


def forget(key: Key) -> None:
    """Let the current run store items again in a session that it has cleared itself.

    Session.objects.clear(), which a tool may call, does not know the run.
    """
    if memory := _current.get():
        memory.known.keys.discard(key)


def _new_memory(wrapper: Any) -> RunMemory:
    known = _by_counter.get(id(wrapper.usage))
    memory = RunMemory(known or KnownSessions(wrapper.usage), is_nested=known is not None)
    _by_counter[id(wrapper.usage)] = memory.known
    _memories[wrapper] = memory
    return memory
