"""The documentation: its examples run, and it is complete."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from types import CodeType
from typing import Any

from agents import Agent
from agents.testing import ModelStep, ScriptedModel, assistant_message
from asgiref.sync import sync_to_async
from django.contrib.auth.models import AnonymousUser, User
from django.test import RequestFactory, SimpleTestCase, TransactionTestCase, override_settings

from agent_sessions import SessionOwnershipError, checks
from agent_sessions.checks import SETTINGS
from tests.model_input import last_input
from tests.readme_project import blocks

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def examples(page: Path) -> list[str]:
    """Return the Python blocks of a page that are not files for tests.readme_project."""
    code = re.findall(r"^```python\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [block for block in code if not block.startswith("# mysite/")]


def compiled(code: str) -> CodeType:
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    code_object: CodeType = compile(code, "example", "exec", flags=flags, dont_inherit=True)
    return code_object


class ExampleTests(TransactionTestCase):
    """The Python blocks of each page, run in order."""

    async def test_examples(self) -> None:
        """Every example runs unchanged."""
        for page in PAGES:
            names = await self.names()
            for code in examples(page):
                with self.subTest(page=page.name, code=code):
                    result = eval(compiled(code), names)
                    if inspect.isawaitable(result):
                        await result

    async def names(self) -> dict[str, Any]:
        """Return the names that examples may use: an agent, users and a key."""
        await User.objects.all().adelete()
        answer = ModelStep.respond(lambda call: [assistant_message("The Copper Lantern.")])
        return {
            "__name__": "example",
            "agent": Agent("Calendar Club", model=ScriptedModel([answer] * 9)),
            "user": await User.objects.acreate(username="annelies"),
            "other_user": await User.objects.acreate(username="bart"),
            "key": "a key for tests only",
            "print": lambda *values: None,
        }


class ReadmeTests(TransactionTestCase):
    """README.md: its view and its commands."""

    async def test_view(self) -> None:
        """The view answers, remembers the conversation, and refuses other users."""
        files = {block.file: block.code for block in blocks("README.md") if "mysite/" in block.code}
        names: dict[str, Any] = {"__name__": "example"}
        exec(compiled(files["mysite/views.py"]), names)
        pages = {"chat.html": files["mysite/templates/chat.html"]}
        loaders = [("django.template.loaders.locmem.Loader", pages)]
        engine = {"BACKEND": "django.template.backends.django.DjangoTemplates"}
        self.enterContext(
            override_settings(TEMPLATES=[{**engine, "OPTIONS": {"loaders": loaders}}])
        )
        model = ScriptedModel([[assistant_message("Hello!")], [assistant_message("Again!")]])
        names["agent"].model = model
        user = await User.objects.acreate(username="annelies")

        async def say(message: str, user: Any) -> Any:
            request = RequestFactory().post("/chat/one/", {"message": message})
            request.user, request.auser = user, sync_to_async(lambda: user)
            return await names["chat"](request, "one")

        self.assertIn("<p>Hello!</p>", (await say("Hi", user)).content.decode())
        self.assertIn("<p>Again!</p>", (await say("Still there?", user)).content.decode())
        self.assertEqual(len(last_input(model)), 3)
        self.assertEqual((await say("Hi", AnonymousUser())).status_code, 302)
        with self.assertRaises(SessionOwnershipError):
            await say("Hi", await User.objects.acreate(username="bart"))

    def test_commands(self) -> None:
        """The test command that CI takes from README is there once, alone on its line."""
        lines = PAGES[0].read_text("utf-8").splitlines()

        found = [line for line in lines if re.match(r"python3 -m venv .* -m pytest .*$", line)]
        self.assertEqual(len(found), 1)


class CompletenessTests(SimpleTestCase):
    """Names of the code that pages have to list."""

    def test_every_check(self) -> None:
        """Each id that a check can report has a heading, and there is no other heading."""
        ids = re.findall(r'id="(agent_sessions\.\w+)"', inspect.getsource(checks))
        headings = re.findall(r"^## (.+)$", (ROOT / "docs/checks.md").read_text("utf-8"), re.M)

        self.assertCountEqual(headings, ids)

    def test_every_setting(self) -> None:
        """Each setting has a row."""
        page = (ROOT / "docs/settings.md").read_text("utf-8")

        self.assertCountEqual(re.findall(r"^\| `(\w+)`", page, re.M), SETTINGS)

    def test_reading_order(self) -> None:
        """The core is read in an hour: its files are there, and have few enough words."""
        page = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
        core = page.partition("## A reading order")[2].partition("The core uses a few names")[0]
        words = 0
        for files, lines in re.findall(r"^\| (`.+`) \| (\d+) \|", core, re.M):
            texts = [
                (ROOT / "agent_sessions" / name).read_text("utf-8")
                for name in re.findall("`(.+?)`", files)
            ]
            words += sum(len(text.split()) for text in texts)
            counted = sum(len(text.splitlines()) for text in texts)
            self.assertAlmostEqual(int(lines), counted, delta=counted / 5, msg=files)

        self.assertGreater(words, 10_000)
        self.assertLessEqual(words, 12_000)

    def test_named_files(self) -> None:
        """Each module that CONTRIBUTING names is there."""
        page = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
        for name in {*re.findall(r"`([\w/]+\.py)`", page)}:
            found = [
                folder for folder in (ROOT, ROOT / "agent_sessions") if (folder / name).exists()
            ]
            self.assertTrue(found, name)

    def test_links(self) -> None:
        """Every page and picture that is linked to exists."""
        for page in PAGES:
            for target in re.findall(r"\]\(([^)#:]+)[^):]*\)", page.read_text("utf-8")):
                self.assertTrue((page.parent / target).exists(), f"{page.name}: {target}")
