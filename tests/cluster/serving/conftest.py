"""A real MLflow server with the three example models, and real model servers as processes."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from rollmodel.serving.digest import folder_digest
from rollmodel.serving.fetch import model

from localcluster.network import free_port, http_ok
from tests.cluster.conftest import WaitUntil
from tests.support.eventually import PATIENCE_SECONDS

REPOSITORY = Path(__file__).parents[3]
START_SECONDS = 300.0
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "PYTHONPATH": f"{REPOSITORY / 'operator'}{os.pathsep}{REPOSITORY}"}


@pytest.fixture(scope="session")
def mlflow_url(tmp_path_factory: pytest.TempPathFactory, wait_until: WaitUntil) -> Iterator[str]:
    """The address of an MLflow server on SQLite that serves artifacts by proxy."""
    folder = tmp_path_factory.mktemp("mlflow")
    port = free_port()
    arguments = ["--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}", "--artifacts-destination", str(folder)]
    server_module = ["-m", "localcluster.parts.mlflow_server", "server"]
    command = [sys.executable, *server_module, *arguments, "--host", "127.0.0.1", "--port", str(port)]
    env = os.environ | QUIET | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "log").open("w") as log:
        server = subprocess.Popen([*command, "--workers", "1"], env=env, stdout=log, stderr=log, start_new_session=True)
    try:
        wait_until(lambda: http_ok(f"http://127.0.0.1:{port}/health"), START_SECONDS)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@dataclass(frozen=True)
class Registered:
    """A version in the registry: ``artifacts`` is its artifact URI, ``digest`` that of the files as stored."""

    name: str
    version: str
    run_id: str
    model_id: str
    artifacts: str
    digest: str


@pytest.fixture(scope="session")
def registered(mlflow_url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Registered]:
    """The example's three versions, trained and registered by its command line; alias ``challenger`` on the last."""
    command = [sys.executable, "examples/models/train.py", "--tracking-uri", mlflow_url, "--alias", "challenger"]
    env = os.environ | QUIET
    done = subprocess.run(command, cwd=REPOSITORY, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    versions = re.findall(r"^(v\d): version (\d+) of (\S+),", done.stdout, re.MULTILINE)
    assert [key for key, _, _ in versions] == ["v1", "v2", "v3"]
    stored = Path(tmp_path_factory.getbasetemp(), "mlflow0")
    return {key: _registered(mlflow_url, stored, name, version) for key, version, name in versions}


def _registered(url: str, stored: Path, name: str, version: str) -> Registered:
    api = f"{url}/api/2.0/mlflow/model-versions"
    params = {"name": name, "version": version}
    found = httpx.get(f"{api}/get", params=params).json()["model_version"]
    artifacts = httpx.get(f"{api}/get-download-uri", params=params).json()["artifact_uri"]
    digest = folder_digest(stored / artifacts.removeprefix("mlflow-artifacts:/"))
    model_id = re.search(r"m-[0-9a-f]+", found["source"])
    assert model_id
    return Registered(name, version, found["run_id"], model_id[0], artifacts, digest)


@pytest.fixture(scope="session")
def models(
    mlflow_url: str, registered: dict[str, Registered], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """The folders of the three versions as a pod would have fetched them."""
    folder = tmp_path_factory.mktemp("models")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", mlflow_url)
        for key, found in registered.items():
            model.fetch(f"models:/{found.name}/{found.version}", found.digest, folder / key)
    return {key: folder / key for key in registered}


class Serving:
    """A running ``rollmodel serve``."""

    def __init__(self, process: subprocess.Popen[bytes], url: str, log: Path) -> None:
        self.process = process
        self.url = url
        self.log = log

    def invoke(self, body: str) -> httpx.Response:
        headers = {"Content-Type": "application/json"}
        return httpx.post(f"{self.url}/invocations", content=body, headers=headers, timeout=60)

    def metric(self, sample: str) -> float:
        """One sample of /metrics, by its name and labels as they are written there."""
        for line in httpx.get(f"{self.url}/metrics").text.splitlines():
            if line.startswith(sample + " "):
                return float(line.rpartition(" ")[2])
        raise KeyError(sample)

    def ready(self) -> bool:
        """Whether /ready answers 200; fails at once where the server has ended."""
        assert self.process.poll() is None, self.log.read_text()
        return http_ok(f"{self.url}/ready")

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)


Serve = Callable[..., Serving]


@pytest.fixture
def serve(tmp_path: Path, wait_until: WaitUntil) -> Iterator[Serve]:
    """Starts model servers, waits until they are ready, and ends them after the test."""
    running: list[Serving] = []

    def start(model: Path, *arguments: str, wait: bool = True, address: str = "127.0.0.1") -> Serving:
        port = free_port()
        command = [sys.executable, "-m", "rollmodel.serving.server.main", "--model", str(model), "--port", str(port)]
        command += ["--termination-log", str(tmp_path / "termination-log"), "--host", "203.0.113.1", *arguments]
        env = os.environ | QUIET | {"ROLLMODEL_LISTEN_ADDRESS": address}
        path = tmp_path / f"server-{len(running)}.log"
        with path.open("w") as log:
            process = subprocess.Popen(command, env=env, stdout=log, stderr=log, start_new_session=True)
        serving = Serving(process, f"http://{address}:{port}", path)
        running.append(serving)
        if wait:
            wait_until(serving.ready, START_SECONDS)
        return serving

    yield start
    for serving in running:
        if serving.process.poll() is None:
            os.killpg(serving.process.pid, signal.SIGKILL)
            serving.process.wait()


@pytest.fixture
def example(models: dict[str, Path]) -> str:
    """A request that every version can answer: the logged input example."""
    text = (models["v1"] / "serving_input_example.json").read_text()
    assert json.loads(text)
    return text
