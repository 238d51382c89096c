"""The faults that a proxy can cause."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import Enum
from typing import Any


class Fault(Enum):
    """A description, and whether the server executes the request."""

    REFUSE_ONCE = ("the connection is refused once", False)
    REFUSE = ("the connection is refused again and again", False)
    CUT_UNREAD = ("the connection is cut before the request is read", False)
    CUT_UNFORWARDED = ("the connection is cut after the request is read", False)
    RESET_UNFORWARDED = ("the connection is reset after the request is read", False)
    CUT_UNANSWERED = ("the connection is cut before the answer", True)
    RESET_UNANSWERED = ("the connection is reset before the answer", True)
    CUT_IN_HEADERS = ("the connection is cut in the answer's headers", True)
    CUT_IN_BODY = ("the connection is cut in the answer's body", True)
    LATE_UNFORWARDED = ("nothing happens until the client gives up", False)
    LATE = ("the answer comes after the client has given up", True)
    STATUS_401 = ("401 instead of the server's answer", False)
    STATUS_403 = ("403 instead of the server's answer", False)
    STATUS_429 = ("429 instead of the server's answer", False)
    STATUS_500 = ("500 instead of the server's answer", False)
    STATUS_502 = ("502 instead of the server's answer", False)
    STATUS_503 = ("503 instead of the server's answer", False)
    BUSY = ("200 with the error that another one writes", False)
    STATUS_502_AFTER = ("502 in place of the server's answer", True)
    GARBAGE = ("200 with a page of HTML", True)
    HALF_JSON = ("200 with the first half of the answer", True)
    EMPTY_OBJECT = ("200 with {}", True)
    TOO_FEW_RESULTS = ("200 with no results", True)
    TOO_MANY_RESULTS = ("200 with one result too many", True)
    STRANGE_RESULTS = ("200 with results of another form", True)

    @property
    def reaches_server(self) -> bool:
        return bool(self.value[1])

    @property
    def status(self) -> int | None:
        """The status that the proxy itself answers."""
        return int(self.name[7:10]) if self.name.startswith("STATUS") else None

    @property
    def is_late(self) -> bool:
        return self in (Fault.LATE, Fault.LATE_UNFORWARDED)


SPOILED: dict[Fault, Callable[[bytes], bytes]] = {
    Fault.GARBAGE: lambda body: b"<html>Welcome to the Wi-Fi of our hotel</html>",
    Fault.HALF_JSON: lambda body: body[: len(body) // 2],
    Fault.EMPTY_OBJECT: lambda body: b"{}",
    Fault.TOO_FEW_RESULTS: lambda body: json.dumps({**json.loads(body), "results": []}).encode(),
    Fault.TOO_MANY_RESULTS: lambda body: json.dumps(
        {**json.loads(body), "results": [*json.loads(body)["results"], {"type": "none"}]}
    ).encode(),
    Fault.STRANGE_RESULTS: lambda body: json.dumps(
        {**json.loads(body), "results": [{"type": "ok"} for _ in json.loads(body)["results"]]}
    ).encode(),
}


def busy(body: Any) -> bytes:
    """Return the answer of a server on which another writer has the lock."""
    error = {"message": "database is locked", "code": "SQLITE_BUSY"}
    results: list[Any] = []
    for request in body["requests"]:
        match request:
            case {"type": "batch", "batch": {"steps": steps}}:
                none = [None] * len(steps)
                result = {"step_results": none, "step_errors": [error, *none[1:]]}
                results.append({"type": "ok", "response": {"result": result}})
            case {"type": "execute"}:
                results.append({"type": "error", "error": error})
            case _:
                results.append({"type": "ok"})
    return json.dumps({"baton": body["baton"], "results": results}).encode()
