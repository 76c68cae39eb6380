"""What trains in cluster tests: a program of the standard library alone, which starts at once and does what it is told.

``ROLLMODEL_PARAMETERS`` tells it, all as text:

- ``hold``: go on when this file exists;
- ``fail-until``: make this file and end with 3, unless it is there;
- ``exit``: end with this exit code before anything is logged;
- ``metrics``: JSON object of what to log, numbers that are none as text: ``NaN``, ``Infinity``;
- ``tell``: names of variables, or of files that variables name, logged as tags ``told/<name>/<rank>``;
- ``model``: path of the model among the artifacts; empty for none.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.request
from base64 import b64encode
from pathlib import Path
from typing import Any

__all__ = ["main"]

_TRIES = 120


def main() -> int:
    """The exit code."""
    told = json.loads(os.environ["ROLLMODEL_PARAMETERS"])
    while "hold" in told and not Path(told["hold"]).exists():
        time.sleep(0.05)
    if "fail-until" in told and not Path(told["fail-until"]).exists():
        Path(told["fail-until"]).touch()
        sys.stderr.write("the first try went wrong\n")
        return 3
    if "exit" in told:
        return int(told["exit"])
    _log(told)
    return 0


def _log(told: dict[str, str]) -> None:
    run, rank = os.environ["MLFLOW_RUN_ID"], os.environ.get("RANK", "0")
    now = int(time.time() * 1000)
    for name, value in json.loads(told.get("metrics", '{"auc": 0.9}')).items():
        metric = {"key": name, "value": value, "timestamp": now, "step": 1}
        _post("runs/log-metric", {"run_id": run, **metric})
    for name in told.get("tell", "").split():
        _post("runs/set-tag", {"run_id": run, "key": f"told/{name}/{rank}", "value": _found(name)})
    model = told.get("model", "model")
    if model:
        _upload(f"{model}/MLmodel", b"flavors: {}\n")


def _found(name: str) -> str:
    text = os.environ.get(name, "<unset>")
    path = Path(text)
    files = sorted(path.iterdir()) if path.is_dir() else [path] if path.is_file() else []
    return "".join(file.read_text(encoding="utf-8") for file in files) if files else text


def _upload(path: str, content: bytes) -> None:
    run, experiment = os.environ["MLFLOW_RUN_ID"], os.environ["MLFLOW_EXPERIMENT_ID"]
    _send("PUT", f"api/2.0/mlflow-artifacts/artifacts/{experiment}/{run}/artifacts/{path}", content)


def _post(path: str, body: dict[str, Any]) -> None:
    _send("POST", f"api/2.0/mlflow/{path}", json.dumps(body).encode())


def _send(method: str, path: str, content: bytes) -> None:
    """As patient as MLflow's own client, where nobody answers."""
    url = f"{os.environ['MLFLOW_TRACKING_URI']}/{path}"
    headers = {"Content-Type": "application/json", **_login()}
    for left in reversed(range(_TRIES)):
        request = urllib.request.Request(url, content, headers, method=method)
        try:
            urllib.request.urlopen(request, timeout=30).close()
        except OSError:
            if not left:
                raise
            time.sleep(1)
        else:
            return


def _login() -> dict[str, str]:
    user, password = (os.environ.get(f"MLFLOW_TRACKING_{name}") for name in ("USERNAME", "PASSWORD"))
    return {"Authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"} if user else {}


if __name__ == "__main__":
    sys.exit(main())
