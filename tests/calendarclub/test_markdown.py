"""The model's Markdown is shown as it was meant, and can do nothing else."""

from __future__ import annotations

from django.test import SimpleTestCase

from calendarclub.chat.markdown import render


class RenderTests(SimpleTestCase):
    def test_structure(self) -> None:
        """Lists, emphasis and tables become HTML."""
        text = "1. **Jazz** at *eight*\n\n| a | b |\n|---|---|\n| 1 | 2 |"

        html = render(text)

        self.assertInHTML("<li><strong>Jazz</strong> at <em>eight</em></li>", html)
        self.assertInHTML("<td>2</td>", html)

    def test_html(self) -> None:
        """Tags that the model wrote are shown as text."""
        html = render("<script>alert(1)</script> and <b onclick=x>bold</b>\n\n<iframe src=x>")

        self.assertNotIn("<script", html)
        self.assertNotIn("<b ", html)
        self.assertNotIn("<iframe", html)
        self.assertIn("&lt;script&gt;", html)

    def test_link(self) -> None:
        """A link tells the other site nothing and lends it no rank."""
        html = render("[site](https://example.org/?a=1&b=2)")

        self.assertInHTML(
            '<a href="https://example.org/?a=1&amp;b=2" rel="noopener noreferrer nofollow" '
            'target="_blank">site</a>',
            html,
        )

    def test_links_that_lead_nowhere_good(self) -> None:
        """Only http, https and mailto become links."""
        refused = [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "java&#115;cript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "//example.org",
            "http",
            "/admin/",
            "file:///etc/passwd",
        ]

        for address in refused:
            with self.subTest(address):
                self.assertNotIn("<a", render(f"[x]({address}) <{address}>"))

    def test_links_that_are_fine(self) -> None:
        """The web and mail can be linked, in any case of letters."""
        for address in ["http://example.org", "HTTPS://example.org", "mailto:a@example.org"]:
            with self.subTest(address):
                self.assertIn("<a href=", render(f"[x]({address})"))

    def test_attribute_cannot_be_left(self) -> None:
        """A quote in an address does not end its attribute."""
        html = render('[x](<https://example.org/" onmouseover="alert(1)>)')

        self.assertNotIn('" onmouseover', html)

    def test_image(self) -> None:
        """An image is its alternative text, and nothing is loaded."""
        html = render('![a <b> "map"](https://example.org/spy.png)')

        self.assertNotIn("<img", html)
        self.assertNotIn("spy.png", html)
        self.assertIn("a &lt;b&gt; &quot;map&quot;", html)
