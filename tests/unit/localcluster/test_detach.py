"""When a cluster ends: with its block, unless it was detached; and what `down` says where nothing ran."""

from pathlib import Path
from typing import Any

import pytest

from localcluster import Cluster, NotRunningError, control
from localcluster.__main__ import main
from localcluster.site import Site


class Supervisor:
    """Stands in for the socket: remembers the requests; after ``shutdown`` nobody answers."""

    def __init__(self) -> None:
        self.verbs: list[str] = []
        self.runs = True

    def request(self, path: Path, verb: str, *_: Any, **__: Any) -> Any:
        if not self.runs:
            raise NotRunningError(f"no cluster is running in {path.parent}")
        self.verbs.append(verb)
        if verb == "shutdown":
            self.runs = False
            raise NotRunningError("ended before it answered")
        return []


@pytest.fixture
def supervisor(monkeypatch: pytest.MonkeyPatch) -> Supervisor:
    stand_in = Supervisor()
    monkeypatch.setattr(control, "request", stand_in.request)
    return stand_in


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return Site.create(tmp_path / "own", audit=False, scrape_interval="1s", images=None).root


def test_it_ends_with_its_block(supervisor: Supervisor, directory: Path) -> None:
    with Cluster(directory):
        pass
    assert not supervisor.runs


def test_a_detached_cluster_outlives_its_block(supervisor: Supervisor, directory: Path) -> None:
    with Cluster(directory) as cluster:
        cluster.detach()
    assert supervisor.verbs == ["detach"]
    assert Cluster.attach(directory).status() == []


def test_down_says_whether_there_was_anything(
    supervisor: Supervisor, directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for expected in (f"the cluster in {directory} has ended", f"no cluster was running in {directory}"):
        assert main(["down", f"--dir={directory}"]) == 0
        assert capsys.readouterr().out.strip() == expected


def test_down_where_there_never_was_a_cluster(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["down", f"--dir={tmp_path}"]) == 0
    assert capsys.readouterr().out.strip() == f"no cluster was running in {tmp_path}"
