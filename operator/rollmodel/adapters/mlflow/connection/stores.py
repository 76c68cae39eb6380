"""MLflow's own stores, which know its API, over requests of ours. Heavy: import it through ``client.load`` only.

Their own requests know no deadline, and read answers of any size.
"""

from __future__ import annotations

import json
from typing import Any

from mlflow.store.model_registry.rest_store import RestStore as _RegistryStore
from mlflow.store.tracking.rest_store import RestStore as _TrackingStore
from mlflow.utils.proto_json_utils import parse_dict
from mlflow.utils.rest_utils import MlflowHostCreds, verify_rest_response

from rollmodel.adapters.mlflow.connection.http import Requests

__all__ = ["RegistryStore", "TrackingStore", "call"]


class RegistryStore(_RegistryStore):  # type: ignore[misc]
    """Registered models and their versions."""

    def __init__(self, requests: Requests) -> None:
        super().__init__(lambda: _host(requests))
        self._requests = requests

    def _call_endpoint(self, api: Any, json_body: str, *_: Any, **__: Any) -> Any:
        endpoint, method = self._get_endpoint_from_method(api)
        return call(self._requests, method, endpoint, json_body, self._get_response_from_method(api))


class TrackingStore(_TrackingStore):  # type: ignore[misc]
    """Experiments, runs and logged models."""

    def __init__(self, requests: Requests) -> None:
        super().__init__(lambda: _host(requests))
        self._requests = requests

    def _call_endpoint(self, api: Any, json_body: str, *_: Any, **__: Any) -> Any:
        endpoint, method = self._METHOD_TO_INFO[api]
        return call(self._requests, method, endpoint, json_body, api.Response())


def call(requests: Requests, method: str, endpoint: str, json_body: str, answer: Any) -> Any:
    """Ask, and read the answer into a message of MLflow's protocol. Raises MLflow's exceptions and ours."""
    asked = json.loads(json_body)
    given = {"params": asked} if method == "GET" else {"json": asked}
    response = verify_rest_response(requests.ask(method, endpoint, **given), endpoint)
    if response.status_code != 204:
        parse_dict(js_dict=response.json(), message=answer)
    return answer


def _host(requests: Requests) -> MlflowHostCreds:
    """For what the stores ask by themselves, which we leave out: a server without workspaces refuses their header."""
    here = requests.connection
    return MlflowHostCreds(here.url, username=here.username, password=here.password, token=here.token)
