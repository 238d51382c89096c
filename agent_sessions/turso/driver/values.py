"""Values of Python as values of the wire, and back (pure).

The format is section "Values" of Hrana 3, the protocol of libSQL servers. What Python types become
on the way in and out is what Django has told the sqlite3 module: its adapters and converters are
used here too, so that values are the same as on SQLite.
"""

from __future__ import annotations

import base64
import math
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

WireValue = dict[str, Any]

LARGEST_INTEGER = 2**63 - 1


def encode(value: Any) -> WireValue:
    """Return `value` as the wire has it.

    Raises OverflowError for an integer of more than 64 bits and UnicodeEncodeError for half a
    character, as sqlite3 does; DataError for a float that JSON cannot carry; ProgrammingError for a
    type that no adapter knows.
    """
    encoder = _ENCODERS.get(type(value))
    if encoder is not None:
        return encoder(value)
    # Types that somebody registered, such as Django does for dates and decimals.
    value = sqlite3.adapt(value, sqlite3.PrepareProtocol, value)
    for kind, encoder in _ENCODERS.items():
        if isinstance(value, kind):
            return encoder(value)
    raise sqlite3.ProgrammingError(
        f"A parameter is a {type(value).__name__}, which the database cannot hold. Pass a str, "
        "bytes, int, float or None."
    )


def _text(value: str) -> WireValue:
    # Not when the request is made, of which it need not be the only statement.
    value.encode()
    # Not str(), which of a member of an enumeration is its name.
    return {"type": "text", "value": str.__str__(value)}


def _integer(value: int) -> WireValue:
    if not -LARGEST_INTEGER - 1 <= value <= LARGEST_INTEGER:
        raise OverflowError("Python int too large to convert to SQLite INTEGER")
    return {"type": "integer", "value": str(int(value))}


def _float(value: float) -> WireValue:
    if not math.isfinite(value):
        raise sqlite3.DataError(
            f"A parameter is {value}, which cannot be sent to a libSQL server. Pass None, or a "
            "finite number."
        )
    return {"type": "float", "value": float(value)}


def _blob(value: bytes | bytearray | memoryview) -> WireValue:
    return {"type": "blob", "base64": base64.b64encode(value).decode("ascii")}


_ENCODERS: dict[type, Callable[[Any], WireValue]] = {
    str: _text,
    int: _integer,
    bool: _integer,
    float: _float,
    type(None): lambda value: {"type": "null"},
    bytes: _blob,
    bytearray: _blob,
    memoryview: _blob,
}


def decode(value: WireValue) -> Any:
    """Return a value of the wire as Python has it."""
    return _DECODERS[value["type"]](value)


def _blob_bytes(value: WireValue) -> bytes:
    text = value["base64"]
    return base64.b64decode(text + "=" * (-len(text) % 4))  # servers leave the padding out


_DECODERS: dict[str, Callable[[WireValue], Any]] = {
    "null": lambda value: None,
    "text": lambda value: value["value"],
    "integer": lambda value: int(value["value"]),
    # What JSON cannot carry arrives as null, and the protocol reads it as not-a-number.
    "float": lambda value: math.nan if value["value"] is None else float(value["value"]),
    "blob": _blob_bytes,
}

Column = Callable[[WireValue], Any]


def columns(declared: Sequence[str | None]) -> list[Column]:
    """Return a decoder for each column, from the types that the columns were declared with."""
    return [_column(kind) for kind in declared]


def _column(declared: str | None) -> Column:
    """Return the decoder of a column, found by the first word of its type as sqlite3 does."""
    name = (declared or "").split("(")[0].split(" ")[0].upper()
    converter = sqlite3.dbapi2.converters.get(name)
    if converter is None:
        return decode

    def converted(value: WireValue) -> Any:
        plain = decode(value)
        if plain is None:
            return None
        return converter(plain if isinstance(plain, bytes) else str(plain).encode())

    return converted
