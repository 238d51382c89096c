"""text.markdown: Markdown as HTML that is safe to show."""

from __future__ import annotations

from django.test import SimpleTestCase

from agent_sessions.text.markdown import LONGEST, render


class RenderTests(SimpleTestCase):
    """render()."""

    def test_structure(self) -> None:
        """Lists, emphasis and tables become HTML."""
        text = "1. **Jazz** at *eight*\n\n| a | b |\n|---|---|\n| 1 | 2 |"

        html = render(text)

        self.assertInHTML("<li><strong>Jazz</strong> at <em>eight</em></li>", html)
        self.assertInHTML("<td>2</td>", html)

    def test_html(self) -> None:
        """HTML tags are shown as text."""
        html = render("<script>alert(1)</script> and <b onclick=x>bold</b>\n\n<iframe src=x>")

        self.assertNotIn("<script", html)
        self.assertNotIn("<b ", html)
        self.assertNotIn("<iframe", html)
        self.assertIn("&lt;script&gt;", html)

    def test_link(self) -> None:
        """A link opens in a new tab, and sends the other site no referrer and no rank."""
        html = render("[site](https://example.org/?a=1&b=2)")

        self.assertInHTML(
            '<a href="https://example.org/?a=1&amp;b=2" rel="noopener noreferrer nofollow" '
            'target="_blank">site</a>',
            html,
        )

    def test_unsafe_links(self) -> None:
        """Addresses other than http, https and mailto are not links."""
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

    def test_safe_links(self) -> None:
        """http, https and mailto addresses are links, in upper or lower case."""
        for address in ["http://example.org", "HTTPS://example.org", "mailto:a@example.org"]:
            with self.subTest(address):
                self.assertIn("<a href=", render(f"[x]({address})"))

    def test_quote_in_an_address(self) -> None:
        """A quote in an address does not end the attribute."""
        html = render('[x](<https://example.org/" onmouseover="alert(1)>)')

        self.assertNotIn('" onmouseover', html)

    def test_image(self) -> None:
        """An image is replaced by its alternative text, so that nothing is loaded."""
        html = render('![a <b> "map"](https://example.org/spy.png)')

        self.assertNotIn("<img", html)
        self.assertNotIn("spy.png", html)
        self.assertIn("a &lt;b&gt; &quot;map&quot;", html)

    def test_headings(self) -> None:
        """A heading becomes bold text, outside the outline of the page."""
        html = render("# Jazz\n\nTonight\n---")

        self.assertInHTML("<p><strong>Jazz</strong></p>", html)
        self.assertInHTML("<p><strong>Tonight</strong></p>", html)

    def test_alignment(self) -> None:
        """Table columns are aligned without a style attribute, which the policy forbids."""
        html = render("|a|b|\n|-:|-|\n|1|2|")

        self.assertInHTML('<td align="right">1</td>', html)
        self.assertNotIn("style", html)

    def test_invisible_characters(self) -> None:
        """Invisible characters are named, even if written as entities."""
        html = render("a \u202e b &#x202E; c \ud83d [x](https://example.org/\u200b)")

        self.assertIn("a ⟨U+202E⟩ b ⟨U+202E⟩ c \ufffd", html)

    def test_long_text(self) -> None:
        """A text that is too long to parse is shown escaped."""
        html = render("**a** <b>" + "[" * LONGEST)

        self.assertTrue(html.startswith("<pre>**a** &lt;b&gt;"))
