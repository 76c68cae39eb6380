"""Who listens where: this process, a child of it, or somebody else."""

import os
import socket
import subprocess
import sys

from localcluster.network import LOOPBACK, free_port, hold_port
from localcluster.processes.procfs import family, listeners, listens, resident_bytes

CHILD = """
import socket, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("listening", flush=True)
sys.stdin.read()
"""


def test_a_process_listens_or_its_child_does() -> None:
    port = free_port()
    assert not listens(os.getpid(), port)
    with subprocess.Popen(
        [sys.executable, "-IS", "-c", CHILD, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"listening\n"
        assert listens(child.pid, port)
        assert listens(os.getpid(), port)
        assert not listens(child.pid, free_port())
        assert [text.rpartition(" (")[2] for text in listeners(port)] == [f"pid {child.pid})"]
        assert child.pid in family(os.getpid())
        assert os.getpid() not in family(child.pid)
        child.communicate(b"")
    assert not listens(os.getpid(), port)
    assert listeners(port) == []
    assert resident_bytes(child.pid) == 0


def test_a_neighbour_listens() -> None:
    with subprocess.Popen(["sleep", "1000"]) as neighbour, socket.create_server((LOOPBACK, free_port())) as ours:
        port = ours.getsockname()[1]
        assert listens(os.getpid(), port)
        assert not listens(neighbour.pid, port)
        neighbour.kill()


def test_an_answer_from_all_addresses_counts_and_one_from_elsewhere_does_not() -> None:
    with socket.create_server(("", free_port())) as everywhere:
        assert listens(os.getpid(), everywhere.getsockname()[1])
    with socket.create_server(("127.0.0.2", free_port())) as elsewhere:
        assert not listens(os.getpid(), elsewhere.getsockname()[1])


def test_a_port_that_is_held_is_not_listened_on() -> None:
    with hold_port() as holder:
        assert not listens(os.getpid(), holder.getsockname()[1])
        assert listeners(holder.getsockname()[1]) == []


def test_memory() -> None:
    assert resident_bytes(os.getpid()) > 1_000_000
