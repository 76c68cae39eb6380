"""Colours of the words that status is made of, the same in all commands."""

from __future__ import annotations

__all__ = ["colour"]

_COLOURS = {
    "red": (
        "Aborted",
        "Breached",
        "Ceiling",
        "DataInvalid",
        "DeadlineExceeded",
        "Differs",
        "Failed",
        "False",
        "GatesFailed",
        "Harm",
        "Harmful",
        "Missing",
        "NotEvaluated",
        "RolledBack",
        "Stalled",
    ),
    "green": ("Passed", "Passing", "Promoted", "ProvenSafe", "Ready", "Safe", "Same", "Succeeded", "True", "Within"),
    "yellow": ("BiasedSplit", "NoData", "SharedIncident", "Suspended"),
}
_OF_WORD = {word: name for name, words in _COLOURS.items() for word in words}


def colour(word: str) -> str:
    """A style of rich; ``default`` for a word that is neither good nor bad."""
    return _OF_WORD.get(word, "default")
