"""VictoriaMetrics, which may stand in for Prometheus: it finds and scrapes the same pods, and shows samples late."""

from __future__ import annotations

import yaml

from localcluster.kubectl import apply
from localcluster.network import http_ok
from localcluster.parts.prometheus import MANIFEST, USER, configuration
from localcluster.processes.process import ProcessSpec
from localcluster.site import Site

__all__ = ["victoria_metrics"]


def victoria_metrics(site: Site) -> ProcessSpec:
    """VictoriaMetrics with its default flags, so with ``-search.latencyOffset=30s``; its data survives a restart."""
    address = site.address("victoria-metrics")
    folder = site.folder("victoria-metrics")
    file = folder / "scrape.yml"
    file.write_text(yaml.safe_dump(configuration(site.kubeconfig_for(USER), site.scrape_interval), sort_keys=False))
    argv = (
        site.binaries["victoria-metrics"],
        f"-promscrape.config={file}",
        f"-storageDataPath={folder / 'data'}",
        f"-httpListenAddr={address}",
        "-loggerLevel=WARN",
    )
    return ProcessSpec(
        "victoria-metrics",
        argv,
        (address,),
        lambda: http_ok(f"http://{address}/health"),
        after=("kube-apiserver",),
        before=lambda: apply(site, MANIFEST),
    )
