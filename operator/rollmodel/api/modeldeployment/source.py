"""Where the model comes from."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from rollmodel.api.base import ApiModel, Digest, LocalRef, SubdomainName
from rollmodel.api.fields.registry import AliasName, RegisteredModelName, VersionNumber
from rollmodel.api.fields.schemes import IMAGE, MODELS
from rollmodel.api.fields.uris import Uri, scheme_rule
from rollmodel.api.pods import Quantity
from rollmodel.api.schema import Rule, exactly_one_of

__all__ = ["ModelCache", "ModelSource", "RegistrySource"]

_PINNED = r"^models:/[^/]+/[1-9][0-9]*$"
_IMAGE = re.sub(r"\?P<[a-z]+>", "", IMAGE)
"""Without the names of its groups."""


class RegistrySource(ApiModel):
    """A registered model: either the version that ``alias`` points to, or one fixed ``version``."""

    rules = (
        exactly_one_of("alias", "version"),
        Rule(
            "!has(self.championAlias) || has(self.alias)",
            "must have `championAlias` only together with `alias`: a fixed version is not promoted",
        ),
        Rule(
            "!has(self.championAlias) || !has(self.alias) || self.championAlias != self.alias",
            "must have a `championAlias` that differs from `alias`: the operator moves one and follows the other",
        ),
    )

    name: RegisteredModelName
    """Name of the registered model."""
    alias: AliasName | None = None
    """Alias to follow: each version it moves to becomes a candidate."""
    version: VersionNumber | None = None
    """The one version to serve."""
    champion_alias: AliasName | None = None
    """Alias that the operator moves to a version when it is promoted. Where nothing serves yet, its version is
    installed first; then the version of `alias` is tried."""


class ModelCache(ApiModel):
    """A volume on which models are kept for all pods that mount it. Each pod verifies what it copies from there."""

    claim_name: SubdomainName
    """PersistentVolumeClaim of the namespace: `ReadWriteMany`, or with pods on one node only."""
    max_size: Quantity | None = None
    """How much is kept; what was used longest ago goes first. Default: as much as the volume has."""
    unused_days: Annotated[int | None, Field(ge=1, le=3650)] = None
    """How long a model that no pod fetches is kept. Default: 30."""


class ModelSource(ApiModel):
    """Where the model comes from: exactly one of ``registry`` and ``uri``."""

    rules = (
        exactly_one_of("registry", "uri"),
        Rule(
            f"!has(self.uri) || has(self.digest) || self.uri.matches('{_PINNED}')",
            "must have `digest` beside `uri` (`rollmodel digest PATH` prints it), unless it is"
            " 'models:/<name>/<version>'",
        ),
        Rule(
            "!has(self.digest) || has(self.uri)",
            "must have `digest` only together with `uri`: the digest of a registered version is found by the operator",
        ),
        Rule(
            "!has(self.connectionRef) || !has(self.uri) || !self.uri.startsWith('pvc://')",
            "must have `connectionRef` only for what needs a login: a claim is mounted",
        ),
        Rule(
            "!has(self.uri) || !self.uri.startsWith('oci://') || !has(self.connectionRef) && !has(self.cache)",
            "must not have `connectionRef` or `cache` for `oci://`: nodes pull images and keep them; their logins are"
            " `runtime.imagePullSecrets`",
        ),
        Rule(
            "!has(self.cache) || !has(self.uri) || !self.uri.startsWith('pvc://')",
            "must have `cache` only for what is fetched: a claim is mounted",
        ),
    )

    registry: RegistrySource | None = None
    """A model of the registry."""
    uri: (
        Annotated[
            Uri,
            scheme_rule(MODELS),
            Rule(
                f"!self.startsWith('oci://') || self.matches('{_IMAGE}')",
                "must be an image by its digest, such as 'oci://registry.example.com/churn@sha256:<64 digits>', and"
                " optionally '/' and a path within it: behind a tag an image moves",
            ),
        ]
        | None
    ) = None
    """Address of the model's files. `oci://HOST/NAME@sha256:DIGEST/PATH` is an image that is mounted where the model is
    served from, which takes a cluster with image volumes (on since Kubernetes 1.35)."""
    digest: Digest | None = None
    """Digest of the files behind `uri` (`rollmodel digest PATH` prints it)."""
    connection_ref: LocalRef | None = None
    """Secret with the login. For MLflow: `url`, optionally `username`, `password`, `token`, `ca` (PEM), `workspace`;
    default: the operator's own registry. For `s3://`: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, and optionally
    `AWS_SESSION_TOKEN`, `AWS_REGION`, `AWS_ENDPOINT_URL_S3`. For `https://`: `HTTPS_USERNAME` and `HTTPS_PASSWORD`,
    or `HTTPS_TOKEN`."""
    cache: ModelCache | None = None
    """A volume on which the model is kept for other pods. Changes make a new revision. Default: each pod fetches it."""
