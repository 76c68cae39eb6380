"""Events of both APIs, as the API server lists them."""

from __future__ import annotations

from tests.support.live.said import messages_about


def _event(reason: str, message: str, **when: str | None) -> dict[str, object]:
    involved, meta = {"name": "fraud"}, {"creationTimestamp": "2026-01-01T00:00:00Z"}
    return {"reason": reason, "message": message, "involvedObject": involved, "metadata": meta, **when}


def test_the_last_message_by_reason_whichever_api_wrote_it() -> None:
    """An Event of ``events.k8s.io`` has no ``lastTimestamp``: it stopped the whole list once."""
    events = [
        _event("RolledBack", "third", lastTimestamp="2026-01-01T00:03:00Z", eventTime=None),
        _event("RolledBack", "first", lastTimestamp=None),
        _event("RolledBack", "second", lastTimestamp=None, eventTime="2026-01-01T00:02:00.000000Z"),
        {**_event("RolledBack", "another's"), "involvedObject": {"name": "churn"}},
    ]
    assert messages_about("fraud", events) == {"RolledBack": "third"}
    assert messages_about("churn", events) == {"RolledBack": "another's"}
