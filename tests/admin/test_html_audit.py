"""html_audit: the markup that it passes, and the markup that it reports."""

from __future__ import annotations

from django.test import SimpleTestCase

from tests.admin.html_audit import read

HARMLESS = [
    "<p class=x>words &lt;script&gt;</p>",
    "<a href='/admin/'>a</a><a href='?before=1'>b</a><a href='https://a.example/'>c</a>",
    "<script src='/static/x.js'></script><script type='application/json'>{}</script>",
    "<img src='/admin/media/1'><link rel=stylesheet href='/static/x.css'>",
    "<form action='/admin/' method=post></form><form action='?x'></form>",
    "<meta name=viewport content=x><!-- <script>1</script> -->",
    "<svg><title>t</title><rect width=1></rect></svg>",
]
HOLES = [
    "<script>1</script>",
    "<script src='https://evil.example/x.js'></script>",
    "<SCRIPT SRC=//evil.example></SCRIPT>",
    "<img src='https://evil.example/x.png'>",
    "<img src='\\\\evil.example/x.png'>",
    "<img src='data:image/svg+xml,x'>",
    "<img src=/x onerror=1>",
    "<img srcset='https://evil.example/x 1x'>",
    "<a href='javascript:1'>",
    "<a href='\x01 java\nscript:1'>",
    "<a href='&#106;avascript&colon;1'>",
    "<a href='data:text/html,x'>",
    "<svg><a xlink:href='javascript:1'></a></svg>",
    "<svg><image href='https://evil.example/x'></svg>",
    "<form action='https://evil.example'>",
    "<button formaction='javascript:1'>",
    "<p style='color:red'>",
    "<style>p{}</style>",
    "<iframe src=/x></iframe>",
    "<object data=/x></object>",
    "<base href=/>",
    "<meta http-equiv=refresh content=0>",
    "<video poster='//evil.example/x'></video>",
    "<link rel=stylesheet href='http://evil.example/x.css'>",
]


class MarkupTests(SimpleTestCase):
    def test_harmless(self) -> None:
        """The markup of the admin's pages passes."""
        for html in HARMLESS:
            self.assertEqual(read(html)[0], [], html)

    def test_holes(self) -> None:
        """Markup that runs, loads or sends something is reported."""
        for html in HOLES:
            self.assertTrue(read(html)[0], html)

    def test_standing_alone(self) -> None:
        """A file may contain styles, a policy and images, but may load nothing."""
        own = "<meta http-equiv=Content-Security-Policy><style></style>"
        picture = "<img src='data:image/png;base64,AAAA'>"

        self.assertEqual(read(own + picture, stands_alone=True)[0], [])
        self.assertTrue(read("<img src=/x>", stands_alone=True)[0])
        self.assertTrue(read("<script src=/x></script>", stands_alone=True)[0])

    def test_read(self) -> None:
        """The addresses of links are returned once each, decoded."""
        html = "<a href='/a?x=1&amp;y=2'>1</a><a href='/a?x=1&y=2'>2</a><img src=/b>"

        self.assertEqual(read(html)[1], ["/a?x=1&y=2", "/b"])
