"""The operator's settings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError
from pydantic_settings import SettingsError
from rollmodel.errors import Forbidden
from rollmodel.plan.timing import Timing
from rollmodel.reconcile.effects.runs import CREATE_WITHIN_SECONDS
from rollmodel.settings import Settings, configure_libraries

from localcluster.pki import Authority


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings from the environment of the tests."""
    for name in list(os.environ):
        if name.startswith("ROLLMODEL_"):
            monkeypatch.delenv(name)


def test_it_starts_with_nothing_set() -> None:
    settings = Settings()
    assert (settings.namespaces, settings.registry_url, settings.prometheus_url) == ((), None, None)


def test_variables_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "NAMESPACES": "team-a, team-b,",
        "REGISTRY_URL": "http://mlflow:5000/",
        "REGISTRY_TOKEN": "hunter2",
        "CONCURRENCY": "4",
        "LOG_FORMAT": "text",
        "HEALTH_ADDRESS": "[::1]:8080",
    }.items():
        monkeypatch.setenv(f"ROLLMODEL_{name}", value)
    settings = Settings()
    assert settings.namespaces == ("team-a", "team-b")
    assert settings.registry_url == "http://mlflow:5000"
    assert settings.registry_token is not None
    assert settings.registry_token.get_secret_value() == "hunter2"
    assert (settings.concurrency, settings.log_format) == (4, "text")
    assert "hunter2" not in repr(settings)


def test_a_lease_needs_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLLMODEL_LEADER_ELECTION", "On")
    with pytest.raises(ValidationError, match="needs lease_namespace"):
        Settings()
    monkeypatch.setenv("ROLLMODEL_LEASE_NAMESPACE", "rollmodel-system")
    assert Settings().lease_seconds == 10


def test_tenants_are_mapped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLLMODEL_TENANTS", '{"team-a": {"models": ["churn*"]}}')
    tenancy = Settings().tenants_of_registry
    tenancy.check("team-a", models=["churn-eu"], aliases=["champion"])
    with pytest.raises(Forbidden):
        tenancy.check("team-b", models=["churn-eu"])
    monkeypatch.setenv("ROLLMODEL_TENANCY", "Trusted")
    Settings().tenants_of_registry.check("team-b", models=["churn-eu"])


@pytest.mark.parametrize("value", ["team-a=churn", '{"team-a": ["churn"]}', '{"team-a": {"model": ["churn"]}}'])
def test_a_mapping_that_is_not_understood_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ROLLMODEL_TENANTS", value)
    with pytest.raises((ValidationError, SettingsError), match="tenants"):
        Settings()


def test_credentials_may_be_mounted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hunter2\n")
    monkeypatch.setenv("ROLLMODEL_REGISTRY_USERNAME", "rollmodel")
    monkeypatch.setenv("ROLLMODEL_REGISTRY_PASSWORD_FILE", str(tmp_path / "password"))
    password = Settings().registry_password
    assert password is not None
    assert password.get_secret_value() == "hunter2"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REGISTRY_URL", "mlflow:5000"),
        ("REGISTRY_URL", "file:///mlflow"),
        ("PROMETHEUS_URL", "http://user:hunter2@prometheus"),
        ("HEALTH_ADDRESS", "8080a"),
        ("METRICS_ADDRESS", "0.0.0.0:99999"),
        ("CONCURRENCY", "0"),
        ("RESYNC_SECONDS", "1"),
        ("LOG_FORMAT", "xml"),
        ("REGISTRY_USERNAME", "alone"),
        ("REGISTRY_CA_FILE", "/nowhere/ca.crt"),
        ("REGISTRY_CA_FILE", os.devnull),
        ("PROMETHEUS_CA_FILE", "/nowhere/ca.crt"),
        ("PROMETHEUS_CLIENT_KEY_FILE", os.devnull),
        ("PROMETHEUS_HEADERS", "team-a"),
        ("PROMETHEUS_MATCHERS", "eu-1"),
    ],
)
def test_nonsense_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"ROLLMODEL_{name}", value)
    with pytest.raises(ValidationError):
        Settings()


def test_a_header_may_be_mounted_and_is_not_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "headers").write_text("X-Scope-OrgID: hunter2\n")
    monkeypatch.setenv("ROLLMODEL_PROMETHEUS_HEADERS_FILE", str(tmp_path / "headers"))
    settings = Settings()
    assert settings.prometheus_headers.get_secret_value() == "X-Scope-OrgID: hunter2"
    assert "hunter2" not in repr(settings)
    monkeypatch.setenv("ROLLMODEL_PROMETHEUS_HEADERS", "hunter2")
    with pytest.raises(ValidationError) as error:
        Settings()
    assert "hunter2" not in str(error.value)


def test_a_private_authority_is_read_at_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ROLLMODEL_REGISTRY_CA_FILE", str(tmp_path / "ca.crt"))
    (tmp_path / "ca.crt").write_bytes(Authority.create("in-house").certificate)
    assert "BEGIN CERTIFICATE" in (Settings().registry_ca or "")


def test_patience_can_be_shortened() -> None:
    assert Settings().timing == Timing() == Timing(claim=30, retry=15, missing=10, grace=15, pending=600)
    shorter = Settings(claim_seconds=10, retry_seconds=2, missing_seconds=3, grace_seconds=4, pending_seconds=50)
    assert shorter.timing == Timing(claim=10, retry=2, missing=3, grace=4, pending=50)


def test_nothing_is_created_after_its_claim_has_ended() -> None:
    """However short it may be: begun as late as is allowed, with the longest call."""
    shortest = 10.0
    with pytest.raises(ValidationError):
        Settings(claim_seconds=shortest - 0.1)
    timing = Settings(claim_seconds=shortest).timing
    assert 0 < timing.last_request < timing.call
    assert CREATE_WITHIN_SECONDS + timing.call < timing.claim


@pytest.mark.parametrize("neighbour", ["REGISTRY", "PROMETHEUS"])
def test_there_is_one_login_per_neighbour(monkeypatch: pytest.MonkeyPatch, neighbour: str) -> None:
    for part in ("USERNAME", "PASSWORD", "TOKEN"):
        monkeypatch.setenv(f"ROLLMODEL_{neighbour}_{part}", "x")
    with pytest.raises(ValidationError, match="set either"):
        Settings()


def test_a_token_and_a_token_file_are_two_logins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLLMODEL_PROMETHEUS_TOKEN", "x")
    monkeypatch.setenv("ROLLMODEL_PROMETHEUS_TOKEN_FILE", "/var/run/token")
    with pytest.raises(ValidationError, match="only one of"):
        Settings()


def test_the_libraries_neither_retry_nor_follow_redirects(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_ALLOW_HTTP_REDIRECTS", "MLFLOW_HTTP_REQUEST_TIMEOUT"):
        monkeypatch.setenv(name, "")
    for name in ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK", "NETRC"):
        monkeypatch.setenv(name, "")
    configure_libraries(Settings(registry_timeout_seconds=7))
    assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "0"
    assert os.environ["MLFLOW_ALLOW_HTTP_REDIRECTS"] == "false"
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "7"
