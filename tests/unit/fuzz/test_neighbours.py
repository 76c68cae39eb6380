"""Whatever MLflow and Prometheus answer, the adapters give a value of theirs or raise an error of ours."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rollmodel.adapters.mlflow.registry import Mlflow
from rollmodel.adapters.mlflow.tracking import MlflowTracking
from rollmodel.adapters.prometheus.answer import read_matrix
from rollmodel.adapters.prometheus.client import Prometheus
from rollmodel.errors import RollmodelError, Untrustworthy
from rollmodel.ports.registry import Connection, ModelVersion
from rollmodel.serving.sources.registry import MlflowArtifacts, MlflowServer

from tests.support.foreign import damaged, is_short
from tests.support.running.effort import effort
from tests.support.servers.web import serve

MATRIX = {
    "status": "success",
    "data": {"resultType": "matrix", "result": [{"metric": {"pod": "a"}, "values": [[1, "2"], [3, "4"]]}]},
    "warnings": [],
}
VERSION = {
    "model_version": {
        "name": "churn",
        "version": "1",
        "status": "READY",
        "source": "mlflow-artifacts:/1/models/m/artifacts",
        "run_id": "r",
        "tags": [{"key": "rollmodel.dev/digest", "value": f"sha256:{'0' * 64}"}],
    },
    "artifact_uri": "mlflow-artifacts:/1/models/m/artifacts",
    "files": [{"path": "MLmodel", "is_dir": False, "file_size": 1}],
}
RUN = {
    "run": {
        "info": {
            "run_id": "a" * 32,
            "experiment_id": "1",
            "status": "RUNNING",
            "start_time": 1,
            "artifact_uri": "s3://b",
        },
        "data": {"metrics": [{"key": "auc", "value": 0.5, "timestamp": 1, "step": 1}], "params": [], "tags": []},
    },
    "metrics": [{"key": "auc", "value": 0.5, "timestamp": 1, "step": 1}],
}
DEEP = b'{"a":' * 5000 + b"1" + b"}" * 5000
STATUSES = st.sampled_from([200, 200, 200, 204, 302, 400, 401, 404, 422, 429, 500, 503])


@settings(max_examples=effort(30, 400))
@given(damaged(MATRIX, "status", "data", "result", "metric", "values", "warnings"), st.integers(1, 64))
@example(
    json.dumps(
        {**MATRIX, "data": {"resultType": "matrix", "result": [{"metric": {}, "values": [[10**400, "1"]]}]}}
    ).encode(),
    64,
)
def test_prometheus_gives_numbers_or_is_not_trusted(body: bytes, size: int) -> None:
    try:
        found = read_matrix(body[at : at + size] for at in range(0, len(body), size))
    except Untrustworthy as error:
        is_short(error, 1000)
        return
    for series in found:
        assert all(isinstance(word, str) for label in series.labels.items() for word in label)
        assert all(isinstance(number, float) for point in series.points for number in point)


@settings(max_examples=effort(10, 100))
@given(damaged({"status": "error", "error": "x"}, "error", "status"), STATUSES)
@example(DEEP, 500)
def test_errors_of_prometheus_are_ours(body: bytes, status: int) -> None:
    async def ask() -> None:
        async def respond(_: web.Request) -> web.Response:
            return web.Response(body=body, status=status)

        async with serve(respond) as server:
            prometheus = Prometheus(server.url, timeout=5)
            try:
                with pytest.raises(RollmodelError) as error:
                    await prometheus.query_range("up", start=0, end=1, step=1)
                assert len(str(error.value)) < 2000
            finally:
                prometheus.close()

    asyncio.run(ask())


@settings(max_examples=effort(8, 100))
@given(damaged(VERSION, "model_version", "version", "name", "tags", "key", "value", "files", "path"), STATUSES)
@example(DEEP, 200)
@example(DEEP, 500)
@example(json.dumps(VERSION | {"files": [None]}).encode(), 200)
def test_a_version_of_mlflow_is_one_or_an_error_of_ours(body: bytes, status: int) -> None:
    async def ask() -> ModelVersion | None:
        async def respond(_: web.Request) -> web.Response:
            return web.Response(body=body, status=status, content_type="application/json")

        async with serve(respond) as server:
            mlflow = Mlflow(hash_limit=1000, timeout=5)
            try:
                return await mlflow.resolve(Connection(server.url), "churn", version="1", alias=None)
            except RollmodelError as error:
                is_short(error)
                return None
            finally:
                mlflow.close()

    found = asyncio.run(asyncio.wait_for(ask(), 30))
    if found is not None:
        assert (found.name, found.version) == ("churn", "1")
        assert found.digest.startswith("sha256:")
        assert len(found.digest) == 71


@settings(max_examples=effort(8, 100))
@given(damaged(RUN, "run", "info", "data", "metrics", "value", "step", "timestamp", "status"), STATUSES)
@example(DEEP, 200)
@example(DEEP, 500)
@example(
    json.dumps({**RUN, "metrics": [{"key": "auc", "value": "NaN", "timestamp": "1", "step": 2**63}]}).encode(), 200
)
def test_a_run_of_mlflow_is_one_or_an_error_of_ours(body: bytes, status: int) -> None:
    async def ask() -> None:
        async def respond(_: web.Request) -> web.Response:
            return web.Response(body=body, status=status, content_type="application/json")

        async with serve(respond) as server:
            tracking = MlflowTracking(timeout=5)
            connection = Connection(server.url)
            calls: list[Any] = [
                tracking.get_run(connection, "a" * 32),
                tracking.history(connection, "a" * 32, "auc"),
                tracking.version_at(connection, "churn", "champion"),
                tracking.find_run(connection, "team/churn", "uid"),
                tracking.artifacts(connection, "a" * 32, ["model"]),
            ]
            try:
                for call in calls:
                    try:
                        found = await call
                    except RollmodelError as error:
                        is_short(error)
                    else:
                        assert not isinstance(found, list) or all(isinstance(one, float) for one in found)
            finally:
                tracking.close()

    asyncio.run(asyncio.wait_for(ask(), 60))


def test_what_is_found_above_would_be_seen() -> None:
    """The documents are read, as they are."""
    [series] = read_matrix([json.dumps(MATRIX).encode()])
    assert list(series.points) == [(1.0, 2.0), (3.0, 4.0)]
    assert not math.isnan(series.points[0][1])


PLACES = {
    "artifact_uri": "s3://b/k",
    "run": {"info": {"artifact_uri": "s3://b/k"}, "outputs": {"model_outputs": [{"model_id": "m-1"}]}},
    "model": {"info": {"name": "model", "artifact_uri": "mlflow-artifacts:/1/m"}},
    "files": [{"path": "MLmodel", "is_dir": False, "file_size": 1}],
}


@settings(max_examples=effort(10, 200))
@given(damaged(PLACES, "artifact_uri", "run", "model", "info", "outputs", "model_outputs", "files", "path"), STATUSES)
@example(b'{"artifact_uri": "models:/churn/1"}', 200)
@example(b'{"run": {"outputs": {"model_outputs": [null]}}}', 200)
@example(DEEP, 200)
def test_what_a_pod_asks_mlflow_is_answered_or_an_error_of_ours(body: bytes, status: int) -> None:
    async def ask() -> None:
        async def respond(_: web.Request) -> web.Response:
            return web.Response(body=body, status=status, content_type="application/json")

        def read(url: str) -> None:
            server = MlflowServer({"MLFLOW_TRACKING_URI": url})
            looks: list[Callable[[], str]] = [
                lambda: server.artifact_uri("models:/churn/1"),
                lambda: server.artifact_uri("models:/m-1"),
                lambda: server.artifact_uri(f"runs:/{'a' * 32}/model"),
                lambda: str(MlflowArtifacts(server, "1/m").list()),
            ]
            for look in looks:
                try:
                    assert isinstance(look(), str)
                except RollmodelError as error:
                    is_short(error)

        async with serve(respond) as server:
            await asyncio.to_thread(read, server.url)

    asyncio.run(asyncio.wait_for(ask(), 60))
