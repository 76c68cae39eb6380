"""Whose fault is it? The codes by which a rollout is judged, against MLflow's own server."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.pyfunc import PyFuncModel, scoring_server
from mlflow.types.schema import ColSpec, ParamSchema, ParamSpec, Schema
from rollmodel.serving.server.scoring import Scorer

JSON = "application/json"
Predict = Callable[[pd.DataFrame], Any]


class Impl:
    """A model's implementation, as MLflow's flavours have one."""

    def __init__(self, predict: Predict) -> None:
        self._predict = predict

    def predict(self, data: pd.DataFrame, params: dict[str, Any] | None = None) -> Any:
        return self._predict(data)


def pyfunc(predict: Predict) -> PyFuncModel:
    signature = ModelSignature(
        inputs=Schema([ColSpec("double", "x")]), params=ParamSchema([ParamSpec("scale", "double", 1.0)])
    )
    meta = Model(signature=signature, flavors={"python_function": {"loader_module": "mlflow.sklearn"}})
    return PyFuncModel(model_meta=meta, model_impl=Impl(predict))


def double(data: pd.DataFrame) -> Any:
    return data["x"].to_numpy() * 2


def body(*values: object) -> bytes:
    return json.dumps({"dataframe_split": {"columns": ["x"], "data": [[value] for value in values]}}).encode()


def test_a_good_request() -> None:
    answer = Scorer(pyfunc(double)).score(body(1.0, 2.0), JSON)
    assert (answer.status, answer.media_type) == (200, JSON)
    assert json.loads(answer.body) == {"predictions": [2.0, 4.0]}


def raises(error: Exception) -> Predict:
    def predict(_: pd.DataFrame) -> Any:
        raise error

    return predict


@pytest.mark.parametrize(
    ("predict", "status"),
    [
        (raises(ValueError("Input X contains infinity")), 500),
        (raises(KeyError("column")), 500),
        (raises(MemoryError()), 500),
        (raises(RecursionError()), 500),
        (raises(TimeoutError()), 500),
        (lambda data: object(), 500),  # no JSON
        (lambda data: {1, 2}, 500),
        (raises(MlflowException("internal")), 500),
        # What an author or a flavour says to the caller on purpose stays as it is.
        (raises(MlflowException.invalid_parameter_value("no such customer")), 400),
    ],
)
def test_what_fails_in_the_model_counts_against_the_model(predict: Predict, status: int) -> None:
    assert Scorer(pyfunc(predict)).score(body(1.0), JSON).status == status


def test_a_failure_tells_the_client_little_and_the_log_all(caplog: pytest.LogCaptureFixture) -> None:
    answer = Scorer(pyfunc(raises(ValueError("password=hush")))).score(body(1.0), JSON)
    assert json.loads(answer.body)["error_code"] == "INTERNAL_ERROR"
    assert b"ValueError" in answer.body
    assert b"hush" not in answer.body
    assert "hush" in caplog.text
    assert "hush" in answer.cause


def test_one_failure_does_not_colour_the_next_request() -> None:
    scorer = Scorer(pyfunc(raises(ValueError("x"))))
    assert [scorer.score(sent, JSON).status for sent in (body(1.0), b"{", body(1.0), b"[" * 100_000)] == [
        500,
        400,
        500,
        400,
    ]


MALFORMED = {
    "no content type": ("", body(1.0)),
    "unknown content type": ("text/html", body(1.0)),
    "other charset": (JSON + "; charset=latin-1", body(1.0)),
    "not JSON": (JSON, b"{"),
    "not UTF-8": (JSON, b"\xff\xfe\xff"),
    "empty": (JSON, b""),
    "a list": (JSON, b"[]"),
    "no known key": (JSON, b'{"rows": []}'),
    "two keys": (JSON, b'{"inputs": 1, "instances": 2}'),
    "no frame": (JSON, b'{"dataframe_split": 5}'),
    "ragged rows": (JSON, b'{"dataframe_split": {"columns": ["x"], "data": [[1, 2], [3]]}}'),
    "records of numbers": (JSON, b'{"dataframe_records": [1, 2]}'),
    "missing column": (JSON, b'{"dataframe_split": {"columns": ["y"], "data": [[1.0]]}}'),
    "text for a number": (JSON, body("one")),
    "ragged instances": (JSON, b'{"instances": [[1, 2], [3]]}'),
    "wrong parameter": (JSON, body(1.0)[:-1] + b', "params": {"scale": "big"}}'),
    "parameters of no kind": (JSON, body(1.0)[:-1] + b', "params": 5}'),
    "nested too deep": (JSON, b'{"inputs": ' + b"[" * 50_000),
    "number too long": (JSON, b'{"inputs": ' + b"9" * 10_000 + b"}"),
    "broken CSV": ("text/csv", b'a,b\n"1'),
    "broken Parquet": ("application/vnd.apache.parquet", b"PAR1"),
}


@pytest.mark.parametrize(("content_type", "sent"), MALFORMED.values(), ids=MALFORMED.keys())
def test_what_fails_before_the_model_never_counts_against_it(content_type: str, sent: bytes) -> None:
    answer = Scorer(pyfunc(raises(AssertionError("reached")))).score(sent, content_type)
    assert 400 <= answer.status < 500


GOOD = {
    "split": (JSON, body(1.0, 2.0)),
    "records": (JSON, b'{"dataframe_records": [{"x": 1.0}]}'),
    "instances": (JSON, b'{"instances": [{"x": 1.0}]}'),
    "inputs": (JSON, b'{"inputs": {"x": [1.0]}}'),
    "CSV": ("text/csv", b"x\n1.0\n2.0\n"),
    "charset": (JSON + "; charset=utf-8", body(1.0)),
    "parameters": (JSON, body(1.0)[:-1] + b', "params": {"scale": 2.0}}'),
}

CRASHES_MLFLOW = {"nested too deep", "number too long"}
"""Malformed requests that MLflow's own server answers with 500."""


@pytest.mark.parametrize(("name", "request_"), [*GOOD.items(), *MALFORMED.items()])
async def test_all_else_is_answered_as_by_mlflow(name: str, request_: tuple[str, bytes]) -> None:
    content_type, sent = request_
    ours = Scorer(pyfunc(double)).score(sent, content_type)
    transport = httpx.ASGITransport(app=scoring_server.init(pyfunc(double)), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://model") as client:
        theirs = await client.post("/invocations", content=sent, headers={"content-type": content_type})
    if name in CRASHES_MLFLOW:
        assert theirs.status_code == 500
        return
    assert (ours.status, ours.media_type) == (theirs.status_code, theirs.headers["content-type"].split(";")[0])
    if ours.status == 200:
        assert ours.body == theirs.content


def test_numbers_of_numpy_are_written() -> None:
    answer = Scorer(pyfunc(lambda data: {"score": np.float32(0.5), "rows": np.arange(2)})).score(body(1.0), JSON)
    assert json.loads(answer.body) == {"predictions": {"score": 0.5, "rows": [0, 1]}}
