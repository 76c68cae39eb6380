"""``rollmodel input`` of a claim: copied into the pod, or hashed where it is mounted, and never left."""

from collections.abc import Callable
from pathlib import Path

import pytest
from rollmodel.serving.digest import folder_digest

from tests.unit.serving.inputs import WRONG, Pod, report


@pytest.mark.parametrize("path", ["", "/", "/set", "/set/a.csv", "/set/part/"])
def test_a_claim_is_hashed_where_it_is(data: Path, pod: Pod, path: str) -> None:
    root = data.parent / path.strip("/").removeprefix("/")
    before = {item: item.stat().st_mtime_ns for item in data.parent.rglob("*")}
    options = ("--mounted", str(data.parent), "--digest", folder_digest(root))
    assert pod.hash_in_place(f"pvc://claim{path}", *options) == 0
    assert pod.report() == report(f"pvc://claim{path}", folder_digest(root))
    assert not pod.dest.parent.exists()
    assert {item: item.stat().st_mtime_ns for item in data.parent.rglob("*")} == before


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/none", "NotFound"),
        ("/../x", "UnsafePath"),
        ("/set/%2e%2e/%2e%2e/x", "UnsafePath"),
        ("/link", "UnsafePath"),
        ("", "DigestMismatch"),
    ],
)
@pytest.mark.parametrize("way", [Pod.bring, Pod.hash_in_place])
def test_a_claim_that_cannot_be_used(data: Path, pod: Pod, way: Callable[..., int], path: str, reason: str) -> None:
    if path:
        (data.parent / "link").symlink_to("/etc")
    assert way(pod, f"pvc://claim{path}", "--mounted", str(data.parent), "--digest", WRONG) == 1
    assert pod.reason() == reason
    assert not pod.dest.exists()


@pytest.mark.parametrize("pinned", [True, False])
@pytest.mark.parametrize("path", ["/set", "/set/a.csv"])
def test_who_writes_to_the_claim_later_does_not_reach_the_training(
    data: Path, pod: Pod, path: str, *, pinned: bool
) -> None:
    root = data.parent / path.strip("/")
    before = folder_digest(root)
    options = ("--mounted", str(data.parent), *(("--digest", before) if pinned else ()))
    assert pod.bring(f"pvc://claim{path}", *options) == 0
    (data / "a.csv").write_text("poison")
    (data / "more.csv").write_text("poison")
    assert pod.report() == report(f"pvc://claim{path}", before)
    assert folder_digest(pod.dest) == before


def test_a_claim_that_was_changed_before_is_refused(data: Path, pod: Pod) -> None:
    before = folder_digest(data)
    (data / "a.csv").write_text("poison")
    assert pod.bring("pvc://claim/set", "--mounted", str(data.parent), "--digest", before) == 1
    assert pod.reason() == "DigestMismatch"
    assert not pod.dest.exists()


def test_a_claim_must_be_mounted(pod: Pod) -> None:
    assert pod.bring("pvc://claim") == 1
    assert pod.reason() == "Invalid"
