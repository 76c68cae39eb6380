"""What others may write: legal in form and far from what is meant, or not even legal. Strategies of Hypothesis."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

__all__ = ["damaged", "documents", "is_short", "texts"]

#: What acts in a terminal, a page or a parser: escapes, bidi, separators, NUL, half a character, endless names.
ACTING = [
    *(
        "\x1b]52;c;ZXZpbA==\x07",
        "\x1b[2J",
        "\x9b31m",
        "\u202egnp",
        "\u2028x",
        "a\nb\r",
        "\x00",
        "\ud800",
        "\ufeff",
        "\u0130",
    ),
    *("<script>", "[/red]", "${jndi:x}", "$(TOKEN)", "../../etc/passwd", "%2e%2e/", "'; --", "NaN", "-0", "x" * 5000),
]
texts = st.one_of(st.sampled_from(ACTING), st.text(max_size=12))
numbers = st.one_of(
    st.integers(-(2**70), 2**70), st.floats(), st.sampled_from([10**400, -(10**400), 1e308, -0.0, 2**63, 0, True])
)
leaves = st.one_of(st.none(), st.booleans(), numbers, texts)


def is_short(error: Exception, most: int = 2000) -> None:
    """What is refused is told in so many characters at most, however long it was."""
    text = str(error)
    assert len(text) < most, text[:most]


def documents(*names: str) -> st.SearchStrategy[Any]:
    """JSON values whose objects mostly have keys of these names."""
    keys = st.one_of(st.sampled_from(names), st.text(max_size=4)) if names else texts
    return st.recursive(
        leaves,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=4)),
        max_leaves=8,
    )


@st.composite
def damaged(draw: st.DrawFn, document: Any, *names: str) -> bytes:
    """The document as bytes, with one part of it replaced, and perhaps cut off or with other bytes in it."""
    whole = _replaced(draw, document, documents(*names))
    body = json.dumps(whole).encode()
    match draw(st.sampled_from(["whole", "whole", "cut", "bytes", "deep", "other"])):
        case "cut":
            return body[: draw(st.integers(0, len(body)))]
        case "bytes":
            at = draw(st.integers(0, len(body)))
            return body[:at] + draw(st.binary(min_size=1, max_size=4)) + body[at:]
        case "deep":
            return b'{"a":' * 5000 + body
        case "other":
            return draw(
                st.sampled_from([b"", b"<html>", b"null", b"[]", b'"x"', b"1" * 5000, b"\xff\xfe", b"NaN", b"{}{}"])
            )
        case _:
            return body


def _replaced(draw: st.DrawFn, value: Any, others: st.SearchStrategy[Any]) -> Any:
    """The value with something else somewhere in it."""
    if isinstance(value, dict) and value and draw(st.booleans()):
        key = draw(st.sampled_from(sorted(value)))
        if draw(st.integers(0, 9)) == 0:
            return {name: one for name, one in value.items() if name != key}
        return {**value, key: _replaced(draw, value[key], others)}
    if isinstance(value, list) and value and draw(st.booleans()):
        at = draw(st.integers(0, len(value) - 1))
        return [*value[:at], _replaced(draw, value[at], others), *value[at + 1 :]]
    return draw(others)
