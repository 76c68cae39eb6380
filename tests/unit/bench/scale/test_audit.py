"""The bench's reading of the API server's audit log."""

import json
from pathlib import Path
from typing import Any

import pytest
from rollmodel.api.base import GROUP

from tests.bench.scale.rig.audit import Requests, requests

OPERATOR = "system:serviceaccount:rollmodel-system:rollmodel"
NOON = 1_795_435_200.0  # 2026-11-23T12:00:00Z


def line(verb: str, resource: str = "services", second: int = 0, **changes: Any) -> str:
    """One event, as the API server writes it."""
    kind, _, subresource = resource.partition("/")
    event = {
        "stage": "ResponseComplete",
        "requestURI": "/apis",
        "verb": verb,
        "user": {"username": OPERATOR, "groups": ["system:authenticated"]},
        "objectRef": {"resource": kind, "apiGroup": GROUP} | ({"subresource": subresource} if subresource else {}),
        "requestReceivedTimestamp": f"2026-11-23T12:00:{second:02d}.250000Z",
        **changes,
    }
    return json.dumps({name: value for name, value in event.items() if value is not None}, separators=(",", ":"))


def read(folder: Path, *lines: str, file: str = "audit.log", until: float = NOON + 60) -> Requests:
    (folder / file).write_text("".join(f"{one}\n" for one in lines))
    return requests(folder / "audit.log", OPERATOR, NOON, until)


@pytest.mark.parametrize(
    ("verb", "resource", "writes"),
    [
        ("get", "modeldeployments", 0),
        ("list", "pods", 0),
        ("patch", "modeldeployments/status", 1),
        ("create", "events", 1),
        ("delete", "deployments", 1),
    ],
)
def test_a_request_is_counted_by_verb_and_resource(tmp_path: Path, verb: str, resource: str, writes: int) -> None:
    found = read(tmp_path, line(verb, resource, second=7))
    assert (found.others, found.writes, found.watches) == ({(verb, resource): 1}, writes, 0)
    assert found.last == NOON + 7.25


def test_a_watch_is_logged_twice_and_counted_once(tmp_path: Path) -> None:
    found = read(tmp_path, line("watch", stage="ResponseStarted"), line("watch", second=30))
    assert (found.watches, found.others.total(), found.last) == (1, 0, 0.0)


def test_a_request_for_no_resource_is_discovery(tmp_path: Path) -> None:
    assert read(tmp_path, line("get", objectRef=None)).others == {("get", "discovery"): 1}


def test_others_and_other_times_do_not_count(tmp_path: Path) -> None:
    lines = (line("get", user={"username": "admin"}), line("get", second=20), line("get", second=9))
    assert read(tmp_path, *lines, until=NOON + 10).others.total() == 1


def test_a_log_that_was_rotated_is_read_too(tmp_path: Path) -> None:
    read(tmp_path, line("get"), file="audit-2026-11-23T12-00-30.000.log")
    assert read(tmp_path, line("get", second=40)).others.total() == 2
