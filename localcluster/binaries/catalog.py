"""Which binaries there are, in which version, and where their makers publish them. Data only.

A release of Kubernetes is used as a whole. The Go modules are pinned in ``localcluster/tools/*/go.mod``; a test
compares their versions with the ones on this page. The sums of what is downloaded are in ``tools/downloads.txt``.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CATALOG", "KUBERNETES", "Binary", "Found", "GoPackage", "Release"]

KUBERNETES = "1.36.3"
_ETCD = "3.6.16"
_PROMETHEUS = "3.15.1"  # as a Go module: v0.315.1
_VICTORIA_METRICS = "1.151.0"
_KWOK = "0.8.0"
_KIND = "0.33.0"
_HELM = "4.3.1"
_HELM3 = "3.18.6"  # of the oldest minor version that the chart is for; it was made for Kubernetes 1.33
_KUBECONFORM = "0.8.0"
_ARGO_ROLLOUTS = "1.10.1"
_GITOPS_ENGINE = "0.7.3"
_KUEUE = "0.17.0"

_ARCH = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
_GITHUB = "https://github.com"


@dataclass(frozen=True, slots=True)
class Release:
    """A published file, and the list of sums that its maker publishes beside it: for who trusts that host."""

    url: str
    checksums: str
    member: str | None = None
    """Path of the binary inside the file, if that is a tar archive."""


@dataclass(frozen=True, slots=True)
class GoPackage:
    """A main package, and the folder under ``localcluster/tools`` whose ``go.mod`` pins its module."""

    folder: str
    path: str
    ldflags: str = ""
    tags: str = ""
    minutes: int = 1
    """About how long the first build takes on two cores."""


@dataclass(frozen=True, slots=True)
class Binary:
    """One program at one version, and where it comes from."""

    name: str
    version: str
    go: GoPackage
    release: Release | None = None
    same: int = 2
    """How many leading numbers of the version a binary found on PATH must share with ``version``."""
    version_command: tuple[str, ...] = ("--version",)

    @property
    def accepted(self) -> str:
        """The versions that are taken from PATH, for people."""
        return ".".join([*self.version.split(".")[: self.same], "x"]) if self.same else "any"


@dataclass(frozen=True, slots=True)
class Found:
    """Where something is, and by which way it came there."""

    path: Path
    way: str


def _kubernetes(name: str, minutes: int, **others: object) -> Binary:
    major, minor, _ = KUBERNETES.split(".")
    version = "k8s.io/component-base/version"  # without these the server calls itself v0.0.0-master
    ldflags = f"-X {version}.gitVersion=v{KUBERNETES} -X {version}.gitMajor={major} -X {version}.gitMinor={minor}"
    url = f"https://dl.k8s.io/v{KUBERNETES}/kubernetes-server-linux-{_ARCH}.tar.gz"
    return Binary(
        name,
        KUBERNETES,
        GoPackage("kubernetes", f"k8s.io/kubernetes/cmd/{name}", ldflags, minutes=minutes),
        Release(url, f"{url}.sha512", f"kubernetes/server/bin/{name}"),
        **others,  # type: ignore[arg-type]  # only what kubectl says differently
    )


def _etcd() -> Binary:
    stem = f"etcd-v{_ETCD}-linux-{_ARCH}"
    base = f"{_GITHUB}/etcd-io/etcd/releases/download/v{_ETCD}"
    release = Release(f"{base}/{stem}.tar.gz", f"{base}/SHA256SUMS", f"{stem}/etcd")
    return Binary("etcd", _ETCD, GoPackage("etcd", "go.etcd.io/etcd/server/v3"), release)


def _prometheus(name: str, minutes: int) -> Binary:
    """Prometheus, and promtool for the tests of alerts, of one release."""
    stem = f"prometheus-{_PROMETHEUS}.linux-{_ARCH}"
    base = f"{_GITHUB}/prometheus/prometheus/releases/download/v{_PROMETHEUS}"
    package = GoPackage(
        "prometheus",
        f"github.com/prometheus/prometheus/cmd/{name}",
        f"-X github.com/prometheus/common/version.Version={_PROMETHEUS}",
        # Of the service discoveries only Kubernetes' is compiled in: 3 minutes instead of 5.
        "netgo,remove_all_sd,enable_kubernetes_sd",
        minutes=minutes,
    )
    release = Release(f"{base}/{stem}.tar.gz", f"{base}/sha256sums.txt", f"{stem}/{name}")
    return Binary(name, _PROMETHEUS, package, release, same=1)


def _victoria_metrics() -> Binary:
    """A backend that shows samples late, for a story of the tests. Built only: from its module that is a minute."""
    module = "github.com/VictoriaMetrics/VictoriaMetrics"
    version = f"-X {module}/lib/buildinfo.Version=victoria-metrics-v{_VICTORIA_METRICS}"
    package = GoPackage("victoria-metrics", f"{module}/app/victoria-metrics", version)
    return Binary("victoria-metrics", _VICTORIA_METRICS, package, version_command=("-version",))


def _kind() -> Binary:
    """For the end-to-end tests, where a Docker engine runs."""
    file = f"{_GITHUB}/kubernetes-sigs/kind/releases/download/v{_KIND}/kind-linux-{_ARCH}"
    return Binary("kind", _KIND, GoPackage("kind", "sigs.k8s.io/kind"), Release(file, f"{file}.sha256sum"))


def _helm() -> Binary:
    """For the chart."""
    stem = f"linux-{_ARCH}"
    file = f"https://get.helm.sh/helm-v{_HELM}-{stem}.tar.gz"
    package = GoPackage(
        "helm", "helm.sh/helm/v4/cmd/helm", f"-X helm.sh/helm/v4/internal/version.version=v{_HELM}", minutes=3
    )
    release = Release(file, f"{file}.sha256sum", f"{stem}/helm")
    return Binary("helm", _HELM, package, release, same=1, version_command=("version",))


def _kubeconform() -> Binary:
    """For the chart: compares manifests with schemas."""
    base = f"{_GITHUB}/yannh/kubeconform/releases/download/v{_KUBECONFORM}"
    package = GoPackage(
        "kubeconform", "github.com/yannh/kubeconform/cmd/kubeconform", f"-X main.version=v{_KUBECONFORM}"
    )
    release = Release(f"{base}/kubeconform-linux-{_ARCH}.tar.gz", f"{base}/CHECKSUMS", "kubeconform")
    return Binary("kubeconform", _KUBECONFORM, package, release, version_command=("-v",))


def _rollouts_controller() -> Binary:
    """Argo Rollouts, for the benchmark that measures it beside us. It is released as an image only."""
    module = "github.com/argoproj/argo-rollouts"
    version = f"-X {module}/utils/version.version={_ARGO_ROLLOUTS}"
    package = GoPackage("argo-rollouts", f"{module}/cmd/rollouts-controller", version, minutes=4)
    return Binary("rollouts-controller", _ARGO_ROLLOUTS, package)


def _gitops_agent() -> Binary:
    """Argo CD's engine (sync, diff, health) with a small main program, for `make e2e-gitops`. Built only."""
    package = GoPackage("gitops-engine", "github.com/argoproj/gitops-engine/agent", minutes=2)
    return Binary("gitops-agent", _GITOPS_ENGINE, package)


def _kueue() -> Binary:
    """The controller of Kueue, for a story of the tests. It is released as an image only."""
    module = "sigs.k8s.io/kueue"
    package = GoPackage("kueue", f"{module}/cmd/kueue", f"-X {module}/pkg/version.GitVersion=v{_KUEUE}", minutes=6)
    return Binary("kueue", _KUEUE, package)


def _helm3() -> Binary:
    """Helm 3, for a test of the chart. Built only."""
    module = "helm.sh/helm/v3"
    ldflags = " ".join(f"-X {module}/pkg/{one}.k8sVersionMinor=33" for one in ("chartutil", "lint/rules"))
    version = f"-X {module}/internal/version.version=v{_HELM3}"
    return Binary("helm3", _HELM3, GoPackage("helm3", f"{module}/cmd/helm", f"{version} {ldflags}", minutes=4))


CATALOG: dict[str, Binary] = {
    binary.name: binary
    for binary in (
        _etcd(),
        _kubernetes("kube-apiserver", 5),
        _kubernetes("kube-controller-manager", 2),
        _kubernetes("kube-scheduler", 1),
        _kubernetes("kubectl", 1, same=0, version_command=("version", "--client")),
        _prometheus("prometheus", 3),
        _prometheus("promtool", 2),
        _victoria_metrics(),
        _kind(),
        _helm(),
        _kubeconform(),
        # No release: kwok's maker publishes no sums. It serves the scale benchmarks only.
        Binary("kwok", _KWOK, GoPackage("kwok", "sigs.k8s.io/kwok/cmd/kwok")),
        _rollouts_controller(),
        _gitops_agent(),
        _kueue(),
        _helm3(),
    )
}
