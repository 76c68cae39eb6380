"""The text of a ConfigMap as rules, or what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml
from pydantic import ValidationError

from rollmodel.api.coordination import KEY, Rules
from rollmodel.errors import Invalid

__all__ = ["parse"]

#: Larger texts are not read: whoever may write ConfigMaps could make the operator read for long.
_MOST_CHARACTERS = 16_384

_EMPTY = re.compile(r"^(?:~|null|Null|NULL|)$")
_BOOL = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")
_INT = re.compile(r"^[-+]?[0-9]+$")


class _Loader(yaml.SafeLoader):
    """YAML 1.2: ``17:30`` is a text, and so are dates and ``on``. Without anchors, which make a short text large."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - as the class above

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("anchors are not read")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value] if isinstance(node, yaml.MappingNode) else []
        if twice := sorted({str(key) for key in keys if keys.count(key) > 1}):
            raise yaml.YAMLError(f"`{twice[0]}` stands there twice")
        return super().construct_mapping(node, deep)


for _tag, _pattern, _first in (
    ("null", _EMPTY, ["~", "n", "N", ""]),
    ("bool", _BOOL, list("tTfF")),
    ("int", _INT, list("-+0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", _pattern, _first)


def parse(data: Mapping[str, str] | None, *, cluster: bool) -> Rules:
    """The rules in a ConfigMap's data; no ConfigMap: none. ``cluster``: rules may be about namespaces.

    Raises Invalid (``RulesInvalid``) with what is wrong and where.
    """
    if data is None:
        return Rules()
    if set(data) != {KEY}:
        found = ", ".join(f"`{key}`" for key in sorted(data)) or "nothing"
        raise _invalid(f"it must have the one key `{KEY}`, and has {found}")
    rules = _rules(data[KEY])
    scoped = [*rules.freezes, *rules.windows, *rules.limits, *rules.groups]
    if not cluster and any(one.namespaces is not None for one in scoped):
        raise _invalid("`namespaces` may be named in the cluster's rules only: these are about their own namespace")
    return rules


def _rules(text: str) -> Rules:
    if len(text) > _MOST_CHARACTERS:
        raise _invalid(f"it has more than {_MOST_CHARACTERS} characters")
    try:
        loaded = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    except RecursionError:
        raise _invalid("it is nested too deeply") from None
    except yaml.YAMLError as error:
        raise _invalid(f"it is no YAML: {' '.join(str(error).split())}") from None
    try:
        return Rules.model_validate({} if loaded is None else loaded)
    except ValidationError as error:
        raise _invalid("; ".join(_told(one) for one in error.errors()[:3])) from None


def _told(error: Mapping[str, Any]) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"]).removeprefix(".")
    if error["type"] == "extra_forbidden":
        return f"`{path}` is no field of these rules"
    return f"`{path or KEY}`: {error['msg'].removeprefix('Value error, ')}"


def _invalid(message: str) -> Invalid:
    return Invalid(message[:1000], reason="RulesInvalid")
