"""Types of settings: what is checked of a variable's text before the operator starts."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_settings import NoDecode

from rollmodel.api.fields.uris import server_url
from rollmodel.api.prometheus import http_headers

__all__ = ["Address", "Headers", "Url", "Words"]


def _address(text: str) -> str:
    _, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise ValueError("must be host:port, e.g. 0.0.0.0:8080 or [::]:8080")
    return text


def _headers(text: SecretStr) -> SecretStr:
    http_headers(text.get_secret_value())
    return text


def _comma_separated(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


#: http(s)://host[:port][/path], without a user in it.
Url = Annotated[str, AfterValidator(server_url)]
#: host:port to listen at.
Address = Annotated[str, AfterValidator(_address)]
#: Headers as one writes them, one a line.
Headers = Annotated[SecretStr, AfterValidator(_headers)]
#: Values separated by commas.
Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_separated)]
