"""VictoriaMetrics, which may stand in for Prometheus: it finds and scrapes the same pods, and shows samples late."""

from __future__ import annotations

from pathlib import Path

from localcluster.parts.scraping import scraping_server
from localcluster.processes.process import ProcessSpec
from localcluster.site import Site

__all__ = ["victoria_metrics"]


def victoria_metrics(site: Site) -> ProcessSpec:
    """It has its default flags, so ``-search.latencyOffset=30s``."""
    return scraping_server(site, "victoria-metrics", "/health", _flags)


def _flags(file: Path, data: Path, address: str) -> list[str]:
    return [
        f"-promscrape.config={file}",
        f"-storageDataPath={data}",
        f"-httpListenAddr={address}",
        "-loggerLevel=WARN",
    ]
