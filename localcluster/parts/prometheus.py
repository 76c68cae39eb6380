"""Prometheus, the real server."""

from __future__ import annotations

from pathlib import Path

from localcluster.parts.scraping import scraping_server
from localcluster.processes.process import ProcessSpec
from localcluster.site import Site

__all__ = ["prometheus"]


def prometheus(site: Site) -> ProcessSpec:
    """It forgets what is older than a day."""
    return scraping_server(site, "prometheus", "/-/ready", _flags)


def _flags(file: Path, data: Path, address: str) -> list[str]:
    return [
        f"--config.file={file}",
        f"--storage.tsdb.path={data}",
        "--storage.tsdb.retention.time=1d",
        f"--web.listen-address={address}",
        "--log.level=warn",
    ]
