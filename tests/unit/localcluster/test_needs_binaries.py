"""A cluster test without binaries is skipped, and fails under CI: never green."""

from pathlib import Path
from typing import NoReturn

import pytest

from localcluster import BinaryUnavailableError, Cluster, LocalClusterError
from tests.cluster.conftest import start
from tests.support.binaries import needs_binaries

REASON = "etcd: not on PATH; install Go"


@pytest.mark.parametrize("ci", ["true", "1", "True", "yes"])
def test_under_ci_it_fails(ci: str) -> None:
    with (
        pytest.raises(pytest.fail.Exception, match=f"under CI this test must run: {REASON}"),
        needs_binaries({"CI": ci}),
    ):
        raise BinaryUnavailableError(REASON)


@pytest.mark.parametrize("environment", [{}, {"CI": ""}, {"CI": "false"}, {"CI": "False"}])
def test_elsewhere_it_is_skipped_with_the_reason(environment: dict[str, str]) -> None:
    with pytest.raises(pytest.skip.Exception, match=REASON), needs_binaries(environment):
        raise BinaryUnavailableError(REASON)


@pytest.mark.parametrize("environment", [{}, {"CI": "true"}])
def test_any_other_trouble_is_shown_as_it_is(environment: dict[str, str]) -> None:
    with pytest.raises(LocalClusterError, match="the supervisor ended"), needs_binaries(environment):
        raise LocalClusterError("the supervisor ended")


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_the_start_of_every_cluster_asks_the_environment(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    ci: str,
    outcome: type[BaseException],
) -> None:
    def without_binaries(*_: object, **__: object) -> NoReturn:
        raise BinaryUnavailableError(REASON)

    monkeypatch.setattr(Cluster, "start", without_binaries)
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match=REASON):
        start(request, tmp_path)
