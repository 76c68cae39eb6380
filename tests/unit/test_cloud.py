"""Addresses inside of a cloud, however they are written."""

from __future__ import annotations

import socket

import pytest
from rollmodel.cloud import is_of_cloud, leads_to_cloud

INSIDE = [
    "169.254.169.254",
    "169.254.170.2",
    "2852039166",
    "0xa9fea9fe",
    "0xa9.0xfe.0xa9.0xfe",
    "0251.0376.0251.0376",
    "169.254.43518",
    "fe80::1",
    "fe80::1%eth0",
    "::ffff:169.254.169.254",
    "fd00:ec2::254",
    "168.63.129.16",
    "METADATA.google.internal.",
]
OUTSIDE = [
    "10.0.0.1",
    "127.0.0.1",
    "mlflow.team.svc",
    "169.253.0.1",
    "fd00::1",
    "",
    "a..b",
    "metadata.example.com",
    "\x00",
]


@pytest.mark.parametrize("host", INSIDE)
def test_inside(host: str) -> None:
    assert is_of_cloud(host)
    assert leads_to_cloud(host)


@pytest.mark.parametrize("host", OUTSIDE)
def test_outside(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror

    assert not is_of_cloud(host)
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert not leads_to_cloud(host)


def test_a_name_that_resolves_to_both(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in ("10.0.0.1", "169.254.169.254")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert leads_to_cloud("innocent.example")
