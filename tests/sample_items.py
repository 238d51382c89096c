"""One item of every kind that the SDK can store, with its columns and text."""

from __future__ import annotations

from typing import NamedTuple

from agent_sessions.items import Item


class Sample(NamedTuple):
    """An item, its columns (kind, role, tool, call), and a part of its readable text."""

    item: Item
    columns: tuple[str, str, str, str]
    text: str


SAMPLES = {
    "a user's words": Sample(
        {"role": "user", "content": "Any jazz?"}, ("message", "user", "", ""), "Any jazz?"
    ),
    "a message in parts": Sample(
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "What is this?"},
                {"type": "input_image", "image_url": "https://example.org/poster.png"},
                {"type": "input_file", "filename": "flyer.pdf", "file_data": "JVBERi0="},
                {"type": "input_audio", "input_audio": {"data": "UklGRg=="}},
            ],
        },
        ("message", "user", "", ""),
        "What is this?\n[image]\n[file: flyer.pdf]\n[audio]",
    ),
    "an answer": Sample(
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Two concerts.", "annotations": []}],
        },
        ("message", "assistant", "", ""),
        "Two concerts.",
    ),
    "a refusal": Sample(
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "I can't do that."}]},
        ("message", "assistant", "", ""),
        "I can't do that.",
    ),
    "a function call": Sample(
        {"type": "function_call", "name": "search", "call_id": "c1", "arguments": '{"q": "jazz"}'},
        ("function_call", "assistant", "search", "c1"),
        'search({"q": "jazz"})',
    ),
    "a function call's output": Sample(
        {"type": "function_call_output", "call_id": "c1", "output": "[]"},
        ("function_call_output", "tool", "", "c1"),
        "[]",
    ),
    "an output in parts": Sample(
        {
            "type": "function_call_output",
            "call_id": "c1",
            "output": [{"type": "input_text", "text": "found"}, {"type": "input_image"}],
        },
        ("function_call_output", "tool", "", "c1"),
        "found\n[image]",
    ),
    "reasoning": Sample(
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "The user wants jazz."}],
            "encrypted_content": "gAAAA",
        },
        ("reasoning", "assistant", "", ""),
        "The user wants jazz.",
    ),
    "reasoning in the open": Sample(
        {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm"}]},
        ("reasoning", "assistant", "", ""),
        "Hm",
    ),
    "a file search": Sample(
        {
            "type": "file_search_call",
            "id": "fs_1",
            "queries": ["opening hours"],
            "results": [{"filename": "hours.txt", "text": "Open at nine."}],
        },
        ("file_search_call", "assistant", "file_search", "fs_1"),
        "opening hours\nOpen at nine.",
    ),
    "a web search": Sample(
        {"type": "web_search_call", "id": "ws_1", "action": {"type": "search", "query": "jazz"}},
        ("web_search_call", "assistant", "web_search", "ws_1"),
        "jazz",
    ),
    "a page opened": Sample(
        {"type": "web_search_call", "id": "ws_2", "action": {"type": "open_page", "url": "x.org"}},
        ("web_search_call", "assistant", "web_search", "ws_2"),
        "x.org",
    ),
    "a computer's action": Sample(
        {"type": "computer_call", "call_id": "c2", "action": {"type": "click", "x": 1, "y": 2}},
        ("computer_call", "assistant", "computer", "c2"),
        '"click"',
    ),
    "a computer's screenshot": Sample(
        {
            "type": "computer_call_output",
            "call_id": "c2",
            "output": {"type": "computer_screenshot", "image_url": "data:image/png;base64,AAAA"},
        },
        ("computer_call_output", "tool", "computer", "c2"),
        "[screenshot]",
    ),
    "code run": Sample(
        {
            "type": "code_interpreter_call",
            "id": "ci_1",
            "code": "print(6 * 7)",
            "outputs": [{"type": "logs", "logs": "42"}, {"type": "image", "url": "x"}],
        },
        ("code_interpreter_call", "assistant", "code_interpreter", "ci_1"),
        "print(6 * 7)\n42",
    ),
    "an image made": Sample(
        {"type": "image_generation_call", "id": "ig_1", "result": "AAAA"},
        ("image_generation_call", "assistant", "image_generation", "ig_1"),
        "[image]",
    ),
    "a local command": Sample(
        {
            "type": "local_shell_call",
            "call_id": "c3",
            "action": {"type": "exec", "command": ["ls", "-l"]},
        },
        ("local_shell_call", "assistant", "local_shell", "c3"),
        "ls -l",
    ),
    "a local command's output": Sample(
        {"type": "local_shell_call_output", "id": "ls_1", "output": "total 0"},
        ("local_shell_call_output", "tool", "local_shell", ""),
        "total 0",
    ),
    "commands": Sample(
        {"type": "shell_call", "call_id": "c4", "action": {"commands": ["pwd", "ls"]}},
        ("shell_call", "assistant", "shell", "c4"),
        "pwd\nls",
    ),
    "commands' output": Sample(
        {
            "type": "shell_call_output",
            "call_id": "c4",
            "output": [{"stdout": "/home", "stderr": ""}, {"stdout": "", "stderr": "no"}],
        },
        ("shell_call_output", "tool", "shell", "c4"),
        "/home\nno",
    ),
    "commands' output as text": Sample(
        {"type": "shell_call_output", "call_id": "c4", "output": "/home"},
        ("shell_call_output", "tool", "shell", "c4"),
        "/home",
    ),
    "a patch": Sample(
        {
            "type": "apply_patch_call",
            "call_id": "c5",
            "operation": {"type": "update_file", "path": "a.py", "diff": "+x"},
        },
        ("apply_patch_call", "assistant", "apply_patch", "c5"),
        "update_file\na.py\n+x",
    ),
    "a patch's output": Sample(
        {"type": "apply_patch_call_output", "call_id": "c5", "output": "done"},
        ("apply_patch_call_output", "tool", "apply_patch", "c5"),
        "done",
    ),
    "a server's tools": Sample(
        {
            "type": "mcp_list_tools",
            "id": "mcpl_1",
            "server_label": "tickets",
            "tools": [{"name": "buy"}, {"name": "refund"}],
        },
        ("mcp_list_tools", "assistant", "", ""),
        "tickets\nbuy\nrefund",
    ),
    "a server's tool called": Sample(
        {
            "type": "mcp_call",
            "id": "mcp_1",
            "name": "buy",
            "server_label": "tickets",
            "arguments": "{}",
            "output": "sold",
        },
        ("mcp_call", "assistant", "buy", "mcp_1"),
        "buy({})\nsold",
    ),
    "leave asked for": Sample(
        {"type": "mcp_approval_request", "id": "mcpr_1", "name": "buy", "arguments": "{}"},
        ("mcp_approval_request", "assistant", "buy", "mcpr_1"),
        "buy({})",
    ),
    "leave given": Sample(
        {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True},
        ("mcp_approval_response", "user", "", "mcpr_1"),
        "approved",
    ),
    "leave refused": Sample(
        {
            "type": "mcp_approval_response",
            "approval_request_id": "mcpr_1",
            "approve": False,
            "reason": "too dear",
        },
        ("mcp_approval_response", "user", "", "mcpr_1"),
        "declined\ntoo dear",
    ),
    "a custom tool called": Sample(
        {"type": "custom_tool_call", "name": "sql", "call_id": "c6", "input": "SELECT 1"},
        ("custom_tool_call", "assistant", "sql", "c6"),
        "sql(SELECT 1)",
    ),
    "a custom tool's output": Sample(
        {"type": "custom_tool_call_output", "call_id": "c6", "output": "1"},
        ("custom_tool_call_output", "tool", "", "c6"),
        "1",
    ),
    "a search for tools": Sample(
        {"type": "tool_search_call", "call_id": "c7", "arguments": {"query": "tickets"}},
        ("tool_search_call", "assistant", "tool_search", "c7"),
        '"query": "tickets"',
    ),
    "tools found": Sample(
        {"type": "tool_search_output", "call_id": "c7", "tools": [{"name": "buy"}]},
        ("tool_search_output", "tool", "tool_search", "c7"),
        "buy",
    ),
    "a compaction": Sample(
        {"type": "compaction", "id": "cmp_1", "encrypted_content": "gAAAA"},
        ("compaction", "", "", ""),
        "[earlier conversation, compacted]",
    ),
    "a reference": Sample(
        {"type": "item_reference", "id": "msg_1"}, ("item_reference", "", "", ""), "msg_1"
    ),
    "an envelope of EncryptedSession": Sample(
        {"__enc__": 1, "v": 1, "kid": "hkdf-v1", "payload": "gAAAA"},
        ("encrypted", "", "", ""),
        "[encrypted]",
    ),
    "a kind from the future": Sample(
        {"type": "telepathy", "thought": "jazz"}, ("telepathy", "", "", ""), '"thought": "jazz"'
    ),
    "no dict": Sample(["words"], ("", "", "", ""), '"words"'),
    "nothing": Sample({}, ("", "", "", ""), "{}"),
}
