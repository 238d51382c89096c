"""The API's rules for a valid history, written independently of agent_sessions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from agent_sessions.items import Item

WAITS_FOR = [
    ("function_call", "function_call_output"),
    ("custom_tool_call", "custom_tool_call_output"),
    ("local_shell_call", "local_shell_call_output"),
    ("shell_call", "shell_call_output"),
    ("apply_patch_call", "apply_patch_call_output"),
    ("computer_call", "computer_call_output"),
    ("tool_search_call", "tool_search_output"),
    ("program", "program_output"),
]
NOT_BY_THE_MODEL = {output for _, output in WAITS_FOR} | {"mcp_approval_response"}


def faults(items: list[Item]) -> list[str]:
    """Return a sentence for every rule that the items break; none if the API accepts them."""
    return [
        *(fault for call, output in WAITS_FOR for fault in tool_faults(items, call, output)),
        *approval_faults(items),
        *program_faults(items),
        *reasoning_faults(items),
    ]


def tool_faults(items: list[Item], call: str, output: str) -> Iterator[str]:
    """Each output follows its call, and no call stays without an output."""
    is_open: Counter[Any] = Counter()
    for item in items:
        name = item.get("call_id") if isinstance(item, dict) else None
        if kind(item) == call and not runs_inside_a_program(item):
            is_open[name] += 1
        if kind(item) == output:
            is_open[name] -= 1
            # A hosted shell inside a program may have an output or not.
            if is_open[name] < 0 and not any(
                runs_inside_a_program(other) and other.get("call_id") == name for other in items
            ):
                yield f"the {output} of {name} has no {call}"
        if kind(item) in (call, output) and name is None and call != "tool_search_call":
            yield f"a {kind(item)} has no id"
    yield from (f"the {call} {name} has no {output}" for name in is_open if is_open[name] > 0)


def approval_faults(items: list[Item]) -> Iterator[str]:
    """Each response follows its request, and no request stays without a response."""
    asked: list[Any] = []
    for item in items:
        if kind(item) == "mcp_approval_request":
            asked.append(item.get("id"))
        if kind(item) == "mcp_approval_response":
            if item.get("approval_request_id") in asked:
                asked.remove(item["approval_request_id"])
            else:
                yield f"nobody asked for {item.get('approval_request_id')}"
    yield from (f"nobody answered {name}" for name in asked)


def program_faults(items: list[Item]) -> Iterator[str]:
    """Each call of a program follows the program."""
    for at, item in enumerate(items):
        before = [other.get("call_id") for other in items[:at] if kind(other) == "program"]
        if owner(item) is not None and owner(item) not in before:
            yield f"the program {owner(item)} is not before its {kind(item)}"


def reasoning_faults(items: list[Item]) -> Iterator[str]:
    """The next item after reasoning is the model's."""
    for at, item in enumerate(items):
        if kind(item) != "reasoning":
            continue
        others = [other for other in items[at:] if kind(other) != "reasoning"]
        if not others or not is_by_the_model(others[0]):
            yield f"reasoning at {at} leads to nothing"


def is_by_the_model(item: Item) -> bool:
    if isinstance(item, dict) and item.get("role") in ("user", "system", "developer"):
        return False
    return kind(item) not in NOT_BY_THE_MODEL


def runs_inside_a_program(item: Item) -> bool:
    """Tell whether the item is an unfinished hosted shell call of a program."""
    if kind(item) != "shell_call" or owner(item) is None:
        return False
    return item.get("status", "in_progress") in ("in_progress", None)


def owner(item: Item) -> Any:
    """Return the id of the program that made the call, or None."""
    caller = item.get("caller") if isinstance(item, dict) else None
    return caller.get("caller_id") if caller and caller["type"] == "program" else None


def kind(item: Item) -> Any:
    """Return the item's type; None for an encrypted item."""
    return item.get("type") if isinstance(item, dict) and "__enc__" not in item else None


def orphaned_reasoning(before: list[Item], after: list[Item]) -> list[Item]:
    """Return the reasoning in `after` whose item in `before` was dropped, compared by identity."""
    there = {id(item) for item in after}
    lost = []
    for at, item in enumerate(before):
        if kind(item) == "reasoning" and id(item) in there:
            owners = [other for other in before[at:] if kind(other) != "reasoning"]
            lost += [item] if id(owners[0]) not in there else []
    return lost
