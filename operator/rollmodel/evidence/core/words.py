"""Numbers as people read them."""

from __future__ import annotations

__all__ = ["evidence", "percent", "ratio", "rounded"]

LEAST, MOST = 1e-3, 1e6


def rounded(value: float, digits: int = 2) -> str:
    """So many significant digits, and no exponent below a million: 0.91, 50, 140."""
    text = f"{value:.{digits}g}"
    return f"{float(text):.0f}" if "e+" in text and abs(value) < 1e6 else text


def ratio(value: float, digits: int = 2) -> str:
    """How many times one value is another: 0.91, 19; what no user would tell from more, or less, has no digits."""
    if value >= MOST:
        return "over a million"
    return rounded(value, digits) if value >= LEAST / 10 else f"below {LEAST / 10:g}"


def evidence(value: float) -> str:
    """An e-value for people: 0.0245, 138, 3,940; what is far beyond any decision has no digits."""
    if value < LEAST:
        return f"below {LEAST:g}"
    if value >= MOST:
        return "over a million"
    text = f"{value:.3g}"
    return f"{float(text):,.0f}" if "e+" in text else text


def percent(share: float) -> str:
    """A share in percent: 0 %, 1.6 %, 50 %."""
    return f"{rounded(100 * share)} %"
