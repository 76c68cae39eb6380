"""Envoy's configuration as files: the bootstrap, and the resources that Envoy reads anew when a file is moved in place.

https://www.envoyproxy.io/docs/envoy/latest/configuration/overview/xds_api#filesystem-subscriptions
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from localcluster.kubeapi import Object

from .backends import H2C, Endpoints

__all__ = ["ROUTES", "XdsFiles", "bootstrap"]

ROUTES = "routes"
STAT_PREFIX = "ingress"
_TYPES = "type.googleapis.com/envoy"
_HTTP = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
# Model servers close idle connections (uvicorn after 5 s). Who closes first never sends into a closed one.
_IDLE = {"common_http_protocol_options": {"idle_timeout": "3s"}}
_HTTP_1: Object = {**_IDLE, "explicit_http_config": {"http_protocol_options": {}}}
_HTTP_2: Object = {**_IDLE, "explicit_http_config": {"http2_protocol_options": {}}}


class XdsFiles:
    """The files of one Envoy. Each write gives back the version that Envoy reports once it has taken the file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "endpoints").mkdir(parents=True, exist_ok=True)

    def write_clusters(self, names: Sequence[str]) -> str:
        """The clusters, by name."""
        return self._write("clusters.json", [self._cluster(name) for name in sorted(names)])

    def write_endpoints(self, cluster: str, endpoints: Endpoints) -> str:
        """The endpoints of one cluster: a file for each, as Envoy takes one assignment from a file."""
        addresses = [{"endpoint": {"address": _address(*endpoint)}} for endpoint in sorted(endpoints)]
        assignment = {
            "@type": f"{_TYPES}.config.endpoint.v3.ClusterLoadAssignment",
            "cluster_name": cluster,
            "endpoints": [{"lb_endpoints": addresses}],
        }
        return self._write(f"endpoints/{cluster}.json", [assignment])

    def remove_endpoints(self, cluster: str) -> None:
        """Forget a cluster that is no longer configured."""
        (self._folder / "endpoints" / f"{cluster}.json").unlink(missing_ok=True)

    def write_routes(self, virtual_hosts: Sequence[Object]) -> str:
        """All virtual hosts."""
        routes = {
            "@type": f"{_TYPES}.config.route.v3.RouteConfiguration",
            "name": ROUTES,
            "ignore_port_in_host_matching": True,
            "virtual_hosts": list(virtual_hosts),
        }
        return self._write("routes.json", [routes])

    def _cluster(self, name: str) -> Object:
        upstream = _HTTP_2 if name.endswith(H2C) else _HTTP_1
        return {
            "@type": f"{_TYPES}.config.cluster.v3.Cluster",
            "name": name,
            "type": "EDS",
            "connect_timeout": "1s",
            "typed_extension_protocol_options": {_HTTP: {"@type": f"{_TYPES}{_HTTP[5:]}", **upstream}},
            "eds_cluster_config": {"eds_config": _from_file(self._folder / "endpoints" / f"{name}.json")},
        }

    def _write(self, name: str, resources: Sequence[Object]) -> str:
        version = hashlib.sha256(json.dumps(resources, sort_keys=True).encode()).hexdigest()[:16]
        target = self._folder / name
        new = target.with_suffix(".new")
        new.write_text(json.dumps({"version_info": version, "resources": resources}))
        new.replace(target)
        return version


def bootstrap(folder: Path, *, listen: tuple[str, int], admin: tuple[str, int]) -> Object:
    """What Envoy starts with: one HTTP listener, all else read from the files of a folder."""
    manager = {
        "@type": f"{_TYPES}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": STAT_PREFIX,
        "rds": {"route_config_name": ROUTES, "config_source": _from_file(folder / "routes.json")},
        "http_filters": [_typed("envoy.filters.http.router", "extensions.filters.http.router.v3.Router", {})],
    }
    filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
    listener = {"name": STAT_PREFIX, "address": _address(*listen), "filter_chains": [{"filters": filters}]}
    return {
        "node": {"id": "localcluster", "cluster": "localcluster"},
        "admin": {"address": _address(*admin)},
        "static_resources": {"listeners": [listener]},
        "dynamic_resources": {"cds_config": _from_file(folder / "clusters.json")},
    }


def _from_file(path: Path) -> Object:
    return {"path_config_source": {"path": str(path)}, "resource_api_version": "V3"}


def _typed(name: str, kind: str, config: Mapping[str, object]) -> Object:
    return {"name": name, "typed_config": {"@type": f"{_TYPES}.{kind}", **config}}


def _address(host: str, port: int) -> Object:
    return {"socket_address": {"address": host, "port_value": port}}
