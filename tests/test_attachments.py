"""attachments: images, files and sounds in items."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from agent_sessions.items import Item
from agent_sessions.items.attachments import Attachment, attachments, image_type
from tests.json_values import json_values
from tests.sample_items import SAMPLES

PNG = b"\x89PNG\r\n\x1a\n and more"
PNG_URL = f"data:image/png;base64,{b64encode(PNG).decode()}"
FIELDS = ["type", "content", "output", "outputs", "image_url", "file_data", "input_audio", "result"]


def user(*parts: Any) -> Item:
    return {"role": "user", "content": list(parts)}


class AttachmentTests(SimpleTestCase):
    """attachments()."""

    def test_places(self) -> None:
        """Images, files and sounds are found in every kind of item that can hold them."""
        found = {
            name: [attachment.what for attachment in attachments(sample.item)]
            for name, sample in SAMPLES.items()
        }

        self.assertEqual(found.pop("a message in parts"), ["image", "file", "audio"])
        self.assertEqual(
            {name for name, what in found.items() if what == ["image"]},
            {"an output in parts", "a computer's screenshot", "code run", "an image made"},
        )

    def test_image(self) -> None:
        """An image inside the item has data, and the type of its content, not the declared one."""
        lie = PNG_URL.replace("png", "svg+xml", 1)
        [image, nested] = attachments(
            user(
                {"type": "input_image", "image_url": lie},
                {"type": "image_url", "image_url": {"url": PNG_URL}},
            )
        )

        self.assertEqual((image.content(), image.image_type), (PNG, "image/png"))
        self.assertEqual((nested.content(), nested.address), (PNG, ""))
        self.assertEqual(image.size // 10, len(lie) * 3 // 40)

    def test_references(self) -> None:
        """An image or file outside the item has only its address or the id of the file."""
        [image, file, none] = attachments(
            user(
                {"type": "input_image", "image_url": "https://example.org/a.png"},
                {"type": "input_file", "file": {"file_id": "file_1", "filename": "a\u202eb"}},
                {"type": "input_image"},
            )
        )

        self.assertEqual((image.data, image.shown_address), ("", "https://example.org/a.png"))
        self.assertEqual((file.shown_address, file.shown_name), ("file_1", "a⟨U+202E⟩b"))
        self.assertEqual((none.data, none.address), ("", ""))

    def test_types(self) -> None:
        """Four types of images are recognized by their first bytes; SVG and HTML are not."""
        beginnings = {b"\xff\xd8\xff\xe0": "image/jpeg", b"GIF89a": "image/gif"}
        beginnings |= {b"RIFF\x00\x0a\x00\x00WEBPVP8 ": "image/webp", PNG: "image/png"}
        for content, kind in beginnings.items():
            self.assertEqual(image_type(content), kind)
        for content in (b"", b"<svg onload=alert(1)>", b"<html>", b" GIF89a", b"RIFFxxxxWAVE"):
            self.assertEqual(image_type(content), "")

    def test_data(self) -> None:
        """Base64 is decoded with or without padding and line breaks, and text as in URLs."""
        for data in ("aGk=", "aGk", "aG\nk=", "data:;base64,aGk=", "DATA:text/plain,h%69"):
            self.assertEqual(Attachment("file", data=data).content(), b"hi", data)
        for data in ("data:text/plain;base64,ääää", "ääää"):
            self.assertIsNone(Attachment("file", data=data).content(), data)
        self.assertEqual(Attachment("file", data="ääää").image_type, "")

    @given(st.dictionaries(st.sampled_from(FIELDS), json_values))
    def test_never_fails(self, item: dict[str, Any]) -> None:
        """No value of any field raises an error."""
        for kind in ("input_image", "input_file", "input_audio", "image_generation_call"):
            for found in attachments(user({**item, "type": kind})):
                found.content()

    def test_not_a_dict(self) -> None:
        """An item that is not a dict has no attachments."""
        self.assertEqual(attachments(["words"]), [])
