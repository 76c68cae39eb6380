"""MLflow's own client: imported late and carefully, its errors made ours."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rollmodel.errors import Forbidden, Invalid, NotFound, RollmodelError, Unauthorized, Unavailable
from rollmodel.ports.registry import Connection

if TYPE_CHECKING:
    from mlflow.exceptions import MlflowException

__all__ = ["basic", "host_of", "stranger", "translated"]

_SHOWN = 300

#: How the client words an answer that is not MLflow's own; its error code is a guess then.
_BARE_STATUS = re.compile(r"failed with error code (\d{3}) != 200")

#: MLflow's code, with HTTP 400, for what its database could not do, such as a pool that is exhausted. Whoever asks
#: wrongly gets INVALID_PARAMETER_VALUE.
_OF_ITS_DATABASE = "BAD_REQUEST"


def host_of(connection: Connection) -> str:
    """Host and port, to be shown."""
    return urlsplit(connection.url).netloc


def basic(connection: Connection) -> str:
    """Name and password as basic authentication sends them."""
    return b64encode(f"{connection.username}:{connection.password}".encode()).decode()


@contextmanager
def translated(connection: Connection) -> Iterator[None]:
    """Raise what the client raises as an error of ours."""
    from google.protobuf.json_format import ParseError  # type: ignore[import-untyped]  # noqa: PLC0415
    from mlflow.exceptions import MlflowException  # noqa: PLC0415

    try:
        yield
    except MlflowException as error:
        raise _error(connection, error) from error
    except ParseError as error:
        raise stranger(connection) from error


def stranger(connection: Connection, status: int = 200) -> Invalid:
    """What answers is not MLflow."""
    return Invalid(
        f"what answers at {host_of(connection)} does not look like MLflow (HTTP {status})", reason="NotMlflow"
    )


def _error(connection: Connection, error: MlflowException) -> RollmodelError:
    """What an error of the client means to us. Its text is shown only where it is MLflow's own answer."""
    from mlflow.exceptions import RestException  # noqa: PLC0415

    host = host_of(connection)
    if "Invalid Host header" in str(error):
        return Forbidden(
            f"MLflow at {host} refuses requests that call it by this name: add {host!r} to its allowed hosts"
            f" (mlflow server --allowed-hosts, or MLFLOW_SERVER_ALLOWED_HOSTS)",
            reason="HostNotAllowed",
        )
    said = error.json.get("message") if isinstance(error, RestException) else None
    message = f"MLflow at {host}: {_concealed(str(said), connection)[:_SHOWN]}" if said else None
    match 503 if said and error.error_code == _OF_ITS_DATABASE else _status(error):
        case 401 | 403 as status:
            refusal = Unauthorized if status == 401 else Forbidden
            return refusal(message or f"MLflow at {host} refused the login")
        case 404 if message:
            return NotFound(message)
        case 400 | 409 | 422 if message:
            return Invalid(message)
        case 429 | 500 | 502 | 503 | 504:
            return Unavailable(message or f"MLflow at {host} did not answer")
        case status:
            return stranger(connection, status)


def _status(error: MlflowException) -> int:
    """The HTTP status of an answer."""
    bare = _BARE_STATUS.search(str(error))
    return int(bare[1]) if bare else error.get_http_status_code()


def _concealed(text: str, connection: Connection) -> str:
    """The text without the login, which some servers repeat when they refuse it."""
    for secret in (basic(connection), connection.password, connection.token):
        text = text.replace(secret, "[redacted]") if secret else text
    return text
