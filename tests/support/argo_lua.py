"""Lua as Argo CD runs it: 5.1, with the libraries that its ``util/lua/lua.go`` opens and nothing else.

It opens `package`, base and `table`; its safe `os` (only `time` and `date`) has to be required. There is no `string`
and no `math`, and, since nobody opens `string`, strings have no methods either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lupa import lua51

__all__ = ["LuaError", "run"]

LuaError = lua51.LuaError

_CLOSED = """
for _, name in ipairs({"string", "math", "io", "debug", "coroutine", "os", "python"}) do
  _G[name] = nil
  package.loaded[name] = nil
end
getmetatable("").__index = nil
package.path, package.cpath = "", ""
"""


def run(script: Path, obj: Mapping[str, Any]) -> Any:
    """What the script returns for an object, as Python's dicts and lists. Raises LuaError."""
    runtime = lua51.LuaRuntime(unpack_returned_tuples=True, register_eval=False)
    runtime.execute(_CLOSED)
    runtime.globals().obj = _to_lua(runtime, obj)
    return _to_python(runtime.execute(script.read_text(encoding="utf-8")))


def _to_lua(runtime: Any, value: Any) -> Any:
    if isinstance(value, Mapping):
        return runtime.table_from({key: _to_lua(runtime, one) for key, one in value.items() if one is not None})
    if isinstance(value, Sequence) and not isinstance(value, str):
        return runtime.table_from([_to_lua(runtime, one) for one in value])
    return value


def _to_python(value: Any) -> Any:
    """Tables as lists where their keys are 1, 2, 3; an empty one is an object."""
    if lua51.lua_type(value) != "table":
        return value
    items = {key: _to_python(one) for key, one in value.items()}
    return list(items.values()) if items and list(items) == list(range(1, len(items) + 1)) else items
