"""The small parts: probe thresholds, back-off, addresses, log positions."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcluster.addresses import listen_address
from localcluster.node.addressing import Addresses
from localcluster.node.containers.container import Backoff
from localcluster.node.containers.probes import Tally
from localcluster.node.pods.status import ContainerRecord
from localcluster.node.server import log_number, tail_offset


@pytest.mark.parametrize(
    ("probe", "checks", "verdicts"),
    [
        ({}, [True], [True]),
        ({}, [False, False, False, False], [None, None, False, False]),
        ({"failureThreshold": 2}, [False, True, False, False], [None, True, None, False]),
        ({"successThreshold": 2}, [True, True, False, True, True], [None, True, None, None, True]),
    ],
)
def test_a_verdict_takes_as_many_checks_in_a_row_as_the_threshold_says(probe: Any, checks: Any, verdicts: Any) -> None:
    tally = Tally(probe)
    assert [tally.add(success=check) for check in checks] == verdicts


def test_back_off_starts_at_once_then_doubles_up_to_thirty_times_the_base() -> None:
    backoff = Backoff(1.0)
    assert [backoff.delay() for _ in range(8)] == [0, 1, 2, 4, 8, 16, 30, 30]


@pytest.mark.parametrize(("ran", "expected"), [(59.0, 4.0), (61.0, 0.0)])
def test_a_long_run_is_forgiven(ran: Any, expected: Any) -> None:
    backoff = Backoff(1.0)
    for _ in range(3):
        backoff.delay()
    assert backoff.delay(ran) == expected


def test_addresses_are_unique_and_can_be_had_again(tmp_path: Path) -> None:
    addresses = Addresses(tmp_path)
    taken = {addresses.take() for _ in range(600)}
    assert len(taken) == 600
    one = taken.pop()
    assert addresses.take(one) not in {one, *taken}
    addresses.release(one)
    assert addresses.take(one) == one
    assert all(address.split(".")[3] not in ("0", "255") for address in taken)


@pytest.mark.parametrize("wanted", ["127.0.0.1", "10.245.0.1"])
def test_an_address_of_another_network_is_not_taken_over(tmp_path: Path, wanted: Any) -> None:
    assert Addresses(tmp_path).take(wanted).startswith("10.244.")


def test_two_clusters_begin_at_different_places(tmp_path: Path) -> None:
    assert Addresses(tmp_path / "a").take() != Addresses(tmp_path / "b").take()


@pytest.mark.parametrize(
    ("address", "expected"),
    [("10.244.7.9", "127.244.7.9"), ("10.0.0.1", "127.0.0.1"), ("127.0.0.1", "127.0.0.1"), ("100.1.2.3", "100.1.2.3")],
)
def test_the_first_octet_is_swapped(address: Any, expected: Any) -> None:
    assert listen_address(address) == expected


@given(st.lists(st.text("ab", max_size=3), max_size=6), st.integers(0, 8), st.booleans())
def test_the_tail_of_a_log_is_its_last_lines(lines: Any, count: Any, ends_with_newline: Any) -> None:
    content = "\n".join(lines).encode() + (b"\n" if ends_with_newline and lines else b"")
    expected = content.splitlines(keepends=True)[-count:] if count else []
    assert content[tail_offset(content, count) :] == b"".join(expected)


@pytest.mark.parametrize(
    ("state", "last_state", "previous", "expected"),
    [
        ("running", None, False, 2),
        ("running", "terminated", True, 1),
        ("terminated", "terminated", False, 2),
        ("waiting", "terminated", False, 2),
        ("waiting", "terminated", True, 2),
        ("waiting", None, False, None),
    ],
)
def test_which_log_is_meant(state: Any, last_state: Any, previous: Any, expected: Any) -> None:
    last: dict[str, Any] = {last_state: {}} if last_state else {}
    record = ContainerRecord("c", "image", state={state: {}}, last_state=last, restart_count=2)
    assert log_number(record, previous=previous) == expected


def test_the_first_run_has_no_log_before_it() -> None:
    assert log_number(ContainerRecord("c", "image", state={"running": {}}), previous=True) is None
