"""An audit of HTML: it reports whatever may run, load or send something."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urlsplit

NEVER = {"applet", "base", "embed", "frame", "iframe", "math", "object", "portal", "template"}
LOADING = {
    ("audio", "src"),
    ("image", "href"),
    ("image", "xlink:href"),
    ("img", "src"),
    ("input", "src"),
    ("link", "href"),
    ("script", "src"),
    ("source", "src"),
    ("track", "src"),
    ("use", "href"),
    ("video", "poster"),
    ("video", "src"),
}
SENDING = {("form", "action"), ("button", "formaction"), ("input", "formaction")}
FORBIDDEN = {"background", "ping", "srcdoc", "srcset", "style"}
PICTURE = re.compile("data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/]*=*")


def read(html: str, *, stands_alone: bool = False) -> tuple[list[str], list[str]]:
    """Return the faults of a page, and the addresses of its links and images, each once.

    A page that `stands_alone` is a file, which contains its styles and its policy.
    """
    reader = _Reader(stands_alone)
    reader.feed(html)
    reader.close()
    return reader.faults, list(dict.fromkeys(reader.links))


class _Reader(HTMLParser):
    def __init__(self, stands_alone: bool) -> None:
        super().__init__()
        self.stands_alone = stands_alone
        self.faults: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.faults += [f"<{tag}> {problem}"[:200] for problem in self._problems(tag, given)]
        if (address := given.get({"a": "href", "img": "src"}.get(tag, ""))) is not None:
            self.links.append(address)

    def _problems(self, tag: str, given: dict[str, str]) -> Iterator[str]:
        if tag in NEVER:
            yield "is not to be here"
        if tag == "style" and not self.stands_alone:
            yield "is not to be here"
        if tag == "script" and "src" not in given and given.get("type") != "application/json":
            yield "is inline"
        if tag == "meta" and given.get("http-equiv", "").lower() not in self._directives():
            yield f"http-equiv={given['http-equiv']}"
        for name, value in given.items():
            if name.startswith("on") or name in FORBIDDEN:
                yield f"{name}={value}"
            if (tag, name) in LOADING and not self._is_ours(value):
                yield f"loads {value}"
            elif (tag, name) in SENDING and not _is_local(value):
                yield f"sends to {value}"
            elif name in ("href", "xlink:href") and not _is_harmless(value):
                yield f"leads to {value}"

    def _directives(self) -> set[str]:
        return {"", "content-security-policy"} if self.stands_alone else {""}

    def _is_ours(self, address: str) -> bool:
        if self.stands_alone:
            return bool(PICTURE.fullmatch(address))
        return _is_local(address)


def _is_local(address: str) -> bool:
    """Tell whether a browser takes an address for one of the same server."""
    parts = urlsplit(_as_read(address))
    return not parts.scheme and not parts.netloc


def _is_harmless(address: str) -> bool:
    return urlsplit(_as_read(address)).scheme in ("", "http", "https", "mailto")


def _as_read(address: str) -> str:
    """Return an address without the tabs, line ends and controls that browsers ignore."""
    stripped = re.sub("[\t\r\n]", "", address).strip("".join(map(chr, range(33))))
    return stripped.replace("\\", "/")
