"""JSON with one spelling per value, to be hashed. Hashes of it stand in statuses and names: it never changes."""

from __future__ import annotations

import hashlib
import json
from typing import Any

__all__ = ["canonical_hash", "canonical_json", "hash_of"]


def canonical_json(value: Any, *, spaces: bool = False) -> str:
    """Sorted keys, ASCII only, no spaces.

    ``spaces`` puts one after each comma and colon: the hash of an applied object has always been taken so, and without
    them an upgrade would apply every child again.
    """
    separators = (", ", ": ") if spaces else (",", ":")
    return json.dumps(value, sort_keys=True, separators=separators, ensure_ascii=True)


def canonical_hash(value: Any) -> str:
    """``sha256:<hex>`` of the canonical JSON."""
    return hash_of(canonical_json(value))


def hash_of(text: str) -> str:
    """``sha256:<hex>`` of a text."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
