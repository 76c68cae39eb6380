"""Numbers as people read them."""

from __future__ import annotations

__all__ = ["rounded"]


def rounded(value: float, digits: int = 2) -> str:
    """So many significant digits, and no exponent below a million: 0.91, 50, 140."""
    text = f"{value:.{digits}g}"
    return f"{float(text):.0f}" if "e+" in text and abs(value) < 1e6 else text
