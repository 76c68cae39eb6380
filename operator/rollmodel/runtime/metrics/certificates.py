"""When the certificates that the operator was given end: a gauge, so that somebody renews them before.

The files are read at each scrape, since a renewed one has the same name. One that cannot be read has no series: what
needs it says so by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from rollmodel.settings import Settings

__all__ = ["Certificates", "end_of", "files_of"]


def files_of(settings: Settings) -> dict[str, Path]:
    """What a certificate is for -> the file with it, or with a bundle."""
    files = {
        "registry-ca": settings.registry_ca_file,
        "prometheus-ca": settings.prometheus_ca_file,
        "prometheus-client": settings.prometheus_client_certificate_file,
    }
    return {use: path for use, path in files.items() if path is not None}


def end_of(path: Path) -> float:
    """When the first of a file's certificates (PEM) ends, in unix seconds. Raises OSError or ValueError."""
    from cryptography import x509  # noqa: PLC0415 - most operators have no such file

    return min(one.not_valid_after_utc for one in x509.load_pem_x509_certificates(path.read_bytes())).timestamp()


class Certificates(Collector):
    """Registers itself. ``files`` as :func:`files_of` has them."""

    def __init__(
        self, files: Mapping[str, Path], registry: CollectorRegistry, *, end: Callable[[Path], float] = end_of
    ) -> None:
        self._files = files
        self._end = end
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Called by prometheus_client at each scrape."""
        ends = GaugeMetricFamily(
            "rollmodel_certificate_expiry_timestamp_seconds",
            "When a certificate of the operator's settings ends, in unix seconds; of a bundle the first.",
            labels=["certificate"],
        )
        for use, path in self._files.items():
            with suppress(OSError, ValueError):
                ends.add_metric([use], self._end(path))
        yield ends
