"""Answers that are none of use, and what each means to us, whoever asked."""

from __future__ import annotations

from rollmodel.errors import Forbidden, Invalid, RollmodelError, Unavailable

__all__ = ["NO_USE"]

#: HTTP status, text, and the error of ours.
NO_USE: list[tuple[int, str, type[RollmodelError]]] = [
    (400, '{"error_code": "BAD_REQUEST", "message": "QueuePool limit of size 5 overflow 10 reached"}', Unavailable),
    (401, '{"error_code": "UNAUTHENTICATED", "message": "who are you"}', Forbidden),
    (403, '{"error_code": "PERMISSION_DENIED", "message": "not you"}', Forbidden),
    (403, "<html>not you</html>", Forbidden),
    (429, '{"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "slowly"}', Unavailable),
    (500, '{"error_code": "INTERNAL_ERROR", "message": "oops"}', Unavailable),
    (503, "{}", Unavailable),
    (302, "moved", Invalid),
    (404, "<html>nginx</html>", Invalid),
    (200, "<html>welcome</html>", RollmodelError),
]
