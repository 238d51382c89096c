"""Untrusted Markdown as safe HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt

from agent_sessions.text.visible import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.renderer import RendererProtocol
    from markdown_it.token import Token

LINK_SCHEMES = {"http", "https", "mailto"}

# For some texts the parser takes quadratic time.
LONGEST = 20_000


def render(text: str) -> SafeString:
    """Return `text` as HTML, with HTML tags in it escaped, that loads nothing.

    Only links to http, https and mailto are kept, and they send no referrer. An image becomes its
    alternative text, and a heading a bold paragraph, so that the outline of the page stays the
    same. Text of more than 20,000 characters is shown as it was written.
    """
    text = visible(text)
    if len(text) > LONGEST:
        return format_html("<pre>{}</pre>", text)
    # Safe because the parser, with html off, escapes the text. It decodes character references
    # such as &#x202E;, so the result goes through visible() again.
    return SafeString(visible(_PARSER.render(text)))


def _link_is_allowed(url: str) -> bool:
    scheme, colon, _ = url.partition(":")
    return bool(colon) and scheme.lower() in LINK_SCHEMES


def _render_link(
    renderer: RendererProtocol, tokens: Sequence[Token], index: int, options: Any, env: Any
) -> str:
    href = escape(tokens[index].attrs["href"])
    return f'<a href="{href}" rel="noopener noreferrer nofollow" target="_blank">'


def _render_image(
    renderer: RendererProtocol, tokens: Sequence[Token], index: int, options: Any, env: Any
) -> str:
    # An image would tell another server who reads this and when.
    return escape(tokens[index].content)


def _render_cell(
    renderer: RendererProtocol, tokens: Sequence[Token], index: int, options: Any, env: Any
) -> str:
    # The parser's style attribute would violate a content security policy.
    alignment = str(tokens[index].attrs.get("style", "")).removeprefix("text-align:")
    tag = tokens[index].tag
    return f'<{tag} align="{escape(alignment)}">' if alignment else f"<{tag}>"


def _begin_heading(*args: Any) -> str:
    return "<p><strong>"


def _end_heading(*args: Any) -> str:
    return "</strong></p>\n"


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True})
    parser.enable(["table", "strikethrough"])
    parser.validateLink = _link_is_allowed  # type: ignore[method-assign]  # its documented hook
    parser.add_render_rule("link_open", _render_link)
    parser.add_render_rule("image", _render_image)
    parser.add_render_rule("th_open", _render_cell)
    parser.add_render_rule("td_open", _render_cell)
    parser.add_render_rule("heading_open", _begin_heading)
    parser.add_render_rule("heading_close", _end_heading)
    return parser


_PARSER = _parser()
