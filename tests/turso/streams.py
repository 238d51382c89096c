"""How many streams are open on a libSQL server, which it tells nobody."""

from __future__ import annotations

import json
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

MOST = 128


def open_streams(url: str) -> int:
    """Return how many streams are open: 128 fit, so open more until the server refuses one."""
    batons = []
    try:
        while len(batons) < MOST:
            batons.append(_open(url))
    except HTTPError as error:
        if error.code != 429:
            raise
    for baton in batons:
        _send(url, {"baton": baton, "requests": [{"type": "close"}]})
    return MOST - len(batons)


def _open(url: str) -> str:
    # A stream takes its place with its first statement.
    request = {"type": "execute", "stmt": {"sql": "SELECT 1"}}
    return str(_send(url, {"baton": None, "requests": [request]})["baton"])


def _send(url: str, body: dict[str, object]) -> dict[str, object]:
    parts = urlsplit(url)
    request = Request(
        f"http://127.0.0.1:{parts.port}/v3/pipeline",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Host": parts.netloc},
    )
    with urlopen(request, timeout=30) as answer:
        return dict(json.loads(answer.read()))
