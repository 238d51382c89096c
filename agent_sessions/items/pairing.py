"""Items that belong together: a call and its output, reasoning and what it led to.

The model's API rejects a call without its output, an output without its call, and reasoning
without the item that it led to. A limit that counts items separates such pairs, and an interrupted
run stores half of them. `healed()` makes a list of items valid again; nothing here changes what is
stored.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from typing import Any, Literal, TypeAlias

from agent_sessions.items import Item
from agent_sessions.items.columns import columns, is_envelope
from agent_sessions.items.kinds import CALL_OF, KINDS, NO_AGENT, OUTPUT_OF

PAIRED = {*OUTPUT_OF, *CALL_OF}  # calls, and their outputs

Dangling: TypeAlias = Literal["keep", "drop", "close"]

NO_OUTPUT = (
    "The run was interrupted and no output of this call was recorded. It may or may not have taken "
    "effect."
)


def checked_dangling(dangling: Dangling) -> Dangling:
    """Return `dangling`, or raise the ValueError that says what it may be."""
    if dangling not in ("keep", "drop", "close"):
        raise ValueError(f"dangling={dangling!r} is unknown. Pass 'keep', 'drop' or 'close'.")
    return dangling


def partners(items: Iterable[tuple[int, str, Hashable]]) -> dict[int, int]:
    """Find the output of each call, and the call of each output.

    `items` are (number, kind, id that a call shares with its output), in their order. An output
    answers the newest call that waits for it, because some models use an id more than once:

        (1, "function_call", "a"), (2, "function_call", "a"), (3, "function_call_output", "a")

    gives {2: 3, 3: 2}: call 1 has no output.
    """
    waiting: defaultdict[tuple[str, Hashable], list[int]] = defaultdict(list)
    found: dict[int, int] = {}
    for number, kind, shared_id in items:
        if kind in OUTPUT_OF:
            waiting[kind, shared_id].append(number)
        elif kind in CALL_OF and (calls := waiting[CALL_OF[kind], shared_id]):
            call = calls.pop()
            found |= {call: number, number: call}
    return found


def healed(items: list[Item], dangling: Dangling = "drop") -> list[Item]:
    """Return `items` as a new list that the model's API accepts after an interrupted run.

    "drop" removes calls without a later output (except those of _is_open_shell()), outputs without
    an earlier call, approvals requested and not given or the reverse, calls of a program that is
    missing, and reasoning that is not followed by an item of the model. "close" first adds an
    output that says that the run was interrupted to each call that text can answer, and drops the
    rest. "keep" changes nothing. Items of unknown types, unless a missing program made them, and
    envelopes of an EncryptedSession always stay.
    """
    if checked_dangling(dangling) == "keep":
        return list(items)
    return _valid(_closed(items) if dangling == "close" else items)


def _valid(items: list[Item]) -> list[Item]:
    incomplete = _without_partner_or_program(items)
    kept = {at: item for at, item in enumerate(items) if at not in incomplete}
    pointless = _pointless_reasoning(items, kept)
    return [item for at, item in kept.items() if at not in pointless]


def _without_partner_or_program(items: list[Item]) -> set[int]:
    """Return the positions of items whose program, output or call is missing.

    Removing an item may leave another one alone: without a program its calls go, and with a call
    its output. So each round looks again at the items of the programs and the pairs that lost one;
    looking at all would be quadratic with nested programs.
    """
    positions = _Positions(items)
    removed: set[int] = set()
    programs, pairs = [*positions.by_program], {*positions.by_pair}
    while programs or pairs:
        while programs:
            for at in positions.orphans(programs.pop(), removed):
                removed.add(at)
                pairs.add(_pair(items[at]))
                # If this was a program, its calls are next. Other ids lead to nothing.
                programs.append(_text(items[at], "call_id"))
        looked_at = sorted(at for pair in pairs for at in positions.by_pair[pair])
        alone = _without_partner({at: items[at] for at in looked_at if at not in removed})
        removed |= alone
        pairs = set()
        programs = [_text(items[at], "call_id") for at in alone]
    return removed


class _Positions:
    """Where in a list the programs, the items that each program made, and the pairs are."""

    def __init__(self, items: list[Item]) -> None:
        self.programs: defaultdict[str | None, list[int]] = defaultdict(list)
        self.by_program: defaultdict[str | None, list[int]] = defaultdict(list)
        self.by_pair: defaultdict[tuple[str, str | None], list[int]] = defaultdict(list)
        for at, item in enumerate(items):
            if (kind := _type(item)) == "program":
                self.programs[_text(item, "call_id")].append(at)
            if (program := _program_of(item)) is not None:
                self.by_program[program].append(at)
            if kind in PAIRED:
                self.by_pair[_pair(item)].append(at)

    def orphans(self, program: str | None, removed: set[int]) -> list[int]:
        """Return the items made by a program that come before it, or all if it is missing."""
        made = [at for at in self.by_program[program] if at not in removed]
        first = next((at for at in self.programs[program] if at not in removed), None)
        return made if first is None else [at for at in made if at <= first]


def _without_partner(items: dict[int, Item]) -> set[int]:
    """Return the positions of calls without an output, and of outputs without a call."""
    kinds = {at: kind for at, item in items.items() if (kind := _type(item)) in PAIRED}
    paired = partners((at, kind, _pair(items[at])) for at, kind in kinds.items())
    return {at for at in kinds if at not in paired and not _is_open_shell(items[at])}


def _pointless_reasoning(items: list[Item], kept: dict[int, Item]) -> set[int]:
    """Return the positions of reasoning whose next item is not kept, or not the model's.

    The API accepts reasoning only before the very item that followed it.
    """
    pointless = set()
    is_followed = False
    for at in reversed(range(len(items))):
        if _type(items[at]) != "reasoning":
            is_followed = at in kept and columns(items[at]).role not in (*NO_AGENT, "tool")
        elif not is_followed:
            pointless.add(at)
    return pointless


def _closed(items: list[Item]) -> list[Item]:
    """Return `items` with an output for each call that lacks one and that text can answer."""
    unanswered = _without_partner(dict(enumerate(items)))
    closed: list[Item] = []
    outputs: list[Item] = []
    for at, item in enumerate(items):
        # Calls that a model made at once are together, and their outputs follow.
        if outputs and _type(item) not in OUTPUT_OF:
            closed += outputs
            outputs = []
        closed.append(item)
        if at in unanswered and _is_answered_by_text(item):
            outputs.append(_output_for(item))
    return closed + outputs


def _is_answered_by_text(item: Item) -> bool:
    if _text(item, "call_id") is None or _program_of(item) is not None:
        return False  # an output needs an id, and that of a program's call goes to the program
    facts = KINDS.get(_type(item))
    return facts is not None and facts.is_answered_by_text


def _output_for(call: Item) -> Item:
    return {"type": OUTPUT_OF[_type(call)], "call_id": call["call_id"], "output": NO_OUTPUT}


def _is_open_shell(item: Item) -> bool:
    """Tell whether a program called a hosted shell that may not have answered yet.

    The SDK keeps such a call too: agents.run_internal.items._is_pending_hosted_shell_call().
    """
    if _type(item) != "shell_call" or _program_of(item) is None:
        return False
    return item.get("status") in (None, "in_progress")


def _pair(item: Item) -> tuple[str, str | None]:
    """Return a value that a call and its output have in common, and no other items.

    Columns would not do: they are cut, and do not tell a missing id from an empty one.
    """
    kind = _type(item)
    call = CALL_OF.get(kind, kind)
    keys = {"mcp_approval_request": "id", "mcp_approval_response": "approval_request_id"}
    shared_id = _text(item, keys.get(kind, "call_id"))
    # Only a search for tools may have no id. Any other item without one has no partner.
    has_partner = shared_id is not None or call == "tool_search_call"
    return (call if has_partner else kind, shared_id)


def _program_of(item: Item) -> str | None:
    """Return the call id of the program that made a call; its output has the same."""
    caller = item.get("caller") if isinstance(item, dict) else None
    if isinstance(caller, dict) and caller.get("type") == "program":
        return _text(caller, "caller_id")
    return None


def _type(item: Item) -> str:
    """Return the stated type of an item, which messages may lack; "" if there is none."""
    if not isinstance(item, dict) or is_envelope(item):
        return ""
    return _text(item, "type") or ""


def _text(item: dict[str, Any], key: str) -> str | None:
    return value if isinstance(value := item.get(key), str) else None
