"""Ports that are handed out once and held, and probes."""

import random
import socket
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from localcluster.network import LOOPBACK, free_port, held_ports, hold_port, http_ok, tcp_open

Website = tuple[Path, str]

HOLD_ALL = """
import sys
from localcluster import network
network._PORTS = range(int(sys.argv[1]), int(sys.argv[1]) + 1)
try:
    network.hold_port()
except OSError as error:
    print(error)
"""


def test_a_free_port_can_be_listened_on_and_is_not_chosen_again() -> None:
    port = free_port()
    assert not tcp_open(port)
    with socket.create_server((LOOPBACK, port)):
        assert tcp_open(port)
        assert free_port() != port
    assert port < int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])


def test_parts_that_ask_at_once_get_different_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    def in_order(ports: Sequence[int], k: int) -> Sequence[int]:
        return ports[:k]

    monkeypatch.setattr(random, "sample", in_order)  # all begin to look at the same port
    with ThreadPoolExecutor(max_workers=8) as askers:
        ports = list(askers.map(lambda _: free_port(), range(8)))
    assert len(set(ports)) == 8


def test_a_second_cluster_does_not_get_a_port_before_its_server_listens() -> None:
    with hold_port() as holder:
        port = holder.getsockname()[1]
        command = [sys.executable, "-c", HOLD_ALL, str(port)]
        other = subprocess.run(command, capture_output=True, text=True, check=True)
    assert other.stdout == f"no free port in range({port}, {port + 1})\n"


def test_a_server_starts_and_restarts_on_the_port_that_is_held_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with held_ports(["server", "neighbour"]) as ports:
        port = ports["server"]
        assert ports["neighbour"] != port
        monkeypatch.setattr("localcluster.network._PORTS", range(port, port + 1))
        for _ in range(2):
            with socket.create_server((LOOPBACK, port)):
                assert tcp_open(port)
                with pytest.raises(OSError, match="in use"):
                    socket.create_server((LOOPBACK, port))
            assert not tcp_open(port)
            with pytest.raises(OSError, match="no free port"):  # while the server is away, too
                hold_port()


def test_only_an_answer_of_200_is_ready(website: Website, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, url = website
    (folder / "healthz").write_text("ok")
    monkeypatch.setenv("http_proxy", "http://nowhere.invalid:1")  # no proxy leads to the loopback interface
    assert http_ok(f"{url}/healthz")
    assert not http_ok(f"{url}/readyz")
    assert not http_ok(f"http://{LOOPBACK}:{free_port()}/healthz")
