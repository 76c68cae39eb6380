"""The part of CEL that the rules of our CRDs use: https://github.com/google/cel-spec, as the API server runs it."""

from __future__ import annotations

from rollmodel.cli.lint.cel.evaluate import holds
from rollmodel.cli.lint.cel.parse import CelError, mentions, parse

__all__ = ["CelError", "holds", "mentions", "parse"]
