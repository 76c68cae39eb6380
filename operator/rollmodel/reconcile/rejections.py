"""What objects were refused in their last pass, for the next one, which puts it into a condition."""

from __future__ import annotations

__all__ = ["REFUSED_RETRY_SECONDS", "Rejections", "soonest"]

#: When to try again what was refused: a quota may have grown, a name may have become free.
REFUSED_RETRY_SECONDS = 60.0


class Rejections:
    """By UID of the object; nothing is held of those that were refused nothing."""

    def __init__(self) -> None:
        self._refused: dict[str, tuple[str, ...]] = {}

    def of(self, uid: str) -> tuple[str, ...]:
        """What the last pass was refused."""
        return self._refused.get(uid, ())

    def remember(self, uid: str, refused: tuple[str, ...]) -> bool:
        """Replace what is known of an object. True if that is news, so that another pass has something to say."""
        news = refused != self.of(uid)
        self.forget(uid)
        if refused:
            self._refused[uid] = refused
        return news

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._refused.pop(uid, None)


def soonest(refused: tuple[str, ...], *delays: float | None) -> float | None:
    """The first of these delays and, after a refusal, of its own; None where nothing is due."""
    due = [delay for delay in delays if delay is not None]
    return min([*due, REFUSED_RETRY_SECONDS] if refused else due, default=None)
