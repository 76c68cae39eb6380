"""The settings for people: what ``rollmodel run --help`` and docs/reference/settings.md say about each."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import NamedTuple

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from rollmodel.settings import Settings

__all__ = ["Setting", "as_markdown", "as_text", "settings"]


class Setting(NamedTuple):
    """One environment variable. ``default`` is empty where nothing is set."""

    variable: str
    default: str
    effect: str


def settings() -> Sequence[Setting]:
    """All of them, in the order of :class:`Settings`."""
    prefix = Settings.model_config["env_prefix"]
    return [
        Setting(f"{prefix}{name.upper()}", _default(field), " ".join((field.description or "").split()))
        for name, field in Settings.model_fields.items()
    ]


def as_text() -> str:
    """For a terminal of 80 columns or more."""
    lines = ["environment variables:"]
    for one in settings():
        effect = f"{one.effect} (default: {one.default})" if one.default else one.effect
        lines += [f"  {one.variable}", textwrap.indent(textwrap.fill(effect.replace("``", ""), 74), " " * 6)]
    return "\n".join(lines)


def as_markdown() -> str:
    """The rows of a table."""
    rows = ["| variable | default | effect |", "|---|---|---|"]
    for one in settings():
        default = f"`{one.default}`" if one.default else ""
        rows.append(f"| `{one.variable}` | {default} | {one.effect.replace('``', '`')} |")
    return "\n".join(rows)


def _default(field: FieldInfo) -> str:
    value = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
    if value is None or value in ((), ""):
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)
