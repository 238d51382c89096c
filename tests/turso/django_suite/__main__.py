"""Run Django's own test suite on the engine, on a libSQL server that is started for it.

    python -m tests.turso.django_suite                     # the 60 labels that concern an engine
    python -m tests.turso.django_suite --ci                # the labels that .ci/run runs
    python -m tests.turso.django_suite queries schema.tests.SchemaTests --parallel 2
    python -m tests.turso.django_suite --engine sqlite3    # Django's own backend, to compare

It downloads the tests of the installed Django into .django-suite/, and stores each test's outcome
there. It prints a table with a row for each label and, once both engines have run, the tests that
pass on SQLite only. Expected failures and skips are declared in agent_sessions/turso/features.py
and nowhere else. The exit code is 0 if nothing else fails.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import django

from tests.turso.django_suite import labels
from tests.turso.django_suite.sources import CACHE, tests_of_django
from tests.turso.server import ROOT, Server

KINDS = ("passed", "failed", "errors", "skipped", "expected failures")
Outcomes = dict[str, list[str]]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.turso.django_suite",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("labels", nargs="*", help="apps, modules, classes or tests of the suite")
    parser.add_argument("--ci", action="store_true", help=" ".join(labels.CI))
    parser.add_argument("--engine", choices=["turso", "sqlite3"], default="turso")
    parser.add_argument("--parallel", type=int, default=1, metavar="N", help="processes")
    chosen = parser.parse_args()
    asked = chosen.labels or (labels.CI if chosen.ci else labels.ALL)
    outcomes_file = _outcomes_file(chosen.engine)
    outcomes_file.unlink(missing_ok=True)
    code = run(asked, chosen.engine, chosen.parallel, outcomes_file)
    if not outcomes_file.exists():
        return code or 1
    outcomes = json.loads(outcomes_file.read_text())
    sys.stdout.write(table(outcomes) + passing_on_sqlite_alone(outcomes, chosen.engine))
    return code


def run(asked: list[str], engine: str, processes: int, outcomes_file: Path) -> int:
    """Run Django's runtests.py and return its exit code."""
    folder = tests_of_django()
    command = [sys.executable, "runtests.py", "--noinput", f"--parallel={processes}"]
    command += ["--settings=tests.turso.django_suite.settings", *asked]
    with ExitStack() as stack:
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "DJANGO_SUITE_ENGINE": engine,
            "DJANGO_SUITE_OUTCOMES": str(outcomes_file),
        }
        if engine == "turso":
            server = stack.enter_context(Server())
            environment["DJANGO_SUITE_URL"] = server.url("NAME")
            environment["DJANGO_SUITE_ADMIN_URL"] = server.admin_url
        return subprocess.run(command, cwd=folder, env=environment).returncode


def table(outcomes: Outcomes) -> str:
    """Return the number of tests of each label for each kind of outcome, as Markdown."""
    counts = {kind: Counter(name.split(".")[0] for name in outcomes[kind]) for kind in KINDS}
    rows = [[f"Django {django.get_version()}", *KINDS]]
    for label in sorted(set().union(*counts.values())):
        rows.append([label, *(str(counts[kind][label]) for kind in KINDS)])
    rows.append(["all", *(str(counts[kind].total()) for kind in KINDS)])
    rows.insert(1, ["---", *("---:" for _ in KINDS)])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def passing_on_sqlite_alone(outcomes: Outcomes, engine: str) -> str:
    """Return the tests that pass on sqlite3 and not here, if the labels have run on sqlite3."""
    baseline = _outcomes_file("sqlite3")
    if engine == "sqlite3" or not baseline.exists():
        return ""
    passed = set(json.loads(baseline.read_text())["passed"])
    here = [(name, kind) for kind in KINDS[1:] for name in outcomes[kind] if name in passed]
    lines = [f"\n{len(here)} tests pass on sqlite3 alone:", *(f"{n}: {k}" for n, k in sorted(here))]
    return "\n".join(lines) + "\n"


def _outcomes_file(engine: str) -> Path:
    CACHE.mkdir(exist_ok=True)
    return CACHE / f"outcomes-{django.get_version()}-{engine}.json"


if __name__ == "__main__":
    sys.exit(main())
