"""Hostile content in sessions: no page fails, runs a script or loads anything."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.test import TestCase, override_settings
from django.utils.http import urlencode

from tests.admin import hostile_corpus
from tests.admin.browser_testcase import LIST, AdminBrowserTestCase, page_of
from tests.admin.hostile_texts import CHARACTERS, MARKUP, TEMPLATES
from tests.admin.html_audit import read
from tests.admin.session_builder import user
from tests.admin.witness import Witness

pytestmark = pytest.mark.exhaustive

PAGES = (
    "/export/html/",
    "/export/markdown/",
    "/export/json/",
    "/export/jsonl/",
    "/purge/",
    "/delete/",
    "/history/",
    "/item/",
)
PLAIN = r"\A[ -~]*\Z"
# Types of which browsers execute nothing.
INERT = re.compile(
    "image/(png|jpeg|gif|webp)$|text/(plain|markdown)|application/(json|jsonl|x-ndjson|octet-stream)"
)
HEADERS = {
    "Cache-Control",
    "Content-Disposition",
    "Content-Length",
    "Content-Security-Policy",
    "Content-Type",
    "Cross-Origin-Opener-Policy",
    "Cross-Origin-Resource-Policy",
    "Expires",
    "Last-Modified",
    "Referrer-Policy",
    "Vary",
    "X-Content-Type-Options",
    "X-Frame-Options",
}
UNFOLD = """() => {
  for (const folded of document.querySelectorAll("details")) folded.open = true;
  for (const image of document.images) image.loading = "eager";
}"""
HOLES = (
    "<script>window.hacked = 1</script>",
    "<img src=https://evil.example/x.png>",
    "<img src=/static/nowhere onerror='window.hacked = 1'>",
    "<script>alert(1)</script>",
    "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'\"><p style=color:red>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
)


@override_settings(ROOT_URLCONF="tests.admin_urls")
class HostileTests(TestCase):
    """Responses of the server, audited."""

    def setUp(self) -> None:
        self.client.force_login(get_user_model().objects.create_superuser("root"))

    def look(self, address: str) -> list[str]:
        """Get an address, audit the response, and return its links."""
        response = self.client.get(address)
        # Data that is not an attachment is a 404.
        refusal = [404] if "/media/" in address else []
        self.assertIn(response.status_code, [200, *refusal], address)
        self.assertLessEqual({*response.headers}, HEADERS, address)
        self.assertIn("default-src 'none'", response.headers["Content-Security-Policy"], address)
        disposition = response.headers.get("Content-Disposition", "")
        self.assertRegex(disposition, PLAIN, address)
        body = b"".join(response) if response.streaming else response.content
        kind = response.headers["Content-Type"]
        if not kind.startswith("text/html"):
            self.assertRegex(kind, INERT, address)
            self.assertEqual(response.headers["X-Content-Type-Options"], "nosniff", address)
            return []
        faults, links = read(body.decode(), stands_alone=disposition.startswith("attachment"))
        self.assertEqual(faults, [], address)
        return links

    def below(self, start: str) -> list[str]:
        """Audit a page, and return the addresses of its links and images below the same path."""
        path = start.partition("?")[0]
        whole = (path + link if link.startswith("?") else link for link in self.look(start))
        addresses = dict.fromkeys(address.partition("#")[0] for address in whole)
        return [one for one in addresses if one.startswith(path.removesuffix("change/"))]

    def test_corpus(self) -> None:
        """The corpus has at least 60 entries."""
        self.assertGreaterEqual(len(hostile_corpus.CORPUS), 60)

    def test_each_alone(self) -> None:
        """For each entry: the session's page, and pages that it links to."""
        for name, entry in hostile_corpus.CORPUS.items():
            with self.subTest(name):
                found = self.below(page_of(hostile_corpus.store(name, entry)))

                chosen = [one for one in found if "/export/html/" in one]
                chosen += [one for one in found if "/item/" in one][:1]
                chosen += [one for one in found if "/media/" in one][:3]
                self.assertGreater(len(chosen), 1)
                for address in chosen:
                    self.look(address)

    def test_facts(self) -> None:
        """For each entry with hostile fields or rows: every page of the session."""
        for name, entry in {**hostile_corpus.FACTS, **hostile_corpus.ROWS}.items():
            with self.subTest(name):
                found = self.below(page_of(hostile_corpus.store(name, entry)))

                for page in PAGES:
                    self.assertTrue(any(page in address for address in found), page)
                for address in found:
                    self.look(address)

    def test_all_together(self) -> None:
        """For the whole corpus as one session: the first window, and every export."""
        address = page_of(hostile_corpus.store_all("all"))

        self.look(f"{address}?after=0")
        for found in self.below(address):
            if any(page in found for page in PAGES[:-1]):
                self.look(found)

    def test_list(self) -> None:
        """The list of all entries, with every filter."""
        for name, entry in hostile_corpus.CORPUS.items():
            hostile_corpus.store(name, entry)

        for address in self.below(LIST):
            if "/change/" not in address:
                self.look(address)

    def test_searches(self) -> None:
        """Searches for hostile texts, in the list and in a session."""
        hostile_corpus.store("one", hostile_corpus.Hostile(items=(user("Any jazz?"),)))
        for name, text in {**MARKUP, **TEMPLATES, **CHARACTERS}.items():
            with self.subTest(name):
                words = text[:1_000].encode(errors="replace").decode()
                self.look(f"{LIST}?{urlencode({'q': words})}")
                self.look(f"{page_of('one')}?{urlencode({'find': words})}")


class HostileBrowserTests(AdminBrowserTestCase):
    """The pages in a browser."""

    seeds = ("hostile",)

    def setUp(self) -> None:
        self.context = self.visitor()
        self.witness = Witness(self.context, self.base)
        self.page = self.context.new_page()

    def look(self, address: str) -> None:
        """Open a page and unfold everything in it."""
        response = self.page.goto(self.base + address)
        assert response is not None
        self.assertEqual(response.status, 200, address)
        self.page.evaluate(UNFOLD)
        self.page.wait_for_function("() => [...document.images].every(image => image.complete)")
        self.witness.hacked(self.page)

    def test_list(self) -> None:
        """The list runs and loads nothing."""
        self.look(LIST)

        self.assertEqual(self.witness.complaints, [])

    def test_conversation(self) -> None:
        """No window runs or loads anything, with everything unfolded."""
        address, windows = page_of("hostile"), 0
        while address:
            self.look(address)
            windows += 1
            earlier = self.page.get_by_role("link", name="Earlier", exact=True)
            href = earlier.first.get_attribute("href") if earlier.count() else None
            address = page_of("hostile") + href if href else ""

        self.assertGreater(windows, 10)
        self.assertEqual(self.witness.complaints, [])

    def test_export(self) -> None:
        """The exported web page, opened as a local file, runs and loads nothing."""
        address = page_of("hostile").replace("/change/", "/export/html/")
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "export.html"
            file.write_bytes(self.context.request.get(self.base + address).body())
            witness = Witness(context := self.browser.new_context(), file.as_uri())
            self.addCleanup(context.close)
            page = context.new_page()

            page.goto(file.as_uri())
            page.evaluate(UNFOLD)
            witness.hacked(page)

        self.assertEqual(witness.complaints, [])

    def test_witness(self) -> None:
        """The witness notices each kind of hole."""
        for hole in HOLES:
            context = self.visitor()
            witness = Witness(context, self.base)
            page = context.new_page()
            page.set_content(f"<!doctype html><title>t</title>{hole}")
            witness.hacked(page)

            self.assertTrue(witness.complaints, hole)
