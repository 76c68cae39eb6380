"""etcd, kube-apiserver, kube-controller-manager and kube-scheduler, as real as in any cluster: TLS, RBAC, admission."""

from __future__ import annotations

import ssl

from localcluster.network import LOOPBACK, http_ok, tls_context
from localcluster.pki import Authority, service_account_keys
from localcluster.processes.process import ProcessSpec
from localcluster.site import Site

__all__ = ["ADMIN", "api_server", "controller_manager", "etcd", "prepare", "probe_context", "scheduler"]

ADMIN = "admin"
_SERVICE_CIDR = "10.96.0.0/16"
_POLICY = "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{level: Metadata}]\n"


def prepare(site: Site) -> None:
    """Make the authorities, certificates and kubeconfigs that the processes are started with."""
    # etcd trusts an authority of its own: a client certificate of the cluster must not open the database.
    database, cluster = Authority.create("localcluster-etcd-ca"), Authority.create("localcluster-ca")
    database.save(site.pki, "etcd-ca")
    database.server("etcd", [LOOPBACK]).write(site.pki, "etcd")
    database.client("kube-apiserver").write(site.pki, "etcd-client")
    cluster.save(site.pki, "ca")
    Authority.create("localcluster-front-proxy-ca").save(site.pki, "front-proxy-ca")
    names = [LOOPBACK, "localhost", "10.96.0.1", "kubernetes", "kubernetes.default", "kubernetes.default.svc"]
    cluster.server("kube-apiserver", names).write(site.pki, "kube-apiserver")
    cluster.client("kube-apiserver-kubelet-client").write(site.pki, "kubelet-client")
    cluster.client("localcluster:probe", ["system:masters"]).write(site.pki, "probe")
    service_account_keys(site.pki)
    site.kubeconfig_for(ADMIN, ("system:masters",), site.kubeconfig)
    for component in ("kube-controller-manager", "kube-scheduler"):
        cluster.server(component, [LOOPBACK]).write(site.pki, component)
        site.kubeconfig_for(f"system:{component}")


def etcd(site: Site) -> ProcessSpec:
    """The database. It does not sync to disk: a cluster of this kind is never restored."""
    client, peer = site.address("etcd"), site.address("etcd-peer")
    pki = site.pki
    context = tls_context(pki / "etcd-ca.crt", pki / "etcd-client.crt", pki / "etcd-client.key")
    argv = (
        site.binaries["etcd"],
        f"--data-dir={site.folder('etcd')}",
        f"--listen-client-urls=https://{client}",
        f"--advertise-client-urls=https://{client}",
        f"--listen-peer-urls=http://{peer}",
        f"--initial-advertise-peer-urls=http://{peer}",
        f"--initial-cluster=default=http://{peer}",
        f"--cert-file={pki / 'etcd.crt'}",
        f"--key-file={pki / 'etcd.key'}",
        f"--trusted-ca-file={pki / 'etcd-ca.crt'}",
        "--client-cert-auth",
        "--unsafe-no-fsync",
        "--log-level=warn",
    )
    return ProcessSpec("etcd", argv, (client, peer), lambda: http_ok(f"https://{client}/readyz", context))


def api_server(site: Site) -> ProcessSpec:
    """The API server, with RBAC, Pod Security admission and, if the site asks for it, an audit log."""
    address, pki = site.address("kube-apiserver"), site.pki
    argv = (
        site.binaries["kube-apiserver"],
        f"--bind-address={LOOPBACK}",
        f"--advertise-address={LOOPBACK}",
        f"--secure-port={site.ports['kube-apiserver']}",
        # It would publish its loopback address as an Endpoint, which the API refuses.
        "--endpoint-reconciler-type=none",
        f"--service-cluster-ip-range={_SERVICE_CIDR}",
        "--authorization-mode=Node,RBAC",
        # What an owner reference may say is checked as in OpenShift.
        "--enable-admission-plugins=NodeRestriction,OwnerReferencesPermissionEnforcement",
        f"--tls-cert-file={pki / 'kube-apiserver.crt'}",
        f"--tls-private-key-file={pki / 'kube-apiserver.key'}",
        f"--client-ca-file={pki / 'ca.crt'}",
        f"--etcd-servers=https://{site.address('etcd')}",
        f"--etcd-cafile={pki / 'etcd-ca.crt'}",
        f"--etcd-certfile={pki / 'etcd-client.crt'}",
        f"--etcd-keyfile={pki / 'etcd-client.key'}",
        # Nothing is aggregated here but by tests; without it the components complain once a minute.
        f"--requestheader-client-ca-file={pki / 'front-proxy-ca.crt'}",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={pki / 'service-account.pub'}",
        f"--service-account-signing-key-file={pki / 'service-account.key'}",
        f"--kubelet-certificate-authority={pki / 'ca.crt'}",
        f"--kubelet-client-certificate={pki / 'kubelet-client.crt'}",
        f"--kubelet-client-key={pki / 'kubelet-client.key'}",
        "--kubelet-preferred-address-types=InternalIP",
        *(_audit_flags(site) if site.audit else ()),
    )
    context = probe_context(site)
    url = f"https://{address}/readyz"
    return ProcessSpec("kube-apiserver", argv, (address,), lambda: http_ok(url, context), after=("etcd",))


def controller_manager(site: Site) -> ProcessSpec:
    """The controllers, each with a service account of its own, as kubeadm sets them up."""
    pki = site.pki
    return _component(
        site,
        "kube-controller-manager",
        f"--root-ca-file={pki / 'ca.crt'}",
        f"--service-account-private-key-file={pki / 'service-account.key'}",
        "--use-service-account-credentials",
        f"--kube-api-qps={site.controller_qps}",
        f"--kube-api-burst={3 * site.controller_qps // 2}",
        # Autoscalers compute often, so that what they do is seen at once.
        "--horizontal-pod-autoscaler-sync-period=2s",
    )


def scheduler(site: Site) -> ProcessSpec:
    """kube-scheduler, with its defaults."""
    return _component(site, "kube-scheduler")


def _component(site: Site, name: str, *flags: str) -> ProcessSpec:
    address = site.address(name)
    kubeconfig = site.root / "users" / f"system-{name}.kubeconfig"
    context = probe_context(site)
    argv = (
        site.binaries[name],
        f"--bind-address={LOOPBACK}",
        f"--secure-port={site.ports[name]}",
        f"--tls-cert-file={site.pki / name}.crt",
        f"--tls-private-key-file={site.pki / name}.key",
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        "--leader-elect=false",
        *flags,
    )
    url = f"https://{address}/healthz"
    return ProcessSpec(name, argv, (address,), lambda: http_ok(url, context), after=("kube-apiserver",))


def probe_context(site: Site) -> ssl.SSLContext:
    """The identity with which readiness is asked; the audit log knows it as ``localcluster:probe``."""
    return tls_context(site.pki / "ca.crt", site.pki / "probe.crt", site.pki / "probe.key")


def _audit_flags(site: Site) -> tuple[str, ...]:
    policy = site.root / "audit-policy.yaml"
    policy.write_text(_POLICY)
    return f"--audit-policy-file={policy}", f"--audit-log-path={site.audit_log}"
