"""A tenant's pods and ConfigMaps say what they like: it costs the operator a bounded time and memory, and acts nowhere.

Before these bounds a profile of 18,000 series took 9 GiB and two minutes, and a ConfigMap of 80 KiB 2 GiB.
"""

from __future__ import annotations

import base64
import gzip
import json
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from rollmodel.plan.drift.evaluation.history import MOST_NUMBERS, History
from rollmodel.plan.drift.profile.counts_file import history_of
from rollmodel.plan.drift.profile.layout import MOST_COLUMNS, Layout
from rollmodel.plan.problem import Problem
from rollmodel.ports.prometheus import Series
from rollmodel.reconcile.drift import histories
from rollmodel.reconcile.drift.histories import Histories
from rollmodel.text import plain

from tests.support.simulation.drifting import HOUR, DriftWorld, rows_of

Labels = dict[str, str]


def profile(*columns: tuple[str, int]) -> list[Series]:
    """What pods show that call themselves a model server: columns and their numbers of categories."""
    rows: list[Labels] = [{"what": "info", "digest": "d"}]
    for name, bins in columns:
        rows += [{"what": "rows", "signal": f"feature:{name}", "category": f"c{one}"} for one in range(bins)]
        rows.append({"what": "rows", "signal": f"feature:{name}", "group": "all"})
    return [Series(labels, [(0.0, 20_000.0)]) for labels in rows]


WIDE = profile(("wide", 6000), *((f"f{one}", 1) for one in range(900)))
MANY = profile(*((f"f{one}", 1) for one in range(MOST_COLUMNS + 1)))
LONG = profile(("x" * 1000, 2))
TALKATIVE = profile(*((f"{one:x>300}", 20) for one in range(500)))


def showing(world: DriftWorld, shown: Sequence[Series]) -> None:
    """Prometheus has this profile of the pods, and counts of nothing."""

    async def answer(query: str, **_: float) -> Sequence[Series]:
        return shown if "rollmodel_profile_rows" in query else []

    world.query_range = answer  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (WIDE, "columns times bins"),
        (MANY, "1002 columns, 1001 are read"),
        (LONG, "characters in a name"),
        (TALKATIVE, "characters in all names"),
    ],
)
async def test_what_is_no_profile_of_ours_is_not_computed_with(shown: list[Series], words: str) -> None:
    world = DriftWorld()
    ref, operator = world.policy(), world.operator()
    showing(world, shown)
    await world.hours(operator, ref, 1)
    told = world.condition(ref, "DataFresh")
    assert told["reason"] == "ProfileTooLarge"
    assert words in told["message"]


@pytest.mark.parametrize(
    ("spec", "reason", "words"),
    [
        ({"source": {"metrics": {"stepSeconds": 10}}, "windowSeconds": [7_776_000]}, "TooManyCounts", "longer steps"),
        ({"dependence": {"quietWindows": 1000}}, "TooManyCounts", "`dependence.quietWindows` of 1000"),
        (
            {"signals": [{"name": f"quality-{one}", "kind": "Quality"} for one in range(50)]},
            "TooManySignals",
            "more than 10000 tests",
        ),
    ],
)
async def test_a_spec_that_asks_for_too_much_is_told_so(spec: dict[str, Any], reason: str, words: str) -> None:
    world = DriftWorld(lambda rng, _: rows_of(rng, 300))
    shown = profile(*((f"f{one}", 15) for one in range(500)))
    ref, operator = world.policy(**spec), world.operator()
    counted = [Series({"signal": "feature:f0", "group": "all"}, [(world.start.timestamp() + 10 * HOUR, 1.0)])]

    async def answer(query: str, **_: float) -> Sequence[Series]:
        return shown if "rollmodel_profile_rows" in query else counted

    world.query_range = answer  # type: ignore[method-assign]
    world.clock.forward(10 * HOUR)
    await world.settle(operator, ref)
    told = world.condition(ref, "DataFresh")
    assert (told["reason"], words in told["message"]) == (reason, True), told


def bomb(middle: bytes) -> str:
    return base64.b64encode(gzip.compress(b'{"format":"rollmodel-counts/1","stepSeconds":3600,"x":[' + middle)).decode()


@pytest.mark.parametrize("middle", [b"[]," * 4_000_000, b"{}," * 2_000_000, b'"",' * 4_000_000, b"0," * 9_000_000])
def test_a_small_config_map_does_not_become_a_large_object(middle: bytes) -> None:
    """64 MiB of ``[],`` were 2 GiB of empty lists, after each start of the operator again."""
    packed = bomb(middle)
    assert len(packed) < 100_000
    tracemalloc.start()
    try:
        found = history_of({"binaryData": {"r.json.gz": packed}}, "counts", "r", step=HOUR, at=HOUR, since=0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(found, Problem)
    assert found.reason == "CountsTooLarge"
    assert peak < 150 * 2**20


def test_a_file_of_few_numbers_does_not_become_a_large_table() -> None:
    """One count in each of 20,000 steps, of a profile with 19,000 bins: 3 GiB of zeros, were they written."""
    reference = [[labels.labels, 1000] for labels in profile(*((f"f{one}", 18) for one in range(1000)))]
    ends = [HOUR * one for one in range(1, 20_001)]
    counts = [[{"signal": "feature:f0", "category": "c0"}, [1] * len(ends)]]
    content = {"format": "rollmodel-counts/1", "stepSeconds": HOUR, "reference": reference, "ends": ends}
    text = json.dumps({**content, "counts": counts, "outcomes": []}).encode()
    packed = base64.b64encode(gzip.compress(text)).decode()
    found = history_of({"binaryData": {"r.json.gz": packed}}, "counts", "r", step=HOUR, at=ends[-1], since=0)
    assert isinstance(found, Problem)
    assert found.reason == "TooManyCounts"
    few = history_of({"binaryData": {"r.json.gz": packed}}, "counts", "r", step=HOUR, at=ends[-1], since=ends[-100])
    assert isinstance(few, History)
    assert few.numbers <= MOST_NUMBERS


def test_many_policies_of_one_namespace_share_its_room(monkeypatch: pytest.MonkeyPatch) -> None:
    layout = Layout.of([(one.labels, one.points) for one in profile(("f", 10))])
    assert isinstance(layout, Layout)
    import numpy as np

    full = History(layout, {step: np.zeros(len(layout.keys)) for step in range(100)})
    monkeypatch.setattr(histories, "ROOM", 3 * full.numbers)
    kept = Histories()
    kept.keep("victim", ("v", "watched"), "rev", full)
    for one in range(50):
        kept.keep("attacker", (f"a{one}", "watched"), "rev", full)
    assert kept.get(("v", "watched")) == ("rev", full)
    assert [one for one in range(50) if kept.get((f"a{one}", "watched"))] == [47, 48, 49]
    kept.keep("attacker", ("a48", "watched"), "rev", full)
    assert [one for one in range(50) if kept.get((f"a{one}", "watched"))] == [47, 48, 49]
    for uid in ("v", "a47", "a48", "a49", "a0"):
        kept.forget(uid)
    assert (len(kept._kept), len(kept._numbers)) == (0, 0)


def texts(value: object) -> Iterator[str]:
    match value:
        case dict():
            for part in value.values():
                yield from texts(part)
        case list():
            for part in value:
                yield from texts(part)
        case str():
            yield value
        case _:
            pass


@pytest.mark.parametrize("word", ["\x1b]52;c;aGk=\x07", "a\u202eb\nc", "<script>[/red]"])
async def test_names_of_columns_act_nowhere(word: str) -> None:
    world = DriftWorld(lambda rng, _: rows_of(rng, 300))
    ref, operator = world.policy(), world.operator()
    ask: Callable[..., Any] = world.query_range

    async def answer(query: str, **times: float) -> Sequence[Series]:
        found = await ask(query, **times)
        return [
            Series(
                {key: value.replace("feature:age", f"feature:{word}") for key, value in one.labels.items()}, one.points
            )
            for one in found
        ]

    world.query_range = answer  # type: ignore[method-assign]
    await world.hours(operator, ref, 12)
    world.traffic = lambda rng, _: rows_of(rng, 3000, age=60.0)
    assert "Drifted" in await world.hours(operator, ref, 6)
    shown = [*texts(world.status(ref)), *(event.message for event in world.kube.events)]
    assert [text for text in shown if text != plain(text)] == []
