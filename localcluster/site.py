"""The directory of one cluster: what is in it, who the cluster is, and what was asked of it.

cluster.json     id and settings      kubeconfig    for the administrator     control.sock  to the supervisor
pki/             authorities, keys    users/        kubeconfigs of others     supervisor.lock
logs/            one file per process               etcd/, prometheus/, mlflow/, node/, gateway/   data of the parts
"""

from __future__ import annotations

import json
import secrets
import shutil
from base64 import b64encode
from dataclasses import asdict, dataclass, field
from pathlib import Path

import yaml

from localcluster.errors import LocalClusterError, NotRunningError
from localcluster.files import user_cache, written_whole
from localcluster.network import LOOPBACK
from localcluster.pki import Authority, KeyPair

__all__ = ["CONTROLLER_QPS", "Site", "default_directory"]

_SETTINGS = "cluster.json"
_LOCK = "lock"

#: How many requests a second a controller may send, as Kubernetes ships it.
CONTROLLER_QPS = 20


def default_directory() -> Path:
    """Where the command keeps its cluster, unless ``--dir`` says otherwise."""
    return user_cache() / "clusters" / "default"


@dataclass(slots=True)
class Site:
    """One cluster's directory and settings.

    The supervisor adds ``ports`` when it begins, and ``binaries`` as parts are asked for.
    """

    root: Path
    id: str
    audit: bool = False
    scrape_interval: str = "1s"
    images: str | None = None
    controller_qps: int = CONTROLLER_QPS
    binaries: dict[str, str] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)

    @classmethod
    def create(
        cls,
        root: Path,
        *,
        audit: bool,
        scrape_interval: str,
        images: Path | None,
        controller_qps: int = CONTROLLER_QPS,
    ) -> Site:
        """Empty the directory of an earlier cluster and write the settings of a new one.

        Raises :class:`LocalClusterError` if the directory holds anything else.
        """
        root.mkdir(parents=True, exist_ok=True)
        root.chmod(0o700)
        entries = {entry.name for entry in root.iterdir()} - {_LOCK}
        if entries and _SETTINGS not in entries:
            raise LocalClusterError(f"{root} holds files that are not a cluster's; give an empty directory")
        for name in entries:
            path = root / name
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        for name in ("logs", "pki", "users"):
            (root / name).mkdir()
        table = str(images.absolute()) if images else None
        site = cls(root, secrets.token_hex(6), audit, scrape_interval, table, controller_qps)
        site.save()
        return site

    @classmethod
    def load(cls, root: Path) -> Site:
        """Read the settings. Raises :class:`NotRunningError` if there never was a cluster."""
        try:
            settings = json.loads((root / _SETTINGS).read_text())
        except FileNotFoundError:
            raise NotRunningError(f"no cluster in {root}") from None
        return cls(**{**settings, "root": root})

    def save(self) -> None:
        """Write the settings."""
        with written_whole(self.root / _SETTINGS) as partial:
            partial.write_text(json.dumps({**asdict(self), "root": str(self.root)}, indent=2))

    @property
    def lock(self) -> Path:
        """Held by whoever starts a cluster here."""
        return self.root / _LOCK

    @property
    def socket(self) -> Path:
        """Where the supervisor listens."""
        return self.root / "control.sock"

    @property
    def pki(self) -> Path:
        """Certificates and keys."""
        return self.root / "pki"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.root / "kubeconfig"

    @property
    def audit_log(self) -> Path:
        """One JSON line per answered request to the API server, if ``audit`` is on."""
        return self.root / "logs" / "audit.log"

    @property
    def api_server(self) -> str:
        """URL of the API server."""
        return f"https://{self.address('kube-apiserver')}"

    def address(self, name: str) -> str:
        """Host and port of a server of this cluster; a restart does not move it."""
        return f"{LOOPBACK}:{self.ports[name]}"

    def log(self, process: str) -> Path:
        """The log file of a process."""
        return self.root / "logs" / f"{process}.log"

    def folder(self, name: str) -> Path:
        """A folder for a part's data, made if need be."""
        path = self.root / "data" / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def kubeconfig_for(self, user: str, groups: tuple[str, ...] = (), path: Path | None = None) -> Path:
        """Write a kubeconfig whose client certificate says ``user`` and ``groups``; return its path."""
        authority = Authority.load(self.pki, "ca")
        pair = authority.client(user, groups)
        path = path or self.root / "users" / f"{user.replace(':', '-')}.kubeconfig"
        config = _kubeconfig(self.api_server, user, authority.certificate, pair)
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(config, sort_keys=False))
        return path


def _kubeconfig(server: str, user: str, ca: bytes, pair: KeyPair) -> dict[str, object]:
    """Build a kubeconfig that stands alone: what it needs is in it, not beside it."""
    cluster = {"server": server, "certificate-authority-data": b64encode(ca).decode()}
    credentials = {
        "client-certificate-data": b64encode(pair.certificate).decode(),
        "client-key-data": b64encode(pair.key).decode(),
    }
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "localcluster", "cluster": cluster}],
        "users": [{"name": user, "user": credentials}],
        "contexts": [{"name": "localcluster", "context": {"cluster": "localcluster", "user": user}}],
        "current-context": "localcluster",
    }
