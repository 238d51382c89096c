"""Images, files and sounds in an item.

Their data is in the item, or the item has an address or the id of a file at the provider. Nothing
is ever fetched from there: it would tell a stranger who reads this and when.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from agent_sessions.items import Item
from agent_sessions.items.reading import Reading
from agent_sessions.text.visible import visible

IMAGES = ("input_image", "output_image", "image", "image_url", "computer_screenshot")
FILES = ("input_file", "output_file", "file")
SOUNDS = ("input_audio", "output_audio", "audio")

# Types by the first bytes: the type that an item states may be wrong.
_BEGINNINGS = {
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/gif": re.compile(rb"GIF8[79]a"),
    "image/webp": re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
}
_BEGINNING_LENGTH = 64
# Characters that are shown of a name and of an address.
NAME_LENGTH = 200
ADDRESS_LENGTH = 500


class Attachment(NamedTuple):
    """An image, a file or a sound: its data, or its address."""

    what: str
    data: str = ""
    address: str = ""
    name: str = ""
    length: int = 0  # of the data, if only a part of it was read

    @property
    def size(self) -> int:
        """The approximate size of the data in bytes."""
        return max(self.length, len(self.data)) * 3 // 4

    @property
    def shown_name(self) -> str:
        return visible(self.name[:NAME_LENGTH])

    @property
    def shown_address(self) -> str:
        return visible(self.address[:ADDRESS_LENGTH])

    @property
    def image_type(self) -> str:
        """The type of an image that a browser may show; "" for anything else."""
        return image_type(_bytes(_payload(self.data)[:_BEGINNING_LENGTH], self.data) or b"")

    def content(self) -> bytes | None:
        """Return its bytes, or None if the data is not base64."""
        return _bytes(_payload(self.data), self.data)


def attachments(item: Item) -> list[Attachment]:
    """Return the attachments of an item, in the order in which pages number them."""
    found = (attachment_of(holder) for holder in holders(item))
    return [attachment for attachment in found if attachment]


def holders(item: Item) -> Iterator[dict[str, Any]]:
    """Yield the dicts that may be an attachment: the item itself, and parts of its content."""
    if not isinstance(item, dict):
        return
    yield item
    for key in ("content", "output", "outputs"):
        value = item.get(key)
        values = value if isinstance(value, list) else [value]
        yield from (inner for inner in values if isinstance(inner, dict))


def attachment_of(holder: dict[str, Any]) -> Attachment | None:
    """Return a part of an item as an attachment, if it is one."""
    kind = holder.get("type")
    if kind == "image_generation_call":
        data = _text(holder, "result")
        return Attachment("image", data=data) if data else None
    if kind in IMAGES:
        return _placed("image", _url(holder), _text(holder, "file_id"))
    if kind in FILES:
        inner = _inner(holder, "file")
        return _file(inner)
    if kind in SOUNDS:
        inner = _inner(holder, "input_audio")
        return Attachment("audio", data=_text(inner, "data"), name=_text(inner, "format"))
    return None


def taken(reading: Reading) -> Attachment | None:
    """Take what a page shows of an attachment: its data or address, and its name."""
    attachment = attachment_of(reading.holder)
    if attachment is not None:
        place = attachment.data or attachment.address[:ADDRESS_LENGTH]
        for holder in (reading, *map(reading.inside, ("image_url", "file", "input_audio"))):
            holder.drop(place, attachment.name[:NAME_LENGTH])
    return attachment


def image_type(content: bytes) -> str:
    """Return the type of an image that a browser may show; "" for anything else."""
    found = (kind for kind, beginning in _BEGINNINGS.items() if beginning.match(content))
    return next(found, "")


def _placed(what: str, url: str, file_id: str) -> Attachment:
    if url[:5].lower() == "data:":
        return Attachment(what, data=url)
    return Attachment(what, address=url or file_id)


def _file(holder: dict[str, Any]) -> Attachment:
    address = _text(holder, "file_url") or _text(holder, "file_id")
    name = _text(holder, "filename")
    return Attachment("file", data=_text(holder, "file_data"), address=address, name=name)


def _url(holder: dict[str, Any]) -> str:
    value = holder.get("image_url") or holder.get("url")
    return (
        _text(value, "url") if isinstance(value, dict) else value if isinstance(value, str) else ""
    )


def _inner(holder: dict[str, Any], key: str) -> dict[str, Any]:
    value = holder.get(key)
    return value if isinstance(value, dict) else holder


def _text(holder: dict[str, Any], key: str) -> str:
    return value if isinstance(value := holder.get(key), str) else ""


def _payload(data: str) -> str:
    return data.partition(",")[2] if data[:5].lower() == "data:" else data


def _bytes(payload: str, data: str) -> bytes | None:
    """Decode data, which is base64 unless it is a data URL without ";base64"."""
    head = data.partition(",")[0].lower() if data[:5].lower() == "data:" else ";base64"
    if not head.endswith(";base64"):
        return unquote_to_bytes(payload.encode(errors="replace"))
    # The padding may be missing, as it is if only the beginning was read.
    payload = re.sub(r"[\s=]", "", payload)
    try:
        return b64decode(payload[: len(payload) // 4 * 4] + _rest(payload))
    except ValueError:
        return None


def _rest(payload: str) -> str:
    rest = payload[len(payload) // 4 * 4 :]
    return rest + "=" * (4 - len(rest)) if len(rest) > 1 else ""
