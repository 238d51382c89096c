"""The types of items: who makes each, what answers it, what it is called.

An item's type is called its kind here, because `type` is a built-in name of Python. The table has
the types of the Responses API and of the SDK. Items of other types are stored and shown all the
same: `role_of()` and `tool_of()` go by the end of a name, as in "web_search_call".
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from django.utils.translation import gettext_lazy as _

ENCRYPTED = "encrypted"  # the envelope of the SDK's EncryptedSession, which has no type
NO_AGENT = ("user", "system", "developer")  # the roles in which no agent speaks


class Kind(NamedTuple):
    """The facts about one type of item."""

    output: str = ""  # the type of item that answers this call
    title: Any = ""  # on a page; "" if the tool's name or the text is shown instead
    role: str = ""  # of the author, if neither the item nor its type's name tells; "" is unknown
    is_answered_by_text: bool = False  # healed() may answer it; other outputs have a structure
    is_tool_named_by_type: bool = False  # in reports, as in the SDK's AdvancedSQLiteSession


KINDS = {
    # Calls that another item answers.
    "function_call": Kind("function_call_output", is_answered_by_text=True),
    "custom_tool_call": Kind("custom_tool_call_output", is_answered_by_text=True),
    "local_shell_call": Kind("local_shell_call_output", _("Local shell"), is_answered_by_text=True),
    "shell_call": Kind("shell_call_output", _("Shell"), is_tool_named_by_type=True),
    "apply_patch_call": Kind("apply_patch_call_output", _("Patch"), is_tool_named_by_type=True),
    "computer_call": Kind("computer_call_output", _("Computer"), is_tool_named_by_type=True),
    "tool_search_call": Kind("tool_search_output", _("Search for tools")),
    "program": Kind("program_output", _("Program"), "assistant"),  # code that calls tools
    "mcp_approval_request": Kind("mcp_approval_response", role="assistant"),
    # Calls of hosted tools, which hold their own results.
    "web_search_call": Kind(title=_("Web search"), is_tool_named_by_type=True),
    "file_search_call": Kind(title=_("File search"), is_tool_named_by_type=True),
    "code_interpreter_call": Kind(title=_("Code interpreter"), is_tool_named_by_type=True),
    "image_generation_call": Kind(title=_("Image generation")),
    "mcp_call": Kind(),
    "mcp_list_tools": Kind(title=_("Tools of a server"), role="assistant"),
    # Everything else.
    "message": Kind(),
    "reasoning": Kind(title=_("Reasoning"), role="assistant"),
    "mcp_approval_response": Kind(title=_("Approval"), role="user"),
    "compaction": Kind(title=_("The conversation up to here was compacted")),
    "item_reference": Kind(title=_("Reference to an item")),
    ENCRYPTED: Kind(title=_("Encrypted by EncryptedSession; it cannot be read here")),
    "": Kind(title=_("Unknown item")),
}

OUTPUT_OF = {kind: facts.output for kind, facts in KINDS.items() if facts.output}
CALL_OF = {output: call for call, output in OUTPUT_OF.items()}

# For Python in is_user_message(), and for SQL in models/message.py.
USER_MESSAGE = {"kind": "message", "role": "user"}


class HasKind(Protocol):
    """An object with two of the columns of an item."""

    @property
    def kind(self) -> str: ...
    @property
    def role(self) -> str: ...


def is_user_message(item: HasKind) -> bool:
    """Tell whether a user said this: a turn begins with it."""
    return {"kind": item.kind, "role": item.role} == USER_MESSAGE


def is_tool_call(kind: str) -> bool:
    """Tell whether an item of this type calls a tool, or asks whether it may."""
    return kind.endswith("_call") or kind == "mcp_approval_request"


def role_of(kind: str) -> str:
    """Return the role of the author of an item that has no `role`; "" if unknown."""
    if kind.endswith("_output"):
        return "tool"
    if kind.endswith("_call"):
        return "assistant"
    return KINDS.get(kind, Kind()).role


def tool_of(kind: str) -> str:
    """Return the tool of an item that has no `name`: "web_search" of "web_search_call"."""
    if kind.endswith(("_call", "_output")):
        return kind.removesuffix("_output").removesuffix("_call")
    return ""
