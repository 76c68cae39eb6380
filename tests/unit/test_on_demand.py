"""Packages of which only single modules are imported: what is spared, and that nothing is missing or another thing."""

from __future__ import annotations

import json
import subprocess
import sys

#: In a process of its own: what is imported here would stay.
_PROGRAM = """
import json, pkgutil, sys
from importlib import import_module
from types import ModuleType
from rollmodel.on_demand import HEAVY, init_on_demand

init_on_demand()
import rollmodel.runtime.main
from rollmodel.adapters.mlflow.connection.loading import load
load()
import rollmodel.adapters.mlflow.connection.http as http
http._client.headers()
early = sorted(sys.modules)

import kubernetes, mlflow, mlflow.tracking
versions = [kubernetes.__version__, mlflow.__version__]
kinds = [type(sys.modules[name]).__name__ for name in HEAVY]
kubernetes.config.ConfigException
client = mlflow.tracking.MlflowClient
mlflow.MlflowClient
other = {
    f"{name}.{module.name}"
    for name in HEAVY
    for module in pkgutil.iter_modules(sys.modules[name].__path__)
    if not isinstance(vars(sys.modules[name]).get(module.name, kubernetes), ModuleType)
}
print(json.dumps({
    "early": early, "versions": versions, "kinds": kinds, "other": sorted(other),
    "same": client is mlflow.MlflowClient and client is import_module("mlflow.tracking.client").MlflowClient,
    "ran": [type(sys.modules[name]).__name__ for name in ("mlflow", "mlflow.tracking")],
    "full": [mlflow.__version__, mlflow.version.VERSION],
}))
"""

#: Each costs megabytes, and the operator uses none of them.
_SPARED = {
    "kubernetes.config",
    "kubernetes.dynamic",
    "kubernetes.informer",
    "google.auth",
    "mlflow.gateway",
    "mlflow.genai",
    "mlflow.models",
    "fastapi",
    "pandas",
    "pyarrow",
    "sklearn",
}


def test_only_what_is_used_is_imported_and_the_rest_is_there_when_it_is_asked_for() -> None:
    answer = subprocess.run([sys.executable, "-c", _PROGRAM], check=True, capture_output=True, text=True, timeout=120)
    found = json.loads(answer.stdout)

    assert not _SPARED & set(found["early"])
    assert set(found["kinds"]) == {"_OnDemand"}
    assert found["ran"] == ["module"] * 2, "their __init__ has run since"
    assert found["same"]
    assert found["full"] == [found["versions"][1]] * 2
    assert found["other"] == [], "a name of a package that hides a module of it would be the module here"
