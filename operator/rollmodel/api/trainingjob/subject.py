"""What a run is about: code, inputs, parameters, and where it is tracked."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rollmodel.api.base import ApiModel, Digest, LocalRef, ObjectName, Timestamp
from rollmodel.api.fields.schemes import DATA
from rollmodel.api.fields.uris import Uri, scheme_rule
from rollmodel.api.schema import PatternMessage, Rule

__all__ = ["DataWindow", "Parameter", "Source", "Tracking", "TrainingInput"]


class TrainingInput(ApiModel):
    """Data that the run reads, pinned by ``version`` or ``digest``; else it is resolved once and recorded."""

    rules = (
        Rule(
            "!has(self.claim) || self.claim != 'InPlace' || self.uri.startsWith('pvc://')",
            "must have `claim: InPlace` for `pvc://` only",
        ),
    )

    name: ObjectName
    """Name of the input, unique in the list."""
    uri: Annotated[Uri, scheme_rule(DATA)]
    """Address of the data."""
    version: Annotated[
        str | None,
        Field(min_length=1, max_length=256, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/+=-]*$"),
        PatternMessage("must be the version that its store gives: a DVC md5, a commit or an object version id"),
    ] = None
    """Version in its store: DVC md5, lakeFS or git commit, S3 version id."""
    digest: Digest | None = None
    """Digest of the content (`rollmodel digest PATH` prints it); verified before the training starts."""
    claim: Literal["Copied", "InPlace"] | None = None
    """How a claim (`pvc://`) is read: from a copy in the pod, or where it is mounted, for what is too large to copy.
    There, whoever writes to the claim after it was hashed changes what the training reads. Default: `Copied`."""
    connection_ref: LocalRef | None = None
    """Secret with the credentials of the store. For `s3://`: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, optionally
    `AWS_SESSION_TOKEN`, `AWS_REGION`, `AWS_ENDPOINT_URL_S3`. For `https://`: `HTTPS_USERNAME` and `HTTPS_PASSWORD`, or
    `HTTPS_TOKEN`. In MLflow: `MLFLOW_TRACKING_URI` and its login. Other keys reach nobody."""


class Parameter(ApiModel):
    """A parameter of the training; logged to the run in plain text."""

    name: Annotated[
        str,
        Field(min_length=1, max_length=250, pattern=r"^[A-Za-z0-9_.:/-][A-Za-z0-9_.:/ -]*$"),
        PatternMessage("must be letters, digits, spaces, '_', '-', '.', ':' and '/', as MLflow asks"),
    ]
    """Name of the parameter, unique in the list."""
    value: Annotated[str, Field(max_length=6000)]
    """Its value, as text."""


class DataWindow(ApiModel):
    """Which data the run should learn from, by time. The container gets it; what it makes of it is its own affair."""

    since: Timestamp | None = None
    """From when on: `ROLLMODEL_DATA_SINCE`."""
    until: Timestamp
    """Up to when: `ROLLMODEL_DATA_UNTIL`."""


class Source(ApiModel):
    """The code in the image, for the record."""

    repository: Annotated[
        str,
        Field(max_length=1024),
        Rule("self.matches('^(https|ssh)://[^/]')", "must begin with 'https://' or 'ssh://', and name something there"),
        Rule("!self.matches('^[a-z]+://[^/]*:[^/]*@')", "must not contain a password"),
    ]
    """Address of the repository."""
    revision: Annotated[
        str,
        Field(max_length=64, pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$"),
        PatternMessage("must be a full commit hash of 40 or 64 hexadecimal digits"),
    ]
    """Commit."""


class Tracking(ApiModel):
    """Where the run is tracked."""

    experiment: Annotated[str | None, Field(min_length=1, max_length=500)] = None
    """Name of the experiment. Default: `<namespace>/<name>` of the TrainingJob."""
    connection_ref: LocalRef | None = None
    """Secret with `url` and optionally `username`, `password`, `token`, `ca` (certificates, PEM), `workspace`.
    Default: the operator's own registry."""
