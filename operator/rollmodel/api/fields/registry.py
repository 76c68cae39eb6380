"""Names that the model registry (MLflow) accepts, shared by the kinds."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rollmodel.api.schema import PatternMessage, Rule

__all__ = ["AliasName", "RegisteredModelName", "VersionNumber"]

#: A registered model. MLflow's model URIs separate with '/', ':' and '@'.
RegisteredModelName = Annotated[
    str,
    Field(min_length=1, max_length=256, pattern=r"^[^/:@\s]([^/:@\t\r\n]*[^/:@\s])?$"),
    PatternMessage("must be the name of a registered model, without '/', ':' and '@'"),
]

#: An alias of a model version. MLflow reserves 'latest' and 'v1', 'v2', ...
AliasName = Annotated[
    str,
    Field(min_length=1, max_length=255, pattern=r"^[A-Za-z0-9_-]+$"),
    PatternMessage("must be letters, digits, '-' and '_'"),
    Rule("!self.matches('^(?i)(latest|v[0-9]+)$')", "must not be 'latest' or 'v' and a number, which MLflow reserves"),
]

#: The number of a model version, as text.
VersionNumber = Annotated[
    str,
    Field(min_length=1, max_length=10, pattern=r"^[1-9][0-9]*$"),
    PatternMessage("must be the number of a model version in quotes, such as '7'"),
]
