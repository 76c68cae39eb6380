"""What the model server writes down of requests and answers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rollmodel.api.base import ApiModel, LocalRef
from rollmodel.api.fields.decimals import Share
from rollmodel.api.fields.uris import Uri, scheme_rule
from rollmodel.api.schema import SET, Rule

__all__ = ["PredictionLog"]

_Column = Annotated[str, Field(min_length=1, max_length=256)]
_Columns = Annotated[list[_Column] | None, Field(min_length=1, max_length=500), SET]


class PredictionLog(ApiModel):
    """Rows with the prediction's id, time, revision, score and features. The id comes from the client's header
    `X-Prediction-Id`, or is made, and each answer carries it. A log never blocks or fails a request.
    """

    rules = (
        Rule(
            "!has(self.connectionRef) || (has(self.uri) && self.uri.startsWith('s3://'))",
            "must have `connectionRef` only with an `uri` in S3: a claim is mounted",
        ),
        Rule(
            "!(has(self.includeColumns) && has(self.excludeColumns))",
            "must not have both `includeColumns` and `excludeColumns`",
        ),
    )

    uri: Annotated[Uri, scheme_rule(("pvc://", "s3://"))] | None = None
    """Folder of the log: `pvc://<claim>/<path>` or `s3://<bucket>/<prefix>`. Pods on several nodes need a claim that
    they can all write to. Default: a volume of the pod called `prediction-log`, for a sidecar of `podTemplate`; it is
    gone with the pod."""
    connection_ref: LocalRef | None = None
    """Secret with the login of S3, with keys as in `model.connectionRef`. The model's code can read it. Default: what
    the pod's service account may do."""
    format: Literal["JSONLines", "Parquet"] = "JSONLines"
    """Format of the files. Rows of JSON Lines can be read after a crash, those of an open Parquet file cannot."""
    sample_ratio: Share = "1"
    """Share of requests that are logged, drawn by the prediction's id."""
    include_columns: _Columns = None
    """The only features that are logged. Default: all."""
    exclude_columns: _Columns = None
    """Features that are not logged."""
    max_file_bytes: Annotated[int, Field(ge=65536, le=2**30)] = 64 * 2**20
    """Size at which a file is complete."""
    max_file_seconds: Annotated[int, Field(ge=10, le=3600)] = 300
    """Age at which a file is complete."""
    max_total_bytes: Annotated[int | None, Field(ge=2**20, le=2**50)] = None
    """What one process of the server keeps; it deletes its oldest files beyond that. Default: 512 MiB in a volume of
    the pod, and everything in a claim. S3 has rules of its own."""
