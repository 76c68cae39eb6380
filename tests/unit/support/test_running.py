"""How our tests run: rooms, budget, repetition, and when the test bed is tested."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.cluster.conftest import SHARED
from tests.cluster.conftest import pytest_runtest_protocol as end_of_the_cluster
from tests.support.running.budget import CPU_SECONDS, Budget
from tests.support.running.changed import WATCHED, reason
from tests.support.running.rooms import BED, is_bed, needs_cluster, order, room_of

REPOSITORY = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("nodeid", "room"),
    [
        ("tests/cluster/rollouts/test_a.py::test_b[c/d]", "stack"),
        ("tests/cluster/training/test_a.py::test_b", "training"),
        ("tests/cluster/api/test_a.py::TestB::test_c", "plane"),
        ("tests/cluster/new/test_a.py::test_b", "plane"),
        ("tests/cluster/node/test_a.py::test_b", "bed"),
        ("tests/unit/plan/test_a.py::test_b", "tests/unit/plan/test_a.py"),
    ],
)
def test_tests_that_share_a_cluster_share_a_room(nodeid: str, room: str) -> None:
    assert room_of(nodeid) == room


def test_what_takes_long_begins_first() -> None:
    rooms = ("rollouts", "training", "api", "serving", "charts", "localcluster", "node")
    paths = [*(f"tests/cluster/{room}/a" for room in rooms), "tests/unit/a", "tests/reconcile/a"]
    assert [order(path) for path in paths] == [0, 1, 2, 5, 6, 3, 4, 7, 7]
    shared = [path for path in sorted(paths, key=order) if needs_cluster(path)]
    assert shared == sorted(paths, key=order)[: len(shared)]  # none comes after the end of the cluster


@pytest.mark.parametrize(
    ("following", "ended"),
    [("tests/cluster/api/test_b.py::test", 0), ("tests/cluster/serving/test_b.py::test", 1), ("tests/unit/b", 1)],
)
def test_a_cluster_ends_before_rooms_that_do_not_share_it(following: str, ended: int) -> None:
    stopped: list[int] = []
    config = SimpleNamespace(stash=pytest.Stash())
    config.stash[SHARED] = SimpleNamespace(stop=lambda: stopped.append(1))
    for before, after in [("tests/cluster/api/test_a.py::test", following), (following, "tests/unit/c")]:
        item: Any = SimpleNamespace(nodeid=before, config=config)
        nextitem: Any = SimpleNamespace(nodeid=after)
        steps = end_of_the_cluster(item, nextitem)
        next(steps)
        with pytest.raises(StopIteration):
            next(steps)
        if after == following:
            assert len(stopped) == ended
    assert stopped == [1]


def test_what_is_named_exists() -> None:
    for path in WATCHED:
        assert (REPOSITORY / path).exists(), path
    assert all(is_bed(f"{folder}test_a.py::test_b") for folder in BED)
    assert not is_bed("tests/unit/plan/test_a.py::test_b")


def _run(used: float, marks: tuple[str, ...]) -> object:
    clock = iter([0.0, used])
    item: Any = SimpleNamespace(get_closest_marker=lambda name: name in marks)
    call = Budget(lambda: next(clock)).pytest_runtest_call(item)
    next(call)
    with pytest.raises(StopIteration) as done:
        call.send("result")
    return done.value.value


@pytest.mark.parametrize(("used", "marks"), [(CPU_SECONDS - 1, ()), (99, ("slow",)), (99, ("cluster",))])
def test_within_the_budget(used: float, marks: tuple[str, ...]) -> None:
    assert _run(used, marks) == "result"


def test_over_the_budget() -> None:
    with pytest.raises(pytest.fail.Exception, match="21 s of CPU"):
        _run(CPU_SECONDS + 1, ())


def test_repetition(tmp_path: Path) -> None:
    """Each round runs; one that fails makes the whole fail."""
    seen = tmp_path / "seen"
    test = f"def test_it():\n with open({str(seen)!r}, 'a+') as f: f.write('x'); f.seek(0); assert len(f.read()) < 3\n"
    (tmp_path / "test_it.py").write_text(test)
    options = ["-c", str(tmp_path / "none.ini"), "--rootdir", str(tmp_path), "-q", "-k", "it"]
    (tmp_path / "none.ini").touch()
    command = [sys.executable, "-m", "tests.repeat", str(tmp_path / "test_it.py"), "--times", "3", "--load", "1"]
    done = subprocess.run([*command, *options], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "test_it[round3]" in done.stdout
    assert "1 failed, 2 passed" in done.stdout
    assert seen.read_text() == "xxx"


def _git(repository: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], cwd=repository, check=True, capture_output=True)


def _commit(repository: Path, path: str, text: str) -> None:
    (repository / path).parent.mkdir(exist_ok=True)
    (repository / path).write_text(text)
    _git(repository, "add", "-A")
    _git(repository, "commit", "-m", text)


def test_the_test_bed_is_tested_when_it_changed(tmp_path: Path) -> None:
    assert reason(tmp_path) == "there is no earlier commit to compare with"
    _git(tmp_path, "init", "-b", "main")
    _commit(tmp_path, "localcluster/a.py", "one")
    assert reason(tmp_path) == "there is no earlier commit to compare with"
    _git(tmp_path, "tag", "v1")
    _commit(tmp_path, "operator/a.py", "two")
    assert reason(tmp_path) is None
    _commit(tmp_path, "localcluster/a.py", "three")
    assert reason(tmp_path) == "localcluster/a.py differs from v1"
    _git(tmp_path, "update-ref", "refs/remotes/origin/main", "HEAD")
    _git(tmp_path, "checkout", "-b", "feature")
    _commit(tmp_path, "operator/a.py", "four")
    assert reason(tmp_path) is None
    (tmp_path / "localcluster/a.py").write_text("five")
    assert "localcluster/a.py differs from" in str(reason(tmp_path))
