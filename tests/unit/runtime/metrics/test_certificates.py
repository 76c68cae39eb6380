"""When the certificates of the operator's settings end, as Prometheus reads it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from rollmodel.runtime.metrics.certificates import Certificates, end_of, files_of
from rollmodel.settings import Settings

from tests.support.servers.tls import PrivateTls

METRIC = "rollmodel_certificate_expiry_timestamp_seconds"


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> PrivateTls:
    return PrivateTls.create(tmp_path_factory.mktemp("tls"))


def test_each_file_of_the_settings_has_its_end(tls: PrivateTls) -> None:
    certificate, key = tls.client
    settings = Settings(
        registry_ca_file=tls.ca,
        prometheus_ca_file=tls.ca,
        prometheus_client_certificate_file=certificate,
        prometheus_client_key_file=key,
    )
    registry = CollectorRegistry()
    Certificates(files_of(settings), registry)
    in_a_month = (datetime.now(UTC) + timedelta(days=30)).timestamp()
    for use in ("registry-ca", "prometheus-ca", "prometheus-client"):
        assert registry.get_sample_value(METRIC, {"certificate": use}) == pytest.approx(in_a_month, abs=3600)


def test_nothing_is_told_without_a_file() -> None:
    assert files_of(Settings()) == {}


def test_the_first_of_a_bundle_counts(tls: PrivateTls, tmp_path: Path) -> None:
    ends = sorted(end_of(path) for path in (tls.ca, tls.client[0]))
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(tls.client[0].read_bytes() + tls.ca.read_bytes())
    assert end_of(bundle) == ends[0]


def test_a_renewed_file_is_read_again_and_what_is_no_certificate_has_no_series(tls: PrivateTls, tmp_path: Path) -> None:
    file, registry = tmp_path / "ca.pem", CollectorRegistry()
    Certificates({"registry-ca": file}, registry)
    assert registry.get_sample_value(METRIC, {"certificate": "registry-ca"}) is None
    file.write_text("nothing of that kind")
    assert registry.get_sample_value(METRIC, {"certificate": "registry-ca"}) is None
    file.write_bytes(tls.ca.read_bytes())
    assert registry.get_sample_value(METRIC, {"certificate": "registry-ca"}) == end_of(tls.ca)
