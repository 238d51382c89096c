"""Histories, valid and not: items built by hand, and hypothesis strategies."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

from agent_sessions import LastItems, LastTurns, TokenBudget
from agent_sessions.items import Item
from tests.contract import ANSWER, USER
from tests.history_rules import WAITS_FOR
from tests.sample_items import SAMPLES

SYSTEM: Item = {"role": "system", "content": "Be brief."}
REASONING: Item = {"type": "reasoning", "id": "rs_1", "summary": []}
REQUEST: Item = {"type": "mcp_approval_request", "id": "mcpr_1", "name": "buy", "arguments": "{}"}
RESPONSE: Item = {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True}
ENVELOPE: Item = {"__enc__": 1, "v": 1, "kid": "hkdf-v1", "payload": "gAAAA"}


def call(name: str, kind: str = "function_call", /, **more: Any) -> Item:
    return {"type": kind, "call_id": name, **more}


def output(name: str, kind: str = "function_call_output", /, **more: Any) -> Item:
    return {"type": kind, "call_id": name, "output": "done", **more}


def turns(count: int) -> list[Item]:
    """Return turns of three items each, with numbered questions and calls."""
    return [
        item
        for number in range(count)
        for item in (
            {"role": "user", "content": f"question {number}"},
            call(f"c{number}"),
            output(f"c{number}"),
        )
    ]


# Ids mostly differ; now and then one is used again, as some models do.
names = st.integers(0, 10**6).map(str) | st.sampled_from(["1", "2"])


@st.composite
def rounds(draw: st.DrawFn) -> list[Item]:
    """Parallel calls and their outputs, in any order, some of them missing."""
    calls, outputs = [], []
    for _ in range(draw(st.integers(1, 4))):
        kind, answer = draw(st.sampled_from(WAITS_FOR))
        name = draw(names)
        calls += [dict(REASONING)] * draw(st.integers(0, 2)) + [call(name, kind)]
        outputs += [output(name, answer)] * draw(st.sampled_from([1, 1, 1, 0]))
    pause = [dict(REASONING)] * draw(st.sampled_from([0, 0, 0, 1]))
    return calls + pause + draw(st.permutations(outputs))


@st.composite
def programs(draw: st.DrawFn) -> list[Item]:
    """A program and its calls, one to a hosted shell among them, finished or not."""
    name = draw(names)
    caller = {"type": "program", "caller_id": name}
    items = [call(name, "program")] * draw(st.sampled_from([1, 1, 1, 0]))
    for _ in range(draw(st.integers(0, 3))):
        inner = draw(names)
        items += [call(inner, caller=caller)] * draw(st.sampled_from([1, 1, 0]))
        items += [output(inner, caller=caller)] * draw(st.sampled_from([1, 1, 0]))
    status = draw(st.sampled_from([None, "in_progress", "completed"]))
    items += [call("hosted", "shell_call", caller=caller, status=status)] * draw(st.integers(0, 1))
    return items + [output(name, "program_output")] * draw(st.sampled_from([1, 1, 0]))


@st.composite
def approvals(draw: st.DrawFn) -> list[Item]:
    """A request for approval and its response, or only one of them, or the wrong way round."""
    name = draw(names)
    request = {"type": "mcp_approval_request", "id": name}
    response = {"type": "mcp_approval_response", "approval_request_id": name, "approve": True}
    return draw(st.sampled_from([[request, response], [request], [response], [response, request]]))


singles = st.sampled_from(
    [
        USER,
        USER,
        SYSTEM,
        {"role": "developer", "content": "Be kind."},
        ANSWER,
        REASONING,
        call("orphan"),
        output("orphan"),
        call("again"),
        output("again"),
        {"type": "tool_search_call"},
        {"type": "tool_search_output", "tools": []},
        {"type": "function_call"},
        {"type": "function_call_output"},
        *[sample.item for sample in SAMPLES.values() if isinstance(sample.item, dict)],
    ]
)


handoffs = names.map(lambda name: [call(name, name="transfer_to_x"), output(name)])


pieces = st.one_of(
    st.just([USER]),
    st.lists(st.just(USER), min_size=1, max_size=3),
    st.just([REASONING, ANSWER]),
    rounds(),
    rounds(),
    handoffs,
    programs(),
    approvals(),
    singles.map(lambda item: [item]),
)


# Each item is a separate object, so that tests can compare by identity.
histories = st.lists(pieces, max_size=10).map(
    lambda lists: [copy.deepcopy(item) for items in lists for item in items]
)


limits = st.one_of(
    st.builds(LastTurns, st.integers(1, 5)),
    st.builds(LastItems, st.integers(1, 25)),
    st.builds(TokenBudget, st.integers(1, 400)),
)


def is_user_message(item: Item) -> bool:
    return bool(item.get("role") == "user")


def beginnings(items: list[Item]) -> list[int]:
    """Return the indexes where turns may begin; an envelope may hold a user message."""
    return [at for at, item in enumerate(items) if is_user_message(item) or "__enc__" in item]


def is_subsequence(part: list[Item], whole: list[Item]) -> bool:
    """Return whether the very items of `part` are in `whole`, in the same order."""
    rest = iter(whole)
    return all(any(item is other for other in rest) for item in part)
