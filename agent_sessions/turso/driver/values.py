"""Encode Python's values for the protocol, and decode the protocol's values (pure).

The format is section "Values" of Hrana 3:
https://github.com/tursodatabase/libsql/blob/main/docs/HRANA_3_SPEC.md#values

Django registers adapters and converters with the sqlite3 module. They are used here too, so that
values are the same as on SQLite.
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
    """Return `value` in the protocol's form.

    Raises OverflowError for an integer of more than 64 bits and UnicodeEncodeError for a lone
    surrogate, as sqlite3 does; DataError for a float that JSON cannot represent; ProgrammingError
    for a type without an adapter.
    """
    encoder = _ENCODERS.get(type(value))
    if encoder is not None:
        return encoder(value)
    # Types with a registered adapter; Django registers some for dates and decimals.
    value = sqlite3.adapt(value, sqlite3.PrepareProtocol, value)
    for kind, encoder in _ENCODERS.items():
        if isinstance(value, kind):
            return encoder(value)
    raise sqlite3.ProgrammingError(
        f"A parameter is a {type(value).__name__}, which the database cannot hold. Pass a str, "
        "bytes, int, float or None."
    )


def _text(value: str) -> WireValue:
    # Raises UnicodeEncodeError here, for this statement, and not for a request of several.
    value.encode()
    # Not str(), which returns an enumeration member's name.
    return {"type": "text", "value": str.__str__(value)}


def _integer(value: int) -> WireValue:
    if not -LARGEST_INTEGER - 1 <= value <= LARGEST_INTEGER:
        raise OverflowError("Python int too large to convert to SQLite INTEGER")
    return {"type": "integer", "value": str(int(value))}


def _float(value: float) -> WireValue:
    if not math.isfinite(value):
        raise sqlite3.DataError(
            f"A parameter is {value}, which cannot be sent to a libSQL server. Pass None or a "
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
    """Return a value of the protocol as a value of Python."""
    return _DECODERS[value["type"]](value)


def _blob_bytes(value: WireValue) -> bytes:
    text = value["base64"]
    # Servers leave out the padding: STANDARD_NO_PAD in libsql-hrana/src/proto.rs of
    # https://github.com/tursodatabase/libsql
    return base64.b64decode(text + "=" * (-len(text) % 4))


_DECODERS: dict[str, Callable[[WireValue], Any]] = {
    "null": lambda value: None,
    "text": lambda value: value["value"],
    "integer": lambda value: int(value["value"]),
    # The server's JSON library writes null for NaN and the infinities:
    # https://github.com/serde-rs/json/releases/tag/v0.8.3
    "float": lambda value: math.nan if value["value"] is None else float(value["value"]),
    "blob": _blob_bytes,
}

Decoder = Callable[[WireValue], Any]


def decoders_of(declared: Sequence[str | None]) -> list[Decoder]:
    """Return a decoder for each column, from the types with which the columns were declared."""
    return [_decoder_of(kind) for kind in declared]


def _decoder_of(declared: str | None) -> Decoder:
    """Return the converter for the first word of a declared type, as sqlite3 chooses it.

    https://docs.python.org/3/library/sqlite3.html#sqlite3.PARSE_DECLTYPES
    """
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
