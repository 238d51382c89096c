"""hypothesis strategies for text and for JSON values."""

from __future__ import annotations

from hypothesis import strategies as st

# Text of every code point, lone surrogates included. Two surrogates in a row are avoided: every
# JSON reader makes them one character.
texts = st.text(st.characters(codec="utf-8") | st.just("\x00")) | st.sampled_from(
    ["\ud800", "a\udfffb", "\ud83d 日本語"]
)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=25,
)
