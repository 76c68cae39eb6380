"""Options of commands that ask Prometheus: the address, and what the operator's settings of the same names say."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from rollmodel.adapters.prometheus.access import Access, Login
from rollmodel.adapters.prometheus.client import Prometheus
from rollmodel.api.prometheus import http_headers, label_matchers
from rollmodel.errors import Invalid

__all__ = ["add_arguments", "connected", "matchers"]

Read = TypeVar("Read")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Everything but the address itself. Secrets come from files: arguments are seen by others on the machine."""
    group = parser.add_argument_group(
        "how to reach Prometheus", "as in the operator's settings ROLLMODEL_PROMETHEUS_.."
    )
    files = {
        "ca-file": "certificates of a private authority, PEM",
        "client-certificate-file": "our own certificate, PEM",
        "client-key-file": "its private key, where that is not in the same file",
        "token-file": "a token to log in with",
        "headers-file": "headers for each query, one a line, e.g. X-Scope-OrgID: team-a",
    }
    for name, text in files.items():
        group.add_argument(f"--prometheus-{name}", type=Path, metavar="FILE", help=text)
    group.add_argument(
        "--prometheus-matchers", default="", metavar="TEXT", help='matchers for every query, e.g. cluster="eu-1"'
    )


def connected(arguments: argparse.Namespace) -> Prometheus:
    """The Prometheus that the arguments name. Raises Invalid."""
    if arguments.prometheus_client_key_file and not arguments.prometheus_client_certificate_file:
        raise Invalid("--prometheus-client-key-file needs --prometheus-client-certificate-file")
    for name in ("ca", "client_certificate", "client_key", "token"):
        _file(f"--prometheus-{name.replace('_', '-')}-file", getattr(arguments, f"prometheus_{name}_file"))
    path = arguments.prometheus_headers_file
    headers = _file("--prometheus-headers-file", path)
    access = Access(
        ca_file=arguments.prometheus_ca_file,
        certificate_file=arguments.prometheus_client_certificate_file,
        key_file=arguments.prometheus_client_key_file,
        headers=_checked(f"{path}", http_headers, headers),
    )
    return Prometheus(arguments.prometheus, login=Login(token_file=arguments.prometheus_token_file), access=access)


def matchers(arguments: argparse.Namespace) -> str:
    """The matchers that are part of every query. Raises Invalid."""
    return _checked("--prometheus-matchers", label_matchers, arguments.prometheus_matchers)


def _file(option: str, path: Path | None) -> str:
    """The text of a file, empty without one. Raises Invalid."""
    try:
        return path.read_text(encoding="utf-8") if path is not None else ""
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{option} {path} cannot be read: {getattr(error, 'strerror', None) or 'not text'}") from None


def _checked(where: str, read: Callable[[str], Read], text: str) -> Read:
    try:
        return read(text)
    except ValueError as error:
        raise Invalid(f"{where}: {error}") from None
