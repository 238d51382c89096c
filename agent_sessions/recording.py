"""The agent and the cost of each step, read from the SDK while it runs.

With each batch of items the SDK passes the run's context to the session. The context has a counter
of all tokens that the run has spent so far. The cost of a step is the counter's value minus
what was recorded before; the agent is in the tracing span around the code.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import uuid4
from weakref import WeakKeyDictionary, WeakValueDictionary

from agents.tracing import AgentSpanData, get_current_span, get_current_trace

from agent_sessions.conf import conf
from agent_sessions.items import Item
from agent_sessions.items.columns import NAME_LENGTH, Columns, columns, fitting
from agent_sessions.items.kinds import CALL_OF, ENCRYPTED, NO_AGENT
from agent_sessions.usage.steps import NOTHING, UNKNOWN, Step, Tokens, minus, plus

if TYPE_CHECKING:
    from agents import RunContextWrapper
    from agents import Usage as Counter

    from agent_sessions.models.operations.runs import RecordedRuns

# Finds the runs that are recorded under a trace id: those of the session with their tokens, newest
# first, and the total of all, as an agent used as a tool may have another session.
FindRuns: TypeAlias = "Callable[[str], Awaitable[RecordedRuns | None]]"

NO_TRACE = "no-op"  # the SDK's id of a trace when tracing is off


@dataclass
class SharedCounter:
    """A counter of the SDK, and what all the runs that share it have recorded.

    An agent used as a tool is a separate run on the counter of the run around it.
    """

    counter: Counter  # a reference, so that its id() in _shared is not reused
    recorded: Tokens = NOTHING


@dataclass
class Recorder:
    """One run, with the state of its counter when it last recorded a step.

    `counted` is the counter's value then, `recorded` the sum that all runs had recorded. A run that
    calls an agent as a tool, which spends 5 and records it:

        counter 10, this run records 10   counted 10, recorded 10
        counter 15, the tool records 5
        counter 22, this run records      22 - counted 10 - by others 5 = 7

    Of agents that are used as tools at the same time, only the sum is exact.
    """

    shared: SharedCounter
    counted: Tokens
    recorded: Tokens
    run_id: str

    def take(self) -> Tokens | None:
        """Return what this run has spent since its last step, and count it as recorded.

        None if its counter has not moved: nothing was spent, or the provider did not report it.
        """
        with _lock:
            counted = tokens_of(self.shared.counter)
            if counted == self.counted:
                return None
            by_others = minus(self.shared.recorded, self.recorded)
            spent = minus(minus(counted, self.counted), by_others)
            self.shared.recorded = plus(self.shared.recorded, spent)
            self.counted, self.recorded = counted, self.shared.recorded
        return spent

    def put_back(self, spent: Tokens) -> None:
        """Leave to the next step what could not be stored with this one."""
        with _lock:
            self.shared.recorded = minus(self.shared.recorded, spent)
            self.counted = minus(self.counted, spent)
            self.recorded = minus(self.recorded, spent)


# A recorder lasts as long as the SDK keeps the run's context, a counter as long as its last run.
# Counters are found by id(), because the SDK's Usage is a dataclass that cannot be hashed.
_recorders: WeakKeyDictionary[RunContextWrapper[Any], Recorder] = WeakKeyDictionary()
_shared: WeakValueDictionary[int, SharedCounter] = WeakValueDictionary()
_lock = threading.Lock()
_wrapper: ContextVar[RunContextWrapper[Any] | None] = ContextVar("agent_sessions", default=None)


@contextmanager
def running(wrapper: RunContextWrapper[Any] | None) -> Iterator[None]:
    """Name the run inside the block, for calls by the SDK's compaction, which name none."""
    token = _wrapper.set(wrapper)
    try:
        yield
    finally:
        _wrapper.reset(token)


def current_wrapper(wrapper: RunContextWrapper[Any] | None) -> RunContextWrapper[Any] | None:
    """Return the context that came with a call, or that of running() around it."""
    return wrapper if wrapper is not None else _wrapper.get()


def is_beginning(wrapper: RunContextWrapper[Any] | None) -> bool:
    """Tell whether a run that reads a session has not asked a model yet, for session.py.

    An agent used as a tool begins with a counter above 0, that of the run around it: its context
    is new here, and its counter is not.
    """
    wrapper = current_wrapper(wrapper)
    if wrapper is None:
        return False
    is_tool_of_a_run = wrapper not in _recorders and id(wrapper.usage) in _shared
    return not wrapper.usage.requests or is_tool_of_a_run


def notice(wrapper: RunContextWrapper[Any] | None) -> None:
    """Begin recording a run that reads its history before it asks a model.

    Otherwise a run without input, as Runner.run(agent, [], ...), would be taken for a resumed one.
    """
    wrapper = current_wrapper(wrapper)
    if wrapper is not None and wrapper not in _recorders and tokens_of(wrapper.usage) == NOTHING:
        _begin(wrapper, NOTHING)


@asynccontextmanager
async def step(
    wrapper: RunContextWrapper[Any] | None, items: Iterable[Item], find_runs: FindRuns
) -> AsyncIterator[Step | None]:
    """Yield the step that stores `items` in the block; if that fails, nothing counts as recorded.

    `find_runs` is called for a run that was not seen from its beginning.
    """
    found = [columns(item) for item in items] if conf.recording else []
    if not found:
        yield None
        return
    recorder = await _found_or_begun(current_wrapper(wrapper), found, find_runs)
    agent = agent_name()
    with taken(recorder) as spent:
        tokens = without_false_zeros(spent)
        if spent is None and (recorder or agent) and _has_response(found):
            # In a run or an agent's span, a model has answered, and no counter tells its cost.
            tokens = UNKNOWN
        yield Step(agent, recorder.run_id if recorder else "", trace_id(), tokens)


def recorder_of(wrapper: RunContextWrapper[Any]) -> Recorder | None:
    """Return the recorder of a run that was seen here, or None."""
    return _recorders.get(wrapper)


@contextmanager
def taken(recorder: Recorder | None) -> Iterator[Tokens | None]:
    """Yield what a run has spent, to be stored in the block; if that fails, put it back."""
    spent = recorder.take() if recorder else None
    try:
        yield spent
    except BaseException:  # whatever ends the block, a cancellation too: nothing was stored
        if recorder and spent:
            recorder.put_back(spent)
        raise


async def _found_or_begun(
    wrapper: RunContextWrapper[Any] | None, items: list[Columns], find_runs: FindRuns
) -> Recorder | None:
    """Return the recorder of a run, and begin to record a run that was not seen before.

    batch          under its trace      so the run is         already recorded
    input          -                    new                   all: 0, or of a run around it
    anything else  nothing              new, without input    nothing
    anything else  a run that fits      that run, resumed     what that run recorded
    anything else  others, or no trace  resumed, with new id  see _recorded_before()

    A resumed run keeps its trace, so if there is nothing under it, nothing was recorded.
    """
    if wrapper is None:
        return None
    if recorder := _recorders.get(wrapper):
        return recorder
    if is_input(items):
        return _begin(wrapper, tokens_of(wrapper.usage))
    trace = trace_id()
    runs = await find_runs(trace) if trace else None
    if trace and not runs:
        return _begin(wrapper, NOTHING)
    run_id, before = _resumed(wrapper, runs) or ("", _recorded_before(wrapper, items))
    return _begin(wrapper, before, run_id)


def _resumed(
    wrapper: RunContextWrapper[Any], runs: RecordedRuns | None
) -> tuple[str, Tokens] | None:
    """Return the id of the run that goes on from a RunState, and what it has recorded.

    Several runs may share its trace. Its counter lists the cost of each of its requests, and the
    run that goes on has recorded the first few of them:

        requests of the counter   100, 150, 120: sums 100, 250, 370
        runs under the trace      "a" recorded 90, "b" recorded 250
        the run that goes on      "b", with 120 left to record

    First the total of the trace is tried, because with agents used as tools one counter has several
    runs. If it fits, the newest run goes on: it stores its steps after those of its tools.
    """
    if runs is None:
        return None
    newest_id = runs.in_session[0][0] if runs.in_session else ""
    costs = {*accumulate(entry.total_tokens for entry in wrapper.usage.request_usage_entries)}
    candidates = [(newest_id, runs.total), *runs.in_session]
    return next((one for one in candidates if one[1].total_tokens in costs), None)


def is_input(items: Iterable[Columns]) -> bool:
    """Tell whether a batch is the input of a run: the words of its user, without any answer.

    A run whose first batch is anything else usually goes on from a RunState, and its counter
    contains what was recorded already.
    """
    items = [*items]
    if any(item.kind == ENCRYPTED for item in items):
        return not agent_name()  # input is stored before the span of an agent opens
    # An approval, the answer to a request, has the role of the user.
    return all(item.role in NO_AGENT and item.kind not in CALL_OF for item in items)


def _recorded_before(wrapper: RunContextWrapper[Any], items: list[Columns]) -> Tokens:
    """Guess what a run that goes on has recorded, if nothing under its trace fits.

    A step is the result of one response, so everything but the last request was recorded:

        requests of the counter   100, 150, 120
        a batch with a response   100 + 150 were recorded, 120 are this step's
        a batch without one       all were recorded, this step cost nothing
    """
    counted = tokens_of(wrapper.usage)
    requests = wrapper.usage.request_usage_entries
    if not requests or not _has_response(items):
        return counted
    return minus(counted, tokens_of(requests[-1])._replace(requests=1))


def _begin(wrapper: RunContextWrapper[Any], counted: Tokens, run_id: str = "") -> Recorder:
    """Begin recording a run; `counted` is the part of its counter that is already recorded."""
    with _lock:
        shared = _shared.get(id(wrapper.usage)) or SharedCounter(wrapper.usage)
        _shared[id(wrapper.usage)] = shared
        recorder = Recorder(shared, counted, shared.recorded, run_id or uuid4().hex)
        return _recorders.setdefault(wrapper, recorder)


def agent_name() -> str:
    """Return the agent in whose span the code runs; the SDK has spans even with tracing off."""
    span = get_current_span()
    # Spans of tasks and tools have names as well.
    if span is None or not isinstance(span.span_data, AgentSpanData):
        return ""
    return cut_to_column(span.span_data.name)


def trace_id() -> str:
    """Return the id of the trace around the code, or "" if tracing is off."""
    trace = get_current_trace()
    return cut_to_column(trace.trace_id) if trace and trace.trace_id != NO_TRACE else ""


def tokens_of(counter: Any) -> Tokens:
    """Read a counter of the SDK: the Usage of a run or a response, or the entry of a request."""
    return Tokens(
        getattr(counter, "requests", 0),
        counter.input_tokens or 0,
        # Some providers leave out the details, and the SDK builds responses without validation.
        getattr(counter.input_tokens_details, "cached_tokens", 0) or 0,
        counter.output_tokens or 0,
        getattr(counter.output_tokens_details, "reasoning_tokens", 0) or 0,
        counter.total_tokens or 0,
    )


def without_false_zeros(spent: Tokens | None) -> Tokens | None:
    """Return the tokens that a provider reported; None if nothing was spent."""
    if spent is None or spent == NOTHING:
        return None
    total = spent.total_tokens or (spent.input_tokens or 0) + (spent.output_tokens or 0)
    # Requests without tokens come from a provider that reports no usage.
    return spent._replace(total_tokens=total) if total else Tokens(requests=spent.requests)


def cut_to_column(text: str) -> str:
    """Cut a name or an id to its column."""
    return fitting(text, NAME_LENGTH)


def _has_response(items: Iterable[Columns]) -> bool:
    """Tell whether the model's response is among the items."""
    return any(item.role == "assistant" for item in items)
