"""Settings of the neighbours that evidence and models come from: the operator's own MLflow, and Prometheus.

Credentials may also come from files, as Kubernetes mounts Secrets: ``ROLLMODEL_REGISTRY_PASSWORD_FILE=/path`` and so
on. Files are read once, at start; only Prometheus' token is read again at each request, since such tokens are rotated.
"""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, FilePath, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from rollmodel.api.prometheus import label_matchers
from rollmodel.plan.access.tenancy import Grant, Tenancy
from rollmodel.settings.types import Headers, Url
from rollmodel.tls import check_ca

__all__ = ["NeighbourSettings"]

_SECRETS = (
    "registry_username",
    "registry_password",
    "registry_token",
    "prometheus_username",
    "prometheus_password",
    "prometheus_headers",
)


class NeighbourSettings(BaseSettings):
    """Where they are, who we are there, and how patient we are with them."""

    model_config = SettingsConfigDict(
        env_prefix="ROLLMODEL_",
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    registry_url: Url | None = None
    """The MLflow that objects use which name no connection of their own."""
    registry_username: SecretStr | None = None
    """User name for that MLflow, with the password; or from the file that ``.._FILE`` names."""
    registry_password: SecretStr | None = None
    """Its password; or from the file that ``.._FILE`` names."""
    registry_token: SecretStr | None = None
    """A bearer token for that MLflow, instead of the other two; or from the file that ``.._FILE`` names."""
    registry_ca_file: FilePath | None = None
    """Certificates of a private authority of that MLflow, PEM, trusted beside the public ones. Read at start; the
    pods that fetch models get them, too."""
    registry_workspace: Annotated[str | None, Field(min_length=1, max_length=255)] = None
    """The workspace of that MLflow which holds the models; empty: its default one."""
    registry_poll_seconds: Annotated[float, Field(ge=1, le=3600)] = 15.0
    """How often an alias is looked up, however many objects follow it."""
    registry_timeout_seconds: Annotated[float, Field(ge=1, le=300)] = 10.0
    """How long one question to the registry may take, to the end of its answer."""
    hash_limit_bytes: Annotated[int, Field(ge=0)] = 20 * 2**30
    """Largest model that the operator reads through to compute its digest; larger ones need the tag of the version."""
    tenants: dict[str, Grant] = {}
    """Who may use what of that MLflow: a JSON object from namespaces (or patterns of them) to patterns of names, e.g.
    ``{"*": {"models": ["{namespace}.*"], "experiments": ["{namespace}/*"]}}``. Empty: what was made or moved first for
    one namespace is not changed for another."""
    tenancy: Literal["Checked", "Trusted"] = "Checked"
    """``Trusted``: all namespaces are one trust domain, and nobody asks whose a model, an alias or an experiment is."""
    connection_secrets: Literal["Read", "Refuse"] = "Read"
    """Whether ``connectionRef`` may name a Secret; it can be read only where a Role says so, too."""

    prometheus_url: Url | None = None
    """Where the evidence comes from; the path prefix of an API that is compatible with Prometheus belongs to it."""
    prometheus_username: SecretStr | None = None
    """User name for Prometheus, with the password; or from the file that ``.._FILE`` names."""
    prometheus_password: SecretStr | None = None
    """Its password; or from the file that ``.._FILE`` names."""
    prometheus_token: SecretStr | None = None
    """A bearer token for Prometheus."""
    prometheus_token_file: Path | None = None
    """File with such a token, read again at each request, since they are rotated."""
    prometheus_ca_file: FilePath | None = None
    """Certificates of the authorities that Prometheus' certificate may come from, PEM; instead of the public ones."""
    prometheus_client_certificate_file: FilePath | None = None
    """Our own certificate, PEM, where Prometheus or what stands before it asks for one."""
    prometheus_client_key_file: FilePath | None = None
    """Its private key, where that is not in the same file."""
    prometheus_headers: Headers = SecretStr("")
    """Headers for each query, one a line, e.g. ``X-Scope-OrgID: team-a``, the tenant of Mimir and Cortex."""
    prometheus_matchers: Annotated[str, AfterValidator(label_matchers)] = ""
    """Matchers that are part of every preset's queries and of ``{{ selector }}``, e.g. ``cluster="eu-1"``: needed where
    several clusters write into one Thanos, Mimir or VictoriaMetrics, or they are judged as their sum."""
    user_queries: Literal["Any", "OwnNamespace"] = "Any"
    """``OwnNamespace``: each selector of the queries that users write must have ``{{ selector }}`` or the matcher
    ``namespace="{{ namespace }}"``; others are ``InvalidQuery``. They run with the operator's login at Prometheus."""
    prometheus_timeout_seconds: Annotated[float, Field(ge=1, le=300)] = 10.0
    """How long one query may take."""
    prometheus_delay_seconds: Annotated[float, Field(ge=0, le=600)] = 5.0
    """How long after the end of a window its samples are complete: scrape interval plus margin."""

    @cached_property
    def registry_ca(self) -> str | None:
        """The content of ``registry_ca_file``. Raises ValueError where that is not certificates."""
        return check_ca(self.registry_ca_file.read_text(encoding="utf-8")) if self.registry_ca_file else None

    @property
    def tenants_of_registry(self) -> Tenancy:
        """Who may touch what with the operator's own login."""
        return Tenancy(self.tenants, trusted=self.tenancy == "Trusted")

    @model_validator(mode="before")
    @classmethod
    def _read_files(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Take credentials from the files that ``.._FILE`` variables name."""
        for name in _SECRETS:
            path = os.environ.get(f"ROLLMODEL_{name.upper()}_FILE")
            if path and name not in values:
                values[name] = Path(path).read_text(encoding="utf-8").strip()
        return values

    @model_validator(mode="after")
    def _one_login(self) -> Self:
        for neighbour in ("registry", "prometheus"):
            username, password, token = (
                getattr(self, f"{neighbour}_{part}") for part in ("username", "password", "token")
            )
            if (username is None) != (password is None) or (token is not None and username is not None):
                raise ValueError(f"set either {neighbour}_username and {neighbour}_password, or {neighbour}_token")
        if self.prometheus_token_file and (self.prometheus_token or self.prometheus_username):
            raise ValueError("set only one of prometheus_token_file, prometheus_token and prometheus_username")
        if self.prometheus_client_key_file and not self.prometheus_client_certificate_file:
            raise ValueError("prometheus_client_key_file needs prometheus_client_certificate_file")
        try:
            _ = self.registry_ca
        except ValueError as error:
            raise ValueError(f"registry_ca_file {error}") from None
        return self
