"""Items that go together: a call and its output, reasoning and what it led to.

The model's API refuses a call without its output, an output without its call, and reasoning
without the item that it led to. A limit that counts items tears such pairs apart, and an
interrupted run leaves them torn in the store. Nothing here changes what is stored.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Literal, TypeAlias

from agent_sessions.items import Item
from agent_sessions.items.columns import NO_AGENT, columns

Dangling: TypeAlias = Literal["keep", "drop", "close"]

# The kind of output that each kind of call waits for. Hosted calls, such as a web search, answer
# inside themselves and are not among them.
OUTPUTS = {
    "function_call": "function_call_output",
    "custom_tool_call": "custom_tool_call_output",
    "local_shell_call": "local_shell_call_output",
    "shell_call": "shell_call_output",
    "apply_patch_call": "apply_patch_call_output",
    "computer_call": "computer_call_output",
    "tool_search_call": "tool_search_output",
    "program": "program_output",
    "mcp_approval_request": "mcp_approval_response",
}
CALLS = {output: call for call, output in OUTPUTS.items()}

# Calls whose output is text alone. The others would have to be given a screenshot, an exit code
# or a status that nobody recorded.
CLOSABLE = ("function_call", "custom_tool_call", "local_shell_call")

INTERRUPTED = (
    "The run was interrupted and no output of this call was recorded. It may have taken effect or "
    "not."
)


def checked_dangling(dangling: Dangling) -> Dangling:
    """Return `dangling`, or raise the ValueError that says what it may be."""
    if dangling not in ("keep", "drop", "close"):
        raise ValueError(f"dangling={dangling!r} is unknown. Pass 'keep', 'drop' or 'close'.")
    return dangling


def healed(items: list[Item], dangling: Dangling = "drop") -> list[Item]:
    """Return `items` as a new list without what an interrupted run left dangling.

    "drop" leaves out calls without an output after them, outputs without a call before them,
    approvals asked for and not given or the reverse, what belongs to a program that is not there,
    and reasoning whose next item is not there or not the model's. "close" first gives each call
    whose output would be text such an output, after the calls beside it, which says that the run
    was interrupted. "keep" leaves all as it is. Items that nobody knows, envelopes of an
    EncryptedSession among them, always stay.
    """
    if checked_dangling(dangling) == "keep":
        return list(items)
    return _valid(_closed(items) if dangling == "close" else items)


def _valid(items: list[Item]) -> list[Item]:
    gone = _strays(items)
    kept = {at: item for at, item in enumerate(items) if at not in gone}
    pointless = _pointless_reasoning(items, kept)
    return [item for at, item in kept.items() if at not in pointless]


def _strays(items: list[Item]) -> set[int]:
    """Return the places of items whose program, output or call is not there.

    An item that goes may leave another one alone, such as the output of a program's call. Only
    items of the same program or call are looked at again: with all of them there would be as many
    rounds as programs inside one another.
    """
    programs: defaultdict[str | None, list[int]] = defaultdict(list)
    made_by: defaultdict[str | None, list[int]] = defaultdict(list)
    pairs: defaultdict[tuple[str, str | None], list[int]] = defaultdict(list)
    for at, item in enumerate(items):
        if (kind := _kind(item)) == "program":
            programs[_text(item, "call_id")].append(at)
        if (program := _program_of(item)) is not None:
            made_by[program].append(at)
        if kind in OUTPUTS or kind in CALLS:
            pairs[_pair(item)].append(at)
    gone: set[int] = set()
    losers, torn = [*made_by], set(pairs)
    while losers or torn:
        while losers:
            program = losers.pop()
            first = next((at for at in programs[program] if at not in gone), len(items))
            for at in made_by[program]:
                if at <= first and at not in gone:
                    gone.add(at)
                    torn.add(_pair(items[at]))
                    losers.append(_text(items[at], "call_id"))
        looked_at = sorted(at for pair in torn for at in pairs[pair] if at not in gone)
        alone = _without_pair({at: items[at] for at in looked_at})
        gone |= alone
        torn = set()
        losers = [_text(items[at], "call_id") for at in alone]
    return gone


def _without_pair(items: dict[int, Item]) -> set[int]:
    waiting: defaultdict[tuple[str, str | None], list[int]] = defaultdict(list)
    strays = set()
    for at, item in items.items():
        kind = _kind(item)
        if kind in OUTPUTS:
            waiting[_pair(item)].append(at)
        elif kind in CALLS and (calls := waiting[_pair(item)]):
            calls.pop()  # the newest: some models use an id again
        elif kind in CALLS:
            strays.add(at)
    unanswered = {at for calls in waiting.values() for at in calls}
    return strays | {at for at in unanswered if not _is_open_shell(items[at])}


def _pointless_reasoning(items: list[Item], kept: dict[int, Item]) -> set[int]:
    """Return the places of reasoning whose next item is not kept, or not the model's."""
    pointless = set()
    is_followed = False
    for at in reversed(range(len(items))):
        if _kind(items[at]) != "reasoning":
            is_followed = at in kept and columns(items[at]).role not in (*NO_AGENT, "tool")
        elif not is_followed:
            pointless.add(at)
    return pointless


def _closed(items: list[Item]) -> list[Item]:
    """Return `items` with an output for each call that lacks one and can be given one."""
    strays = _without_pair(dict(enumerate(items)))
    closed: list[Item] = []
    outputs: list[Item] = []
    for at, item in enumerate(items):
        # Calls that a model made at once stand together, and their outputs follow.
        if outputs and _kind(item) not in OUTPUTS:
            closed += outputs
            outputs = []
        closed.append(item)
        if at in strays and _is_closable(item):
            outputs.append(_output_of(item))
    return closed + outputs


def _is_closable(item: Item) -> bool:
    """Tell whether text can answer the call. What a program called answers to the program."""
    is_known = _text(item, "call_id") is not None and _program_of(item) is None
    return is_known and _kind(item) in CLOSABLE


def _output_of(call: Item) -> Item:
    return {"type": OUTPUTS[_kind(call)], "call_id": call["call_id"], "output": INTERRUPTED}


def _is_open_shell(item: Item) -> bool:
    """Tell whether it is a hosted shell's call, which a program may go on without an output of."""
    if _kind(item) != "shell_call" or _program_of(item) is None:
        return False
    return item.get("status") in (None, "in_progress")


def _pair(item: Item) -> tuple[str, str | None]:
    """Return what a call and its output have in common, and no other items have."""
    kind = _kind(item)
    call = CALLS.get(kind, kind)
    keys = {"mcp_approval_request": "id", "mcp_approval_response": "approval_request_id"}
    name = _text(item, keys.get(kind, "call_id"))
    # Only a search for tools may be anonymous; any other item without an id has no partner.
    return (call if name is not None or call == "tool_search_call" else kind, name)


def _program_of(item: Item) -> str | None:
    """Return the call id of the program that made a call, which its output carries as well."""
    caller = item.get("caller") if isinstance(item, dict) else None
    if isinstance(caller, dict) and caller.get("type") == "program":
        return _text(caller, "caller_id")
    return None


def _kind(item: Item) -> str:
    """Return the kind of an item; blank for a message, and for what is not known."""
    if not isinstance(item, dict) or is_envelope(item):
        return ""
    return _text(item, "type") or ""


def _text(item: dict[str, Any], key: str) -> str | None:
    return value if isinstance(value := item.get(key), str) else None


def is_envelope(item: Item) -> bool:
    """Tell whether EncryptedSession wrote the item, so that nothing is known of it."""
    return isinstance(item, dict) and "__enc__" in item
