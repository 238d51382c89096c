"""Django's test runner, which writes each test's outcome to a file."""

from __future__ import annotations

import json
import os
import re
import unittest
from pathlib import Path
from typing import Any

from django.test.runner import DiscoverRunner


class Outcomes(unittest.TextTestResult):
    """A result that lists the tests of each kind of outcome."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.passed: list[str] = []

    def addSuccess(self, test: unittest.TestCase) -> None:  # noqa: N802  # unittest's name
        super().addSuccess(test)
        self.passed.append(test.id())

    def all(self) -> dict[str, list[str]]:
        return {
            "passed": self.passed,
            "failed": _ids(self.failures) + [test.id() for test in self.unexpectedSuccesses],
            "errors": _ids(self.errors),
            "skipped": _ids(self.skipped),
            "expected failures": _ids(self.expectedFailures),
        }


class CountingRunner(DiscoverRunner):
    def get_resultclass(self) -> type[unittest.TextTestResult]:
        return super().get_resultclass() or Outcomes

    def suite_result(self, suite: Any, result: Any, **kwargs: Any) -> int:
        outcomes = {
            kind: [_of_a_test(name) for name in names] for kind, names in result.all().items()
        }
        Path(os.environ["DJANGO_SUITE_OUTCOMES"]).write_text(json.dumps(outcomes, indent=1))
        return int(super().suite_result(suite, result, **kwargs))


def _ids(pairs: list[tuple[Any, str]]) -> list[str]:
    return [test.id() for test, _ in pairs]


def _of_a_test(name: str) -> str:
    """Return the class for an outcome outside of its tests: a.b.C for "setUpClass (a.b.C)"."""
    found = re.fullmatch(r"\w+ \((.+)\)", name)
    return found[1] if found else name
