"""Who may import whom, what is loaded when, and the shape of the code."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from django.test import SimpleTestCase

import agent_sessions

ROOT = Path(agent_sessions.__file__).parent
SDK_AT_RUN_TIME = {
    "session.py",
    "recording.py",
    "run_results.py",
    "testing.py",
    "compaction.py",
    "compaction_hooks.py",
}
DRIVERS = {"django", "libsql", "urllib3"}
WITHOUT_MODELS: tuple[str, ...] = ("items/", "text/", "usage/")
WITHOUT_MODELS += (
    "arguments.py",
    "concurrency.py",
    "conf.py",
    "exceptions.py",
    "fields.py",
    "history.py",
    "known_sessions.py",
    "signals.py",
    "transcript.py",
    "turns/rows.py",
)


def imports(path: Path) -> Iterator[str]:
    """Yield the modules that a file imports when it runs, at its top or later."""
    for node in running(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def running(node: ast.AST) -> Iterator[ast.AST]:
    """Walk a tree, except the blocks of `if TYPE_CHECKING:`."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield from running(child)


@cache
def files(*, under: Path = ROOT) -> dict[str, list[str]]:
    return {str(path.relative_to(under)): [*imports(path)] for path in sorted(under.rglob("*.py"))}


def room_of(module: str) -> str:
    """Return the room of a module: its folder, or the module itself if its folder has rooms.

    models/operations/ is a part of the room models: its queryset is the manager of Session.
    """
    parts = module.split(".")[1:]
    if parts[:1] == ["models"]:
        return "models"
    is_folder = (ROOT / Path(*parts)).is_dir()
    folder = parts if is_folder else parts[:-1]
    return ".".join(parts if folder in ([], ["admin"]) else folder)


def room_graph() -> dict[str, set[str]]:
    """Return the rooms that each room imports, also for types and inside functions."""
    modules = {
        ".".join(("agent_sessions", *path.with_suffix("").parts)).removesuffix(".__init__"): path
        for path in (file.relative_to(ROOT) for file in ROOT.rglob("*.py"))
    }
    graph: dict[str, set[str]] = {}
    for module, path in modules.items():
        for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or not node.module or "." not in module:
                continue
            for name in (f"{node.module}.{alias.name}" for alias in node.names):
                imported = name if name in modules else node.module
                if imported in modules and "." in imported:
                    graph.setdefault(room_of(module), set()).add(room_of(imported))
    return graph


class ShapeTests(SimpleTestCase):
    """The shape of the code, for its readers."""

    def definitions(self, kind: Any, root: Path) -> Iterator[tuple[str, Any]]:
        for path in sorted(root.rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, kind):
                    yield str(path.relative_to(root.parent)), node

    def test_no_circles(self) -> None:
        """No room imports a room that imports it, directly or through others."""
        graph = {room: rooms - {room} for room, rooms in room_graph().items()}

        order = [*TopologicalSorter(graph).static_order()]  # raises CycleError

        self.assertLess(order.index("items"), order.index("models"))
        self.assertLess(order.index("models"), order.index("session"))

    def test_no_long_functions(self) -> None:
        """No function has more than 40 lines."""
        for root in (ROOT, ROOT.parent / "calendarclub"):
            for path, node in self.definitions(ast.FunctionDef | ast.AsyncFunctionDef, root):
                with self.subTest(path=path, function=node.name):
                    self.assertLessEqual(node.end_lineno - node.lineno + 1, 40)

    def test_no_names_twice(self) -> None:
        """No two classes have one name, except those that Django gives a name."""
        by_django = {"Meta", "Migration", "Command", "Media"}
        names: dict[str, str] = {}
        for root in (ROOT, ROOT.parent / "calendarclub"):
            for path, node in self.definitions(ast.ClassDef, root):
                if node.name not in by_django:
                    self.assertNotIn(node.name, names, path)
                    names[node.name] = path


class ImportTests(SimpleTestCase):
    """The rooms and their doors."""

    def test_sdk(self) -> None:
        """The SDK, which takes seconds to import, is imported by few."""
        users = {
            name
            for name, modules in files().items()
            if any(module.split(".")[0] == "agents" for module in modules)
        }

        self.assertLessEqual(users, SDK_AT_RUN_TIME)
        self.assertIn("session.py", users)

    def test_pure_modules(self) -> None:
        """Modules that work on values alone import no models."""
        pure = [name for name in files() if name.startswith(WITHOUT_MODELS)]
        self.assertGreater(len(pure), len(WITHOUT_MODELS))
        for name in pure:
            for module in files()[name]:
                self.assertFalse(module.startswith("agent_sessions.models"), (name, module))

    def test_models_below_session(self) -> None:
        """Models never import the session, and nobody imports the admin."""
        for name, modules in files().items():
            if name.startswith("models/"):
                self.assertNotIn("agent_sessions.session", modules, name)
            is_there = any(module.startswith("agent_sessions.admin") for module in modules)
            self.assertFalse(is_there and not name.startswith("admin/"), name)

    def test_engine_knows_nothing_of_the_app(self) -> None:
        """The Turso engine imports Django, its driver and itself; nobody imports the engine."""
        for name, modules in files().items():
            ours = {module for module in modules if module.startswith("agent_sessions")}
            engine = {module for module in ours if module.startswith("agent_sessions.turso")}
            if name.startswith("turso"):
                self.assertEqual(ours, engine, name)
                others = {module.split(".")[0] for module in modules} - {"agent_sessions"}
                self.assertLessEqual(others - sys.stdlib_module_names, DRIVERS, name)
            else:
                self.assertEqual(engine, set(), name)

    def test_calendarclub_uses_public_names(self) -> None:
        """The example needs nothing but what the documentation offers to everybody."""
        public = {
            "agent_sessions",
            "agent_sessions.transcript",
            "agent_sessions.text",
            "agent_sessions.text.markdown",
        }
        public |= {f"agent_sessions.{name}" for name in agent_sessions.__all__}
        public |= {f"agent_sessions.transcript.{name}" for name in ("Entry", "entries", "entry")}
        for name, modules in files(under=ROOT.parent / "calendarclub").items():
            ours = {module for module in modules if module.startswith("agent_sessions")}
            self.assertLessEqual(ours, public, name)


class LoadingTests(SimpleTestCase):
    """What Django's own business loads, each in a fresh process."""

    def loads_the_sdk(self, code: str) -> bool:
        script = f"import django, sys; django.setup()\n{code}\nprint('agents' in sys.modules)"
        # The loaded modules do not depend on the database, so SQLite will do.
        environment = {**os.environ, "TEST_DATABASE": "sqlite"}
        answer = subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            check=True,
            env=environment,
            text=True,
        )
        return answer.stdout.split()[-1] == "True"

    def test_set_up_checks_admin_migrations(self) -> None:
        """Neither start-up nor the checks, the admin's pages or a migration wait for the SDK."""
        code = """
from django.conf import settings
from django.core.management import call_command
from django.test import Client

settings.ROOT_URLCONF = "tests.admin_urls"
settings.DATABASES["default"]["NAME"] = ":memory:"
settings.ALLOWED_HOSTS = ["*"]
call_command("check", "agent_sessions", verbosity=0)
call_command("migrate", verbosity=0)

from django.contrib.auth.models import User
from agent_sessions import Message, Session, SessionOwnershipError

Session.objects.append("one", [{"role": "user", "content": "Hi"}])
client = Client()
client.force_login(User.objects.create_superuser("root"))
for page in ("", "one/change/", "one/delete/"):
    assert client.get("/admin/agent_sessions/session/" + page).status_code == 200
"""
        self.assertFalse(self.loads_the_sdk(code))

    def test_the_session_loads_it(self) -> None:
        """The name that needs the SDK brings it along."""
        self.assertTrue(self.loads_the_sdk("from agent_sessions import DjangoSession"))


class PublicNameTests(SimpleTestCase):
    """The package's own namespace."""

    def test_every_public_name(self) -> None:
        """Every name that is promised is there, under its own name."""
        for name in agent_sessions.__all__:
            self.assertEqual(getattr(agent_sessions, name).__name__, name)
            self.assertIn(name, dir(agent_sessions))

    def test_unknown_name(self) -> None:
        """Another name is an AttributeError like anywhere."""
        with self.assertRaisesMessage(AttributeError, "has no attribute 'SqliteSession'"):
            agent_sessions.SqliteSession  # noqa: B018
