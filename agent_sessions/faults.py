"""What an item itself says has gone wrong. (pure)"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

NOT_APPROVED = "Tool execution was not approved."
TOOL_FAILED = "An error occurred while running the tool"  # what the SDK tells the model


def faults_of(kind: str, item: dict[str, Any]) -> list[str]:
    """Return in a word or two each what has gone wrong with a call, or with its output."""
    faults = {"failed": _("failed"), "incomplete": _("incomplete")}
    status = item.get("status")
    found = [faults[status]] if isinstance(status, str) and status in faults else []
    if item.get("error"):
        found.append(_("error"))
    output = item.get("output")
    if isinstance(output, str) and output.startswith(TOOL_FAILED):
        found.append(_("error"))
    if output == NOT_APPROVED:
        found.append(_("not approved"))
    if kind == "shell_call_output" and isinstance(output, list):
        found += [fault for one in output for fault in _ended(one)]
    return list(dict.fromkeys(found))


def _ended(output: Any) -> list[str]:
    outcome = output.get("outcome") if isinstance(output, dict) else None
    if not isinstance(outcome, dict):
        return []
    if outcome.get("type") == "timeout":
        return [_("timed out")]
    code = outcome.get("exit_code")
    return [_("exit code %d") % code] if isinstance(code, int) and code else []
