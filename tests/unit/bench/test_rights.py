"""The comparison of a role with an audit log: it finds what is missing, and what is too much."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from tests.support.live.rights import Rights, complaints


def audited(verb: str, code: int = 200, resource: str = "jobs", **reference: str) -> dict[str, Any]:
    """An event of an audit log."""
    where = {"apiGroup": "batch", "resource": resource, **reference}
    return {"verb": verb, "requestURI": "/apis", "objectRef": where, "responseStatus": {"code": code}}


ROLE = {"rules": [{"apiGroups": ["batch"], "resources": ["jobs", "jobs/status"], "verbs": ["create", "patch"]}]}
APPLIED = [audited("patch", 201), audited("patch", 200, subresource="status")]
POSTED = audited("create", 201, subresource="status")


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([*APPLIED, POSTED], []),
        (APPLIED, ["never used: ('batch', 'jobs/status', 'create')"]),
        ([*APPLIED, POSTED, audited("delete", 403)], ["refused: delete /apis"]),
        ([*APPLIED, POSTED, audited("list", 403), audited("list", 404)], [
            "not in the role: ('batch', 'jobs', 'list')", "refused: list /apis",
        ]),
        ([audited("patch", 403), POSTED], [
            "never used: ('batch', 'jobs', 'create')",
            "never used: ('batch', 'jobs', 'patch')",
            "never used: ('batch', 'jobs/status', 'patch')",
            "refused: patch /apis",
        ]),
    ],
)  # fmt: skip
def test_a_missing_and_a_superfluous_right_are_found(events: Iterable[dict[str, Any]], expected: list[str]) -> None:
    rights = Rights()
    for event in [*events, {"verb": "get", "requestURI": "/apis", "responseStatus": {"code": 200}}]:
        rights.take(event)
    assert complaints(ROLE, rights) == expected
