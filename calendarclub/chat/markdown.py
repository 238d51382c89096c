"""The model's Markdown as HTML that is safe to show, whatever the model wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.html import escape
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.renderer import RendererProtocol
    from markdown_it.token import Token

LINK_SCHEMES = {"http", "https", "mailto"}


def render(text: str) -> SafeString:
    """Return `text` as HTML: tags in it are shown, not obeyed, and nothing is loaded for it.

    Links lead to http, https and mailto alone and pass nothing on about this page; an image is
    its alternative text.
    """
    # The parser, with html off, escapes all that the model wrote: that makes it safe.
    return SafeString(_PARSER.render(text))


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
    # An image would tell a foreign server who reads this and when.
    return escape(tokens[index].content)


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True})
    parser.enable(["table", "strikethrough"])
    parser.validateLink = _link_is_allowed  # type: ignore[method-assign]  # its documented hook
    parser.add_render_rule("link_open", _render_link)
    parser.add_render_rule("image", _render_image)
    return parser


_PARSER = _parser()
