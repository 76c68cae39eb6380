"""``rollmodel input`` of a claim: hashed where it is mounted, and never left."""

from pathlib import Path

import pytest
from rollmodel.serving.digest import folder_digest

from tests.unit.serving.inputs import WRONG, Pod, report


@pytest.mark.parametrize("path", ["", "/", "/set", "/set/a.csv", "/set/part/"])
def test_a_claim_is_hashed_where_it_is(data: Path, pod: Pod, path: str) -> None:
    root = data.parent / path.strip("/").removeprefix("/")
    before = {item: item.stat().st_mtime_ns for item in data.parent.rglob("*")}
    assert pod.bring(f"pvc://claim{path}", "--mounted", str(data.parent), "--digest", folder_digest(root)) == 0
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
def test_a_claim_that_cannot_be_used(data: Path, pod: Pod, path: str, reason: str) -> None:
    if path:
        (data.parent / "link").symlink_to("/etc")
    assert pod.bring(f"pvc://claim{path}", "--mounted", str(data.parent), "--digest", WRONG) == 1
    assert pod.reason() == reason


def test_a_claim_must_be_mounted(pod: Pod) -> None:
    assert pod.bring("pvc://claim") == 1
    assert pod.reason() == "Invalid"
