"""The demo's story is true: each version does on held-out biopsies what the example says of it."""

import json
from collections import Counter
from pathlib import Path

import numpy as np

from examples.models.sample_requests import request_bodies
from examples.models.train import split
from tests.cluster.serving.conftest import Serve, Serving

ROWS = 4


def has_zero(body: str) -> bool:
    return any(value == 0 for row in json.loads(body)["dataframe_split"]["data"] for value in row)


def codes(serving: Serving, bodies: list[str]) -> Counter[tuple[bool, int]]:
    """Answers by (the request holds a zero, status code)."""
    return Counter((has_zero(body), serving.invoke(body).status_code) for body in bodies)


def test_held_out_rows_all_become_requests() -> None:
    _, held_out, _, _ = split()
    rows = [row for body in request_bodies(ROWS) for row in json.loads(body)["dataframe_split"]["data"]]
    np.testing.assert_array_equal(rows, held_out.sort_index().to_numpy())


def test_the_second_answers_every_request(serve: Serve, models: dict[str, Path]) -> None:
    bodies = request_bodies(ROWS)
    found = codes(serve(models["v2"]), bodies)
    assert {code for _, code in found} == {200}
    assert found.total() == len(bodies)


def test_the_third_fails_where_a_measurement_is_zero_and_nowhere_else(serve: Serve, models: dict[str, Path]) -> None:
    bodies = request_bodies(ROWS)
    serving = serve(models["v3"])
    found = codes(serving, bodies)
    assert set(found) == {(True, 500), (False, 200)}
    assert 0.05 < found[True, 500] / len(bodies) < 0.3
    assert serving.metric('rollmodel_server_requests_total{code="500"}') == found[True, 500]
