"""KServe's inference logger: CloudEvents in JSON, one a line, a request and a response with the same id.

Bodies are those of the open inference protocol (``inputs``/``outputs``) or of its predecessor
(``instances``/``predictions``). https://kserve.github.io/website/docs/model-serving/predictive-inference/logger
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from rollmodel.serving.drift.counter import scores_of
from rollmodel.serving.predictions.count_log.reading import LogFiles, to_seconds
from rollmodel.serving.predictions.identity import row_ids
from rollmodel.serving.predictions.records import Record

__all__ = ["event_records"]

_REQUEST, _RESPONSE = "inference.request", "inference.response"
#: Events that wait for their other half, at most.
_WAITING = 100_000


def event_records(files: LogFiles, revision: str, names: Sequence[str]) -> Iterator[list[Record]]:
    """Rows of all events. ``names`` are the features in order, for bodies that do not name them."""
    waiting: dict[str, dict[str, Mapping[str, Any]]] = {}
    for event in files.lines():
        kind = next((one for one in (_REQUEST, _RESPONSE) if str(event.get("type", "")).endswith(one)), None)
        if kind is None or "id" not in event:
            files.unreadable.lines += 1
            continue
        pair = waiting.setdefault(str(event["id"]), {})
        pair[kind] = event
        if len(pair) < 2:
            if len(waiting) > _WAITING:
                files.unreadable.lines += len(waiting.pop(next(iter(waiting))))
            continue
        del waiting[str(event["id"])]
        try:
            yield _rows(pair[_REQUEST], pair[_RESPONSE], revision, names)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            files.unreadable.lines += 2
    files.unreadable.lines += len(waiting)


def _rows(request: Mapping[str, Any], response: Mapping[str, Any], revision: str, names: Sequence[str]) -> list[Record]:
    features = _features(_data(request), names)
    scores = scores_of(_answer(_data(response)))
    values = [None] * len(features) if scores is None or len(scores) != len(features) else scores.tolist()
    moment = to_seconds(request["time"])
    ids = row_ids(str(request["id"]), len(features))
    return [Record(*one[:1], moment, revision, *one[1:]) for one in zip(ids, values, features, strict=True)]


def _data(event: Mapping[str, Any]) -> Mapping[str, Any]:
    data = event.get("data")
    if data is None:
        data = base64.b64decode(event["data_base64"], validate=True)
    found = json.loads(data) if isinstance(data, str | bytes) else data
    if not isinstance(found, dict):
        raise TypeError("a body is a JSON object")
    return found


def _features(body: Mapping[str, Any], names: Sequence[str]) -> list[dict[str, Any]]:
    if "instances" in body:
        return [dict(one) if isinstance(one, dict) else _named(one, names) for one in body["instances"]]
    tensors = {one["name"]: np.array(one["data"], dtype=object).reshape(one["shape"]) for one in body["inputs"]}
    if len(tensors) == 1:
        [(name, only)] = tensors.items()
        if only.ndim == 2 and only.shape[1] == len(names):
            return [_named(row, names) for row in only.tolist()]
        return [{name: value} for value in only.reshape(len(only), -1)[:, 0].tolist()]
    columns = {name: tensor.reshape(len(tensor)).tolist() for name, tensor in tensors.items()}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _named(row: Any, names: Sequence[str]) -> dict[str, Any]:
    values = row if isinstance(row, list) else [row]
    return dict(zip(names, values, strict=True))


def _answer(body: Mapping[str, Any]) -> Any:
    if "predictions" in body:
        return body["predictions"]
    first = body["outputs"][0]
    return np.array(first["data"]).reshape(first["shape"])
