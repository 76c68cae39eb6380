"""``rollmodel serve`` as the kubelet, a client and Prometheus meet it: as a process."""

import json
import shutil
import signal
import threading
from pathlib import Path

import httpx
import pytest

from localcluster.network import http_ok
from tests.cluster.conftest import WaitUntil
from tests.cluster.serving.conftest import START_SECONDS, Serve
from tests.support.eventually import PATIENCE_SECONDS

WAITS_FOR_A_FILE = '''
import os, pathlib, time
import pandas as pd
import mlflow.models
from mlflow.pyfunc import PythonModel

class Waits(PythonModel):
    """Tells that it was entered, and answers when it is let go."""
    def predict(self, context, model_input: pd.DataFrame, params=None):
        folder = pathlib.Path(model_input["folder"].iloc[0])
        if folder.name == "kill":
            os.kill(os.getpid(), 9)
        (folder / "entered").touch()
        while not (folder / "go").exists():
            time.sleep(0.01)
        return [str(os.getpid())]

mlflow.models.set_model(Waits())
'''


@pytest.fixture(scope="session")
def waiting_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose inference lasts as long as a test wants; without signature and input example."""
    folder = tmp_path_factory.mktemp("waiting")
    (folder / "code.py").write_text(WAITS_FOR_A_FILE)
    model = folder / "model"
    model.mkdir()
    shutil.copy(folder / "code.py", model / "code.py")
    flavor = {"loader_module": "mlflow.pyfunc.model", "model_code_path": "code.py", "python_model": None}
    (model / "MLmodel").write_text(json.dumps({"flavors": {"python_function": flavor}, "model_uuid": "waits"}))
    return model


def wants(folder: Path) -> str:
    return json.dumps({"dataframe_split": {"columns": ["folder"], "data": [[str(folder)]]}})


def test_a_model_is_ready_after_it_answered_its_example(serve: Serve, models: dict[str, Path], example: str) -> None:
    serving = serve(models["v1"])
    ready = httpx.get(f"{serving.url}/ready")
    assert (ready.status_code, ready.headers["x-rollmodel-checked"]) == (200, "input example")
    assert serving.metric("rollmodel_server_request_duration_seconds_count") == 0, "the example is no request"
    for path in ("ping", "health", "version"):
        assert httpx.get(f"{serving.url}/{path}").status_code == 200
    assert len(serving.invoke(example).json()["predictions"]) == 2
    assert serving.invoke("{").status_code == 400
    assert serving.metric('rollmodel_server_requests_total{code="200"}') == 1
    assert serving.metric('rollmodel_server_requests_total{code="400"}') == 1
    assert serving.metric('rollmodel_server_request_duration_seconds_bucket{le="+Inf"}') == 2
    assert serving.end() == 0


def test_on_sigterm_it_turns_unready_serves_on_and_finishes_what_is_in_flight(
    serve: Serve, waiting_model: Path, tmp_path: Path, wait_until: WaitUntil
) -> None:
    serving = serve(waiting_model, "--drain-seconds", "60")
    assert httpx.get(f"{serving.url}/ready").headers["x-rollmodel-checked"] == "no input example"
    answers: list[httpx.Response] = []
    client = threading.Thread(target=lambda: answers.append(serving.invoke(wants(tmp_path))))
    client.start()
    wait_until((tmp_path / "entered").exists)
    serving.process.send_signal(signal.SIGTERM)
    wait_until(lambda: httpx.get(f"{serving.url}/ready").status_code == 503)
    (tmp_path / "done").mkdir()
    (tmp_path / "done/go").touch()
    assert serving.invoke(wants(tmp_path / "done")).status_code == 200, "new requests are still served"
    serving.process.send_signal(signal.SIGTERM)  # the second one ends the waiting for new requests
    wait_until(lambda: not http_ok(f"{serving.url}/ping"))
    assert serving.process.poll() is None, "one request is still in flight"
    (tmp_path / "go").touch()
    client.join()
    assert answers[0].status_code == 200
    assert serving.process.wait(PATIENCE_SECONDS) == 0


def test_several_workers_answer_for_each_other(
    serve: Serve, waiting_model: Path, tmp_path: Path, wait_until: WaitUntil
) -> None:
    serving = serve(waiting_model, "--workers", "2", "--drain-seconds", "0")
    (tmp_path / "go").touch()
    workers: set[str] = set()

    def both_have_answered() -> bool:
        workers.update(serving.invoke(wants(tmp_path)).json()["predictions"])
        return len(workers) == 2

    wait_until(both_have_answered, START_SECONDS)
    asked = serving.metric('rollmodel_server_requests_total{code="200"}')
    assert asked == serving.metric("rollmodel_server_request_duration_seconds_count") >= 2
    assert serving.metric('rollmodel_server_requests_total{code="500"}') == 0
    assert serving.end() == 0


def test_a_worker_that_dies_ends_all_of_them_with_a_reason(serve: Serve, waiting_model: Path, tmp_path: Path) -> None:
    serving = serve(waiting_model, "--workers", "2", "--drain-seconds", "0")
    with pytest.raises(httpx.TransportError):
        serving.invoke(wants(tmp_path / "kill"))
    assert serving.process.wait(START_SECONDS) == 1
    assert (tmp_path / "termination-log").read_text() == "WorkerDied: a worker was ended by SIGKILL\n"


def test_a_model_that_cannot_answer_its_own_example_never_listens(
    serve: Serve, models: dict[str, Path], tmp_path: Path
) -> None:
    model = shutil.copytree(models["v3"], tmp_path / "model")
    example = json.loads((model / "serving_input_example.json").read_text())
    example["dataframe_split"]["data"][0][6] = 0.0
    (model / "serving_input_example.json").write_text(json.dumps(example))
    serving = serve(model, "--workers", "2", wait=False)
    assert serving.process.wait(START_SECONDS) == 1
    reason = (tmp_path / "termination-log").read_text()
    assert reason.startswith("InputExampleFailed: 500 Input X contains infinity")
