"""Texts of others: what acts is taken out, and what looks like a credential."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rollmodel.text import plain, redact


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]52;c;aGk=\x07", "\ufffd]52;c;aGk=\ufffd"),  # sets the clipboard (OSC 52)
        ("\x1b[2JReady", "\ufffd[2JReady"),
        ("\x9b2JReady", "\ufffd2JReady"),  # CSI as one character
        ("safe\u202edab", "safe\ufffddab"),  # from here on to the left
        ("a\u2066b\u200bc", "a\ufffdb\ufffdc"),
        ("one\r\ntwo\u2028three\x85four\tfive", "one two three four five"),
        ("[red]markup[/red]", "[red]markup[/red]"),
        ("Zoë → 100 %, 漢字", "Zoë → 100 %, 漢字"),
        ("half\ud800", "half\ufffd"),
    ],
)
def test_what_acts_is_only_seen(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_lines_may_stay() -> None:
    assert plain("a\tb\r\nc\u2028d\x1b", lines=True) == "a\tb\nc\nd\ufffd"


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(codec=None)), st.booleans())
def test_no_text_acts(text: str, lines: bool) -> None:
    shown = plain(text, lines=lines)
    allowed = {"\n", "\t"} if lines else set()
    assert not [one for one in shown if unicodedata.category(one) in {"Cc", "Cs", "Zl", "Zp"} and one not in allowed]
    assert not [one for one in shown if unicodedata.bidirectional(one) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI"}]
    assert plain(shown, lines=lines) == shown
    shown.encode()


@pytest.mark.parametrize(
    "text", ["a" * 200_000, "basic " * 30_000, "a:" * 100_000, "password" * 20_000, "x://" * 50_000]
)
def test_redaction_takes_time_in_proportion(text: str) -> None:
    began = time.process_time()
    assert len(redact(text)) < 70_000
    assert time.process_time() - began < 2.0


def test_the_last_words_of_a_client_lose_its_password() -> None:
    last = "psycopg2.OperationalError: postgresql://app:hunter2@db:5432/ml refused"
    assert redact(last) == "psycopg2.OperationalError: postgresql://[redacted]@db:5432/ml refused"
