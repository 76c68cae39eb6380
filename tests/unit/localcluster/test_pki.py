"""Certificates: who they say one is, for which hosts, and who vouches for it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from localcluster.pki import Authority, KeyPair, service_account_keys


def parsed(pair: KeyPair) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pair.certificate)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """One that was written and read again."""
    Authority.create("some-ca").save(tmp_path, "ca")
    return Authority.load(tmp_path, "ca")


def test_a_client_is_its_name_and_its_groups(authority: Authority) -> None:
    certificate = parsed(authority.client("system:node:local", ["system:nodes", "others"]))
    names = {attribute.oid: attribute.value for attribute in certificate.subject}
    groups = [attribute.value for attribute in certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    assert names[NameOID.COMMON_NAME] == "system:node:local"
    assert groups == ["system:nodes", "others"]
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_a_server_is_named_by_address_or_name(authority: Authority) -> None:
    certificate = parsed(authority.server("api", ["127.0.0.1", "kubernetes.default"]))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    assert names.get_values_for_type(x509.DNSName) == ["kubernetes.default"]


def test_only_the_own_authority_vouches(authority: Authority) -> None:
    certificate = parsed(authority.server("api", ["kubernetes.default"]))
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.certificate))
    stranger = x509.load_pem_x509_certificate(Authority.create("other-ca").certificate)
    with pytest.raises(ValueError, match="Issuer"):
        certificate.verify_directly_issued_by(stranger)


def test_it_is_valid_now_and_not_for_ever(authority: Authority) -> None:
    certificate = parsed(authority.client("jane"))
    now = datetime.now(UTC)
    assert certificate.not_valid_before_utc < now
    assert now + timedelta(days=29) < certificate.not_valid_after_utc < now + timedelta(days=31)


def test_keys_are_readable_by_the_owner_only(authority: Authority, tmp_path: Path) -> None:
    private, public = service_account_keys(tmp_path)
    _, key = authority.client("jane").write(tmp_path, "jane")
    for path in (tmp_path / "ca.key", private, key):
        assert path.stat().st_mode & 0o777 == 0o600
        load_pem_private_key(path.read_bytes(), password=None)
    assert public.read_bytes().startswith(b"-----BEGIN PUBLIC KEY-----")
