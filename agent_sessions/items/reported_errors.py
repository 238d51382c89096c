"""Failures that an item itself tells of. (pure)"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

NOT_APPROVED = "Tool execution was not approved."
TOOL_FAILED = "An error occurred while running the tool"  # what the SDK tells the model

# The SDK's own words for a tool that was too slow, and for one that does not exist.
_TIMED_OUT = re.compile(r"Tool '.*' timed out after [0-9.e+-]+ seconds\.", re.DOTALL)
_NOT_FOUND = re.compile(r"Tool '.*' not found\.", re.DOTALL)

# The states of a hosted call that has no result yet.
_UNFINISHED = ("in_progress", "searching", "interpreting", "generating", "calling")


def faults_of(kind: str, item: dict[str, Any]) -> list[str]:
    """Return in a word or two each what has gone wrong with a call, or with its output."""
    found = list(_failures(kind, item))
    if _is_declined(item):
        found.append(_("not approved"))
    return list(dict.fromkeys(found))


def tool_failed(kind: str, item: dict[str, Any]) -> bool | None:
    """Tell whether the tool failed whose result `item` holds; None if it holds no result.

    A result is the output of a call, or a hosted call, such as a web search, which holds its own.
    It has failed if the item says so: by its status, an error, an exit code, a time-out, or the
    text that the SDK gives the model instead of a result. A call that somebody declined has not
    failed. An error text of the project's own is a result like any other.
    """
    is_output = kind.endswith("_output")
    if not (is_output or _is_hosted(kind, item)):
        return None
    if _is_declined(item):
        return False
    if next(_failures(kind, item), None):
        return True
    return None if not is_output and item.get("status") in _UNFINISHED else False


def _is_hosted(kind: str, item: dict[str, Any]) -> bool:
    """Tell whether it is a call that answers inside itself: others have the id of an output."""
    if kind == "mcp_list_tools":
        return True
    return kind.endswith("_call") and not isinstance(item.get("call_id"), str)


def _is_declined(item: dict[str, Any]) -> bool:
    return item.get("output") == NOT_APPROVED


def _failures(kind: str, item: dict[str, Any]) -> Iterator[str]:
    """Yield a word or two for each sign that a tool failed."""
    status, output = item.get("status"), item.get("output")
    if status == "failed":
        yield _("failed")
    if status == "incomplete":
        yield _("incomplete")
    if item.get("error"):
        yield _("error")
    if isinstance(output, str):
        yield from _told(output)
    if kind == "shell_call_output" and isinstance(output, list):
        for one in output:
            yield from _ended(one)


def _told(output: str) -> Iterator[str]:
    """Yield what the SDK told the model instead of a result."""
    if output.startswith(TOOL_FAILED):
        yield _("error")
    elif _TIMED_OUT.fullmatch(output):
        yield _("timed out")
    elif _NOT_FOUND.fullmatch(output):
        yield _("no such tool")


def _ended(output: Any) -> Iterator[str]:
    """Yield how a command of a shell ended, if not well."""
    outcome = output.get("outcome") if isinstance(output, dict) else None
    if not isinstance(outcome, dict):
        return
    code = outcome.get("exit_code")
    if outcome.get("type") == "timeout":
        yield _("timed out")
    elif isinstance(code, int) and code:
        yield _("exit code %d") % code
