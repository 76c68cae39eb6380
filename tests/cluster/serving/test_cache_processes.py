"""Pods that share a cache, as processes: one asks the registry, and one that is killed leaves the others at work."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rollmodel.serving.digest import folder_digest

from tests.cluster.conftest import WaitUntil
from tests.cluster.serving.conftest import Registered

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

_FROM_STORE, _FROM_CACHE = "files: sha256", "files from the cache: sha256"


class Pods:
    """Fetches of one model, each into a folder of its own."""

    def __init__(self, model: Registered, mlflow_url: str, folder: Path) -> None:
        self.model, self.cache = model, folder / "claim"
        self._url, self._folder = mlflow_url, folder
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, name: str) -> subprocess.Popen[bytes]:
        """A pod that begins to fetch."""
        uri = f"models:/{self.model.name}/{self.model.version}"
        arguments = ["--uri", uri, "--digest", self.model.digest, "--dest", str(self._folder / name / "model")]
        more = ["--cache", str(self.cache), "--termination-log", str(self._folder / f"{name}.end")]
        with (self._folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "rollmodel", "fetch", *arguments, *more],
                env={**os.environ, "MLFLOW_TRACKING_URI": self._url},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._started.append(process)
        return process

    def log(self, name: str) -> str:
        return (self._folder / f"{name}.log").read_text()

    def has(self, name: str) -> bool:
        """Whether it has exactly this model."""
        return folder_digest(self._folder / name / "model") == self.model.digest

    def is_filled_now(self) -> bool:
        """Whether somebody has the lock."""
        for lock in self.cache.glob("rollmodel-models/.*.filling"):
            with lock.open("ab") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return True
        return False

    def end(self) -> None:
        for process in self._started:
            process.kill()
            process.wait()


@pytest.fixture
def pods(registered: dict[str, Registered], mlflow_url: str, tmp_path: Path) -> Iterator[Pods]:
    made = Pods(registered["v3"], mlflow_url, tmp_path)
    yield made
    made.end()


def test_pods_that_start_at_once_ask_the_registry_once(pods: Pods) -> None:
    names = ["one", "two", "three"]
    processes = [pods.start(name) for name in names]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    logs = [pods.log(name) for name in names]
    assert [sum(words in log for log in logs) for words in (_FROM_STORE, _FROM_CACHE)] == [1, 2]
    assert all(pods.has(name) for name in names)


def test_a_pod_that_is_killed_while_it_fills_is_followed_by_the_next(pods: Pods, wait_until: WaitUntil) -> None:
    first = pods.start("first")
    while not pods.is_filled_now():  # without a pause: it takes some tens of milliseconds
        assert first.poll() is None, pods.log("first")
    first.send_signal(signal.SIGSTOP)
    second = pods.start("second")
    wait_until(lambda: "waiting for another pod" in pods.log("second"))
    assert second.poll() is None
    first.kill()
    assert second.wait(60) == 0
    assert _FROM_STORE in pods.log("second")
    assert pods.has("second")
    assert pods.start("third").wait(60) == 0
    assert _FROM_CACHE in pods.log("third")
