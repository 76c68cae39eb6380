"""What it costs the model server to count rows into the bins of a profile: CPU of each row and request.

    python -m tests.bench.drift.cost.exporter

A request pays in its own thread for what is kept of it; the counting is done by another one, which takes those that
have gathered together. What both do to the latency of requests: ``python -m tests.bench.serving_overhead --drift``.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pandas as pd
from rollmodel.profile import build_profile
from rollmodel.serving.drift.counter import Batch, Counter
from rollmodel.serving.drift.recorder import TOGETHER, Recorder
from rollmodel.serving.drift.signals import GROUPS, signals_of

FEATURES, REQUESTS, ROUNDS = 30, 256, 7

Table = Callable[[np.random.Generator, int], pd.DataFrame]


def numbers(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    """Thirty numbers."""
    return pd.DataFrame(rng.normal(size=(rows, FEATURES)), columns=[f"x{index}" for index in range(FEATURES)])


def mixed(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    """24 numbers and 6 categories, each column on its own, as after MLflow has checked a schema."""
    found = pd.DataFrame({f"x{index}": rng.normal(size=rows) for index in range(FEATURES - 6)})
    texts = {f"c{index}": rng.choice(["a", "b", "c", "d"], rows).astype(object) for index in range(6)}
    return found.assign(**texts)


def cost(table: Table, rows: int, together: int) -> tuple[float, float]:
    """Microseconds of CPU of a request in its own thread, and in the one that counts; the least of some rounds."""
    rng = np.random.default_rng(0)
    profile = build_profile(dict(table(rng, 10_000)), score=rng.random(10_000))
    signals, _ = signals_of(profile)
    counter = Counter(signals, np.zeros(sum(one.bins + len(GROUPS) for one in signals), dtype=np.int64))
    recorder = Recorder(signals)
    batches: list[Batch] = [(table(rng, rows), rng.random(rows)) for _ in range(REQUESTS)]
    own, beside = [], []
    for _ in range(ROUNDS):
        begun = time.thread_time()
        for data, answer in batches:
            recorder.after(recorder.before(data), answer)
        own.append((time.thread_time() - begun) / REQUESTS)
        recorder.wait()
        begun = time.thread_time()
        for first in range(0, REQUESTS, together):
            counter.count(batches[first : first + together])
        beside.append((time.thread_time() - begun) / REQUESTS)
    return 1e6 * min(own), 1e6 * min(beside)


def main() -> None:
    """Print a table."""
    print("| 30 features | rows | counted together | µs of the request | µs beside it | µs of a row, both |")
    print("|---|---|---|---|---|---|")
    for name, table in (("numbers", numbers), ("24 numbers, 6 categories", mixed)):
        for rows in (1, 100):
            for together in (1, TOGETHER):
                own, beside = cost(table, rows, together)
                print(f"| {name} | {rows} | {together} | {own:.0f} | {beside:.0f} | {(own + beside) / rows:.2f} |")


if __name__ == "__main__":
    main()
