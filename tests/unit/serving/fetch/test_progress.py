"""A transfer that hardly moves is given up, whatever holds it; one that is slow, or hashes for long, is not."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from rollmodel.errors import NotFound, Terminal, Unavailable
from rollmodel.serving.digest import ENTRY_BYTES, folder_digest, sha256_of
from rollmodel.serving.fetch.progress import Progress, watched


def test_what_comes_of_the_work_is_handed_on() -> None:
    assert watched(lambda: 7, Progress()) == 7

    def missing() -> None:
        raise NotFound("not there")

    with pytest.raises(NotFound, match="not there"):
        watched(missing, Progress())


def test_who_hangs_is_left_alone() -> None:
    progress, end = Progress(total=2_000_000), threading.Event()

    def hang() -> None:
        progress.add(500)
        end.wait()

    try:
        with pytest.raises(Unavailable) as told:
            watched(hang, progress, least=1000, seconds=0.2)
    finally:
        end.set()
    assert told.value.reason == "TooSlow"
    assert "0.5 kB in 0.2 s, 0.0 of 2.0 MB" in str(told.value)
    with pytest.raises(Terminal):
        progress.add(1)


def test_slow_is_no_hang() -> None:
    progress = Progress()

    def slowly() -> str:
        for _ in range(20):
            time.sleep(0.02)
            progress.work(100)
        return "there"

    assert watched(slowly, progress, least=100, seconds=0.2) == "there"


def test_hashing_counts_as_moving(tmp_path: Path) -> None:
    """Of a large file that is there already nothing arrives for minutes."""
    (tmp_path / "weights").write_bytes(b"x" * 600_000)
    progress = Progress()
    sha256_of(tmp_path / "weights", progress.work)
    assert progress.moved == 600_000
    folder_digest(tmp_path, counted=progress.work)
    assert progress.moved == 1_200_000 + ENTRY_BYTES
