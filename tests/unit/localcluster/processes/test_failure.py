"""What is said of a process that failed."""

import os
import socket

import pytest

from localcluster.network import LOOPBACK, free_port
from localcluster.processes.failure import failure_message

COMPLAINTS = {
    "go": 'failed to run "err"="listen tcp {address}: bind: address already in use"',
    "asyncio": "OSError: [Errno 98] while attempting to bind on address ('127.0.0.1', {port}): address already in use",
    "envoy": "error adding listener '{address}': cannot bind '{address}': Address already in use",
}


def test_the_last_lines_of_its_log() -> None:
    log = "".join(f"line {number}\n" for number in range(100))
    lines = failure_message("etcd", "ended with 1", log, [1, 2], None).splitlines()
    assert lines[0] == "etcd ended with 1; its log ends with:"
    assert lines[1:] == [f"  line {number}" for number in range(85, 100)]


@pytest.mark.parametrize("complaint", COMPLAINTS.values(), ids=COMPLAINTS)
def test_the_port_that_it_could_not_bind_to(complaint: str) -> None:
    port, other = free_port(), free_port()
    log = complaint.format(port=port, address=f"{LOOPBACK}:{port}") + 20 * "\nand so on"
    told = failure_message("etcd", "ended with 1", log, [other, port], None)
    assert told.startswith(f"etcd ended with 1: its port {port} is in use by another process; its log")
    with socket.create_server((LOOPBACK, port)):
        told = failure_message("etcd", "ended with 1", log, [other, port], None)
    assert f"its port {port} is in use by " in told
    assert f"(pid {os.getpid()}); its log ends with" in told
    assert str(other) not in told


def test_all_its_ports_if_the_complaint_names_none() -> None:
    told = failure_message("etcd", "ended with 1", "OSError: [Errno 98] Address already in use", [1, 2], None)
    assert told.count("is in use by another process") == 2


def test_while_it_lives_it_may_have_the_port_itself() -> None:
    with socket.create_server((LOOPBACK, free_port())) as listener:
        ports = [listener.getsockname()[1]]
        assert failure_message("etcd", "not ready", "", ports, os.getpid()) == "etcd not ready; its log is empty"
        assert "is in use by" in failure_message("etcd", "not ready", "", ports, os.getppid() + 10**9)
