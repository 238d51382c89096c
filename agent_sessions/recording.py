"""Who speaks and what it costs, read from the SDK while it runs.

A session is handed the run's context with each batch of items. What the run has spent by then, less
what was recorded before, is what the step cost; the span around it says which agent spoke.
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

from agents.models import get_default_model
from agents.tracing import AgentSpanData, get_current_span, get_current_trace

from agent_sessions.conf import conf
from agent_sessions.items import Item
from agent_sessions.items.columns import NAME_LENGTH, Columns, columns, fitting
from agent_sessions.items.kinds import NO_AGENT
from agent_sessions.usage.steps import NOTHING, Outcome, Response, Step, Tokens

if TYPE_CHECKING:
    from agents import Agent, RunContextWrapper, RunErrorDetails
    from agents import Usage as Counter
    from agents.result import RunResultBase

# From a trace id to what was recorded under it, with the run that it may be of.
Recorded: TypeAlias = Callable[[str], Awaitable[list[tuple[str, Tokens]]]]

UNKNOWN = Tokens()
NO_TRACE = "no-op"  # the id of a trace where tracing is off


@dataclass(eq=False)
class Account:
    """What was recorded of one counter of the SDK, by all the runs that count on it.

    An agent used as a tool is a run of its own, with the counter of the run around it.
    """

    counter: Counter
    recorded: Tokens = NOTHING


@dataclass(eq=False)
class Run:
    """One run, and where its counter and its account stood when it last recorded a step."""

    account: Account
    counted: Tokens
    recorded: Tokens
    run_id: str

    def take(self) -> Tokens | None:
        """Return what this run has spent and nobody has recorded; it counts as recorded.

        None if its counter has not moved: either nothing was spent, or nobody said what.
        """
        with _lock:
            counted = tokens_of(self.account.counter)
            if counted == self.counted:
                return None
            by_others = _less(self.account.recorded, self.recorded)
            spent = _less(_less(counted, self.counted), by_others)
            self.account.recorded = _plus(self.account.recorded, spent)
            self.counted, self.recorded = counted, self.account.recorded
        return spent

    def give_back(self, spent: Tokens) -> None:
        """Leave to the next step what could not be stored with this one."""
        with _lock:
            self.account.recorded = _less(self.account.recorded, spent)
            self.counted = _less(self.counted, spent)
            self.recorded = _less(self.recorded, spent)


# A run goes when the SDK lets its context go, and an account with the last of its runs.
_runs: WeakKeyDictionary[RunContextWrapper[Any], Run] = WeakKeyDictionary()
_accounts: WeakValueDictionary[int, Account] = WeakValueDictionary()
_lock = threading.Lock()
_wrapper: ContextVar[RunContextWrapper[Any] | None] = ContextVar("agent_sessions", default=None)


@contextmanager
def running(wrapper: RunContextWrapper[Any] | None) -> Iterator[None]:
    """Say inside the block which run it is, for a wrapper that does not hand its context on."""
    token = _wrapper.set(wrapper)
    try:
        yield
    finally:
        _wrapper.reset(token)


def current_wrapper(wrapper: RunContextWrapper[Any] | None) -> RunContextWrapper[Any] | None:
    """Return the context that came with a call, or that of running() around it."""
    return wrapper if wrapper is not None else _wrapper.get()


def is_beginning(wrapper: RunContextWrapper[Any] | None) -> bool:
    """Tell whether a run that reads a session has asked no model yet.

    The counter of an agent used as a tool is that of the run around it, and has counted already.
    """
    wrapper = current_wrapper(wrapper)
    if wrapper is None:
        return False
    is_new_on_a_known_counter = wrapper not in _runs and id(wrapper.usage) in _accounts
    return not wrapper.usage.requests or is_new_on_a_known_counter


def notice(wrapper: RunContextWrapper[Any] | None) -> None:
    """Open the account of a run that reads its history and has asked no model yet."""
    wrapper = current_wrapper(wrapper)
    if wrapper is not None and wrapper not in _runs and tokens_of(wrapper.usage) == NOTHING:
        _enter(wrapper, NOTHING)


@asynccontextmanager
async def step(
    wrapper: RunContextWrapper[Any] | None, items: Iterable[Item], recorded: Recorded
) -> AsyncIterator[Step | None]:
    """Yield what is known of the step that stores `items`; if that fails, nothing was recorded.

    `recorded` is asked for the run that goes on, by its trace, where a run is met in its midst.
    """
    found = [columns(item) for item in items] if conf.recording else []
    if not found:
        yield None
        return
    run = await _run(current_wrapper(wrapper), found, recorded)
    agent = agent_name()
    with _taken(run) as spent:
        tokens = known(spent)
        if spent is None and (run or agent) and _from_model(found):
            tokens = UNKNOWN
        yield Step(agent, run.run_id if run else "", trace_id(), tokens)


@contextmanager
def _taken(run: Run | None) -> Iterator[Tokens | None]:
    """Yield what a run has spent, to be stored in the block; if that fails, it is given back."""
    spent = run.take() if run else None
    try:
        yield spent
    except BaseException:
        if run and spent:
            run.give_back(spent)
        raise


async def _run(
    wrapper: RunContextWrapper[Any] | None, items: list[Columns], recorded: Recorded
) -> Run | None:
    """Return the run behind a context, if there is one, taking it up where it is new."""
    if wrapper is None:
        return None
    if run := _runs.get(wrapper):
        return run
    if is_input(items):
        return _enter(wrapper, tokens_of(wrapper.usage))
    trace = trace_id()
    found = await recorded(trace) if trace else []
    if trace and not found:
        return _enter(wrapper, NOTHING)
    run_id, before = _fitting(wrapper, found) or ("", _recorded_before(wrapper, items))
    return _enter(wrapper, before, run_id)


def _fitting(
    wrapper: RunContextWrapper[Any], found: list[tuple[str, Tokens]]
) -> tuple[str, Tokens] | None:
    """Pick, of what runs have recorded, what this run's first requests have cost.

    Other runs may share its trace; its counter knows what each of its own requests cost.
    """
    totals = [entry.total_tokens for entry in wrapper.usage.request_usage_entries]
    costs = {*accumulate(totals)}
    return next((one for one in found if one[1].total_tokens in costs), None)


def is_input(items: Iterable[Columns]) -> bool:
    """Tell whether a batch is only what a run begins with: the words of its user.

    A run whose first batch is anything else goes on from a RunState: its counter holds what was
    recorded already.
    """
    items = [*items]
    if any(item.kind == "encrypted" for item in items):
        return not agent_name()  # what a person says is stored before an agent's span opens
    return all(item.role in NO_AGENT for item in items)


def _recorded_before(wrapper: RunContextWrapper[Any], items: list[Columns]) -> Tokens:
    """Guess what was recorded of a resumed run that cannot be found.

    A step is what one response brought. Without a response in it, it cost nothing.
    """
    counted = tokens_of(wrapper.usage)
    requests = wrapper.usage.request_usage_entries
    if not requests or not _from_model(items):
        return counted
    return _less(counted, tokens_of(requests[-1])._replace(requests=1))


def _enter(wrapper: RunContextWrapper[Any], counted: Tokens, run_id: str = "") -> Run:
    """Take up a run, of whose counter `counted` is not to be recorded any more."""
    with _lock:
        account = _accounts.get(id(wrapper.usage)) or Account(wrapper.usage)
        _accounts[id(wrapper.usage)] = account
        run = Run(account, counted, account.recorded, run_id or uuid4().hex)
        return _runs.setdefault(wrapper, run)


def agent_name() -> str:
    """Name the agent in whose span the code runs, tracing disabled or not."""
    span = get_current_span()
    # Other spans have names as well: of a task, of a tool.
    if span is None or not isinstance(span.span_data, AgentSpanData):
        return ""
    return _name(span.span_data.name)


def trace_id() -> str:
    """Return the id of the trace around the code, or nothing where tracing is off."""
    trace = get_current_trace()
    return _name(trace.trace_id) if trace and trace.trace_id != NO_TRACE else ""


class NotStoredError(Exception):
    """Raised inside outcome(), so that what was taken for it is given back."""


@contextmanager
def outcome(result: RunResultBase | RunErrorDetails) -> Iterator[Outcome]:
    """Yield what the result of a run adds to its steps; if that fails, nothing was recorded."""
    run = _runs.get(result.context_wrapper)
    run_id = run.run_id if run else ""
    responses = [
        Response(_name(response.response_id or ""), known(tokens_of(response.usage)) or UNKNOWN)
        for response in result.raw_responses
    ]
    with _taken(run) as spent:
        last = Step(_name(result.last_agent.name), run_id, _trace_of(result), known(spent))
        yield Outcome(run_id, responses, _models(result), last)


def _trace_of(result: RunResultBase | RunErrorDetails) -> str:
    """Return the id of the trace of a run that has ended, where the SDK has kept it."""
    trace = getattr(result, "_trace_state", None) or getattr(result, "trace", None)
    found = getattr(trace, "trace_id", None) or ""
    return "" if found == NO_TRACE else _name(found)


def tokens_of(counter: Any) -> Tokens:
    """Read a counter of the SDK: the Usage of a run or a response, or the entry of a request."""
    return Tokens(
        getattr(counter, "requests", 0),
        counter.input_tokens or 0,
        # Providers leave details out, and a response that was built without checks is let through.
        getattr(counter.input_tokens_details, "cached_tokens", 0) or 0,
        counter.output_tokens or 0,
        getattr(counter.output_tokens_details, "reasoning_tokens", 0) or 0,
        counter.total_tokens or 0,
    )


def known(spent: Tokens | None) -> Tokens | None:
    """Return what is known to be spent; None if nothing was."""
    if spent is None or spent == NOTHING:
        return None
    total = spent.total_tokens or (spent.input_tokens or 0) + (spent.output_tokens or 0)
    # A provider that reports no usage leaves its request without tokens.
    return spent._replace(total_tokens=total) if total else Tokens(requests=spent.requests)


def _models(result: RunResultBase | RunErrorDetails) -> dict[str, str]:
    """Name the model of each agent that had a part in the run."""
    agents = [*(item.agent for item in result.new_items), result.last_agent]
    return {_name(agent.name): model_name(agent) for agent in agents}


def model_name(agent: Agent[Any]) -> str:
    """Name an agent's model, if it says so; a Model object of the SDK's keeps it in `model`."""
    if agent.model is None:
        return get_default_model()
    name = agent.model if isinstance(agent.model, str) else getattr(agent.model, "model", "")
    return _name(name) if isinstance(name, str) else ""


def _name(text: str) -> str:
    return fitting(text, NAME_LENGTH)


def _from_model(items: Iterable[Columns]) -> bool:
    """Tell whether a response of a model is among the items."""
    return any(item.role == "assistant" for item in items)


def _plus(one: Tokens, other: Tokens) -> Tokens:
    return Tokens(*((a or 0) + (b or 0) for a, b in zip(one, other, strict=True)))


def _less(one: Tokens, other: Tokens) -> Tokens:
    return Tokens(*(max(0, (a or 0) - (b or 0)) for a, b in zip(one, other, strict=True)))
