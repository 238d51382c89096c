"""Errors that an item itself reports."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

NOT_APPROVED = "Tool execution was not approved."
TOOL_FAILED = "An error occurred while running the tool"  # what the SDK tells the model

# The SDK's messages for a tool that was too slow, and for one that does not exist.
_TIMED_OUT = re.compile(r"Tool '.*' timed out after [0-9.e+-]+ seconds\.", re.DOTALL)
_NOT_FOUND = re.compile(r"Tool '.*' not found\.", re.DOTALL)

# The status of a hosted call that has no result yet.
_UNFINISHED = ("in_progress", "searching", "interpreting", "generating", "calling")


def faults_of(kind: str, item: dict[str, Any]) -> list[str]:
    """Return the errors of a call or of its output, in a word or two each."""
    found = list(_failures(kind, item))
    if _is_declined(item):
        found.append(_("not approved"))
    return list(dict.fromkeys(found))


def tool_failed(kind: str, item: dict[str, Any]) -> bool | None:
    """Tell whether a tool failed, if `item` is its result; None if it is not a result.

    A result is the output of a call, or a hosted call such as a web search, which contains its own.
    The item reports a failure by its status, an error, an exit code, a timeout, or the text that
    the SDK gives the model instead of a result. A call that was not approved has not failed, and an
    error text of the project is a result like any other.
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
    """Tell whether the call contains its own result: other calls have a call_id."""
    if kind == "mcp_list_tools":
        return True
    return kind.endswith("_call") and not isinstance(item.get("call_id"), str)


def _is_declined(item: dict[str, Any]) -> bool:
    return item.get("output") == NOT_APPROVED


def _failures(kind: str, item: dict[str, Any]) -> Iterator[str]:
    """Yield a word or two for each reported failure."""
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
    """Yield the failure that the SDK reported to the model instead of a result."""
    if output.startswith(TOOL_FAILED):
        yield _("error")
    elif _TIMED_OUT.fullmatch(output):
        yield _("timed out")
    elif _NOT_FOUND.fullmatch(output):
        yield _("no such tool")


def _ended(output: Any) -> Iterator[str]:
    """Yield the failure of a shell command."""
    outcome = output.get("outcome") if isinstance(output, dict) else None
    if not isinstance(outcome, dict):
        return
    code = outcome.get("exit_code")
    if outcome.get("type") == "timeout":
        yield _("timed out")
    elif isinstance(code, int) and code:
        yield _("exit code %d") % code
