"""docs/reference/profile.md names each field of a profile, and no other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rollmodel.profile import FORMAT, build_profile

PAGE = Path(__file__).parents[3] / "docs/reference/profile.md"


def fields(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from fields(one)


def test_the_page_names_each_field() -> None:
    rng, text = np.random.default_rng(1), PAGE.read_text(encoding="utf-8")
    score, time = rng.random(4000), np.arange(4000) * 1800.0
    columns = {"age": rng.normal(time % 604_800 / 302_400), "plan": rng.choice(["a", "b"], 4000)}
    profile = build_profile(columns, score=score, target=(rng.random(4000) < score).astype(int), time=time)
    listed = {
        name for row in re.findall(r"^\| (`[^|]+`) \|", text, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    }
    assert listed == set(fields(json.loads(profile.to_json())))
    assert FORMAT in text
