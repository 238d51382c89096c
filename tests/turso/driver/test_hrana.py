"""Answers in the form of the protocol, and in other forms."""

from __future__ import annotations

import json
import unittest
from typing import Any

from agent_sessions.turso.driver import hrana

BEGIN = {"type": "step_begin", "step": 0, "cols": [{"name": "one", "decltype": None}]}
ROW = {"type": "row", "row": [{"type": "integer", "value": "1"}]}
END = {"type": "step_end", "affected_row_count": 0, "last_insert_rowid": None}


def lines(*entries: Any) -> bytes:
    return b"\n".join(json.dumps(entry).encode() for entry in ({"baton": "b"}, *entries))


class CursorAnswerTests(unittest.TestCase):
    """Answers of v3/cursor."""

    def test_rows(self) -> None:
        """Lines become one result."""
        first, result, error = hrana.result_of_cursor(lines(BEGIN, ROW, ROW, END))

        self.assertEqual(first, {"baton": "b"})
        self.assertEqual(result, {"cols": BEGIN["cols"], "rows": [ROW["row"]] * 2})
        self.assertIsNone(error)

    def test_rows_that_break_off(self) -> None:
        """Incomplete rows are an error."""
        for body in (lines(BEGIN, ROW), lines(BEGIN, ROW)[:-5], b""):
            with self.subTest(body=body), self.assertRaises(ValueError):
                hrana.result_of_cursor(body)

    def test_not_executed(self) -> None:
        """A step whose condition did not hold has no result."""
        self.assertEqual(hrana.result_of_cursor(lines()), ({"baton": "b"}, None, None))

    def test_errors(self) -> None:
        """An error of the step, or of the batch, replaces the rows."""
        for kind in ("step_error", "error"):
            entry = {"type": kind, "error": {"message": "wrong"}}
            _, result, error = hrana.result_of_cursor(lines(BEGIN, ROW, entry))
            self.assertEqual((result, error), (None, {"message": "wrong"}))


class PipelineAnswerTests(unittest.TestCase):
    """Answers of v3/pipeline."""

    requests = [hrana.execute({"sql": "SELECT 1"}), hrana.batch([hrana.step({})]), hrana.CLOSE]
    results: list[Any] = [
        {"type": "ok", "response": {"result": {"cols": [], "rows": []}}},
        {"type": "ok", "response": {"result": {"step_results": [None], "step_errors": [None]}}},
        {"type": "ok"},
    ]

    def test_answers(self) -> None:
        """Each request has one result or its error."""
        error = {"type": "error", "error": {"message": "wrong"}}
        for results in (self.results, [error] * 3):
            found = hrana.results_of({"results": results}, self.requests)
            self.assertEqual(found, results)

    def test_strange_answers(self) -> None:
        """Too few results, too many, or some in another form are an error."""
        one, two, three = self.results
        short = {"type": "ok", "response": {"result": {"step_results": [], "step_errors": []}}}
        for results in (
            [],
            [one, two],
            [one, two, three, three],
            [two, one, three],
            [one, short, three],
            [one, two, {"type": "none"}],
            [{"type": "error"}, two, three],
        ):
            with self.subTest(results=results), self.assertRaises(ValueError):
                hrana.results_of({"results": results}, self.requests)

    def test_messages(self) -> None:
        """Only the texts of errors are changed, and all of them."""
        error = {"message": "wrong", "code": "X"}
        batch = {"step_results": [None], "step_errors": [None, {"message": "wrong"}]}
        results = [
            {"type": "error", "error": error},
            {"type": "ok", "response": {"result": batch}},
            {"type": "ok", "response": {"type": "close"}},
        ]

        hrana.change_messages(results, str.swapcase)

        self.assertEqual(error, {"message": "WRONG", "code": "x"})
        self.assertEqual(batch["step_errors"], [None, {"message": "WRONG"}])
