"""Which sessions a run knows, so that it does not bring back one that was deleted meanwhile.

A run knows a session once it has read items of it or stored a batch in it. From then on its
batches are written only if the session is still there. Three things are no such batch: the user's
words, with which a run begins; a batch after the run itself has cleared the session; and anything
that is stored outside a run.
"""

from __future__ import annotations

import threading
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary, WeakValueDictionary

Key: TypeAlias = tuple[str, str]  # the alias of a database, and the id of a session in it


@dataclass(eq=False)
class KnownSessions:
    """The sessions known to the runs that share one usage counter of the SDK.

    An agent used as a tool is a separate run on the counter of the run around it, and must not
    bring back a session that the outer run knows.
    """

    counter: Any  # held, so that its id() is not given to another one
    keys: set[Key] = field(default_factory=set)


@dataclass(eq=False)
class Run:
    """One run, as far as the sessions that it knows are concerned."""

    known: KnownSessions
    is_nested: bool

    def knows(self, key: Key) -> bool:
        """Tell whether the session was there for this run."""
        return key in self.known.keys

    def learn(self, key: Key) -> None:
        """Note that the session is there."""
        self.known.keys.add(key)


# Each lasts as long as the SDK keeps the context of a run.
_runs: WeakKeyDictionary[Any, Run] = WeakKeyDictionary()
_by_counter: WeakValueDictionary[int, KnownSessions] = WeakValueDictionary()
_lock = threading.Lock()
_current: ContextVar[Run | None] = ContextVar("agent_sessions.known_sessions", default=None)


def enter(wrapper: Any) -> Run | None:
    """Return the run of a RunContextWrapper, and make it the current one of tools and hooks.

    None is the answer to None: the session is used outside a run.
    """
    if wrapper is None:
        return None
    with _lock:
        run = _runs.get(wrapper) or _new_run(wrapper)
    _current.set(run)
    return run


def forget(key: Key) -> None:
    """Let the current run write to a session again that it is clearing itself."""
    if run := _current.get():
        run.known.keys.discard(key)


def _new_run(wrapper: Any) -> Run:
    known = _by_counter.get(id(wrapper.usage))
    run = Run(known or KnownSessions(wrapper.usage), is_nested=known is not None)
    _by_counter[id(wrapper.usage)] = run.known
    _runs[wrapper] = run
    return run
