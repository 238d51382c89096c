"""Requests and answers of Hrana 3, the protocol of libSQL servers, as plain data (pure).

Specification: https://github.com/tursodatabase/libsql/blob/main/docs/HRANA_3_SPEC.md
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

Json = dict[str, Any]

CLOSE: Json = {"type": "close"}
IN_TRANSACTION: Json = {"type": "not", "cond": {"type": "is_autocommit"}}


def execute(statement: Json) -> Json:
    """Ask for one statement."""
    return {"type": "execute", "stmt": statement}


def batch(steps: Sequence[Json]) -> Json:
    """Ask for several statements, each with its condition.

    The server parses all of them first: if it cannot parse one, it executes none.
    """
    return {"type": "batch", "batch": {"steps": list(steps)}}


def step(statement: Json, *conditions: Json) -> Json:
    """Return a step of a batch, executed if all `conditions` hold."""
    if not conditions:
        return {"stmt": statement}
    if len(conditions) == 1:
        return {"stmt": statement, "condition": conditions[0]}
    return {"stmt": statement, "condition": {"type": "and", "conds": list(conditions)}}


def succeeded(number: int) -> Json:
    """Return the condition that step `number` was executed, and without an error."""
    return {"type": "ok", "step": number}


def pipeline_body(baton: str | None, requests: Iterable[Json]) -> bytes:
    """Return the body of a request to v3/pipeline.

    Raises UnicodeEncodeError for a lone surrogate, which UTF-8 cannot represent.
    """
    return _json({"baton": baton, "requests": list(requests)})


def cursor_body(baton: str | None, steps: Sequence[Json]) -> bytes:
    """Return the body of a request to v3/cursor."""
    return _json({"baton": baton, "batch": {"steps": list(steps)}})


def _json(body: Json) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def results_of(answer: Json, requests: Sequence[Json]) -> list[Json]:
    """Return the result of each request to v3/pipeline.

    Raises ValueError, KeyError or TypeError for an answer in another form.
    """
    results: list[Json] = answer["results"]
    for request, result in zip(requests, results, strict=True):
        if not _answers(result, request):
            raise ValueError(f"no answer to {request['type']}")
    return results


def _answers(result: Json, request: Json) -> bool:
    match request, result:
        case _, {"type": "error", "error": {"message": _}}:
            return True
        case {"type": "execute"}, {"type": "ok", "response": {"result": {"cols": _, "rows": _}}}:
            return True
        case (
            {"type": "batch", "batch": {"steps": steps}},
            {
                "type": "ok",
                "response": {
                    "result": {"step_results": list(results), "step_errors": list(errors)}
                },
            },
        ):
            return len(results) == len(errors) == len(steps)
        case {"type": "close"}, {"type": "ok"}:
            return True
    return False


def change_messages(results: Iterable[Json], change: Callable[[str], str]) -> None:
    """Apply `change` to the texts of every error among the results of a pipeline."""
    for error in itertools.chain.from_iterable(map(_errors, results)):
        change_message(error, change)


def _errors(result: Json) -> list[Json]:
    match result:
        case {"type": "error", "error": error}:
            return [error]
        case {"response": {"result": {"step_errors": errors}}}:
            return list(filter(None, errors))
    return []


def change_message(error: Json, change: Callable[[str], str]) -> None:
    """Apply `change` to the message and the code of an error."""
    for name in ("message", "code"):
        if isinstance(error.get(name), str):
            error[name] = change(error[name])


def result_of_cursor(body: bytes) -> tuple[Json, Json | None, Json | None]:
    """Read an answer of v3/cursor, which has a line of JSON for each row, to a batch of one step.

    Returns the answer's first line; the statement's result, or None; its error, or None. Raises
    ValueError if the rows are incomplete.
    """
    first, *entries = [json.loads(line) for line in body.splitlines() if line]
    result: Json | None = None
    rows: list[Any] = []
    is_whole = True
    for entry in entries:
        match entry["type"]:
            case "step_begin":
                result = {"cols": entry["cols"], "rows": rows}
                is_whole = False
            case "row":
                rows.append(entry["row"])
            case "step_end":
                is_whole = True
            case "step_error" | "error":
                return first, None, entry["error"]
    if not is_whole:
        raise ValueError("the rows are incomplete")
    return first, result, None
