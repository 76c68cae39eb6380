"""Two model servers as processes, each with two workers, compare their answers to the same requests."""

import itertools
import json
from pathlib import Path

import pytest

from tests.cluster.conftest import WaitUntil
from tests.cluster.serving.conftest import Serve

PAIRS = 'rollmodel_server_pairs_total{rule="differs"}'
DIFFERING = 'rollmodel_server_pairs_differing_total{rule="differs"}'


@pytest.mark.slow
def test_two_servers_compare_their_answers(
    serve: Serve, models: dict[str, Path], example: str, monkeypatch: pytest.MonkeyPatch, wait_until: WaitUntil
) -> None:
    stable = serve(models["v1"], "--workers", "2", "--drain-seconds", "0")
    told = {
        "service": "127.0.0.1",
        "port": int(stable.url.rpartition(":")[2]),
        "revision": "candidate",
        "rules": [{"name": "differs"}],
    }
    monkeypatch.setenv("ROLLMODEL_PAIRS", json.dumps(told))
    candidate = serve(models["v1"], "--workers", "2", "--drain-seconds", "0")
    assert candidate.metric(PAIRS) == 0
    spaces = itertools.count(1)

    def paired() -> bool:
        body = example + " " * next(spaces)  # another question each time, with the same answer
        answers = [server.invoke(body) for server in (stable, candidate)]
        assert [answer.status_code for answer in answers] == [200, 200]
        return candidate.metric(PAIRS) >= 20

    wait_until(paired)
    assert candidate.metric(DIFFERING) == 0
    with pytest.raises(KeyError):
        stable.metric(PAIRS)
