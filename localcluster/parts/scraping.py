"""Servers that find pods through the API server, as they would in any cluster, scrape them, and keep what they saw."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from localcluster.kubectl import apply
from localcluster.network import http_ok
from localcluster.processes.process import ProcessSpec
from localcluster.site import Site

__all__ = ["configuration", "scraping_server"]

_MANIFEST = Path(__file__).parents[1] / "manifests" / "prometheus.yaml"
#: Who finds pods.
_USER = "localcluster:prometheus"
_POD = "__meta_kubernetes_pod"
_WANTED = "rollmodel;.*|.*;true"


def scraping_server(site: Site, name: str, ready: str, flags: Callable[[Path, Path, str], list[str]]) -> ProcessSpec:
    """A server with the site's scrape interval; its data survives a restart.

    ``ready``: the path that answers once it serves. ``flags`` are told the file of what to scrape, the folder for the
    data, and the address to listen at.
    """
    address, folder = site.address(name), site.folder(name)
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(configuration(site.kubeconfig_for(_USER), site.scrape_interval), sort_keys=False))
    return ProcessSpec(
        name,
        (site.binaries[name], *flags(file, folder / "data", address)),
        (address,),
        lambda: http_ok(f"http://{address}{ready}"),
        after=("kube-apiserver",),
        before=lambda: apply(site, _MANIFEST),
    )


def configuration(kubeconfig: Path, scrape_interval: str) -> dict[str, Any]:
    """Scrape ``/metrics`` on the container port ``http`` of Rollmodel's pods, and of pods that ask for it.

    Series carry ``namespace``, ``pod`` and the pod's labels, sanitised (``rollmodel.dev/revision`` becomes
    ``rollmodel_dev_revision``).
    """
    rules = [
        _rule("keep", [f"{_POD}_label_rollmodel_dev_managed_by", f"{_POD}_annotation_prometheus_io_scrape"], _WANTED),
        _rule("keep", [f"{_POD}_container_port_name"], "http"),
        _rule("drop", [f"{_POD}_phase"], "Succeeded|Failed"),
        # A pod listens on its own address with the first octet 127, see localcluster.addresses.
        _rule("replace", ["__address__"], r"10\.(.+)", "127.$1", "__address__"),
        _rule("replace", ["__meta_kubernetes_namespace"], "(.+)", "$1", "namespace"),
        _rule("replace", [f"{_POD}_name"], "(.+)", "$1", "pod"),
        {"action": "labelmap", "regex": f"{_POD}_label_(.+)"},
    ]
    job = {
        "job_name": "pods",
        "kubernetes_sd_configs": [{"role": "pod", "kubeconfig_file": str(kubeconfig)}],
        "relabel_configs": rules,
    }
    interval = {"scrape_interval": scrape_interval, "scrape_timeout": scrape_interval}
    return {"global": interval, "scrape_configs": [job]}


def _rule(
    action: str, sources: list[str], regex: str, replacement: str | None = None, target: str | None = None
) -> dict[str, Any]:
    rule: dict[str, Any] = {"action": action, "source_labels": sources, "regex": regex}
    return rule | ({"replacement": replacement, "target_label": target} if target else {})
