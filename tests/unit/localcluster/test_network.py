"""Ports and probes."""

import socket
from pathlib import Path

import pytest

from localcluster.network import LOOPBACK, free_port, http_ok, tcp_open

Website = tuple[Path, str]


def test_a_free_port_can_be_listened_on_and_is_not_chosen_again() -> None:
    port = free_port()
    assert not tcp_open(port)
    with socket.create_server((LOOPBACK, port)):
        assert tcp_open(port)
        assert free_port() != port
    assert port < int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])


def test_only_an_answer_of_200_is_ready(website: Website, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, url = website
    (folder / "healthz").write_text("ok")
    monkeypatch.setenv("http_proxy", "http://nowhere.invalid:1")  # no proxy leads to the loopback interface
    assert http_ok(f"{url}/healthz")
    assert not http_ok(f"{url}/readyz")
    assert not http_ok(f"http://{LOOPBACK}:{free_port()}/healthz")
