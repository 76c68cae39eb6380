"""Values that the chart is rendered with: each switch on and off, and all at once."""

from __future__ import annotations

from typing import Any

from charts.__main__ import REPOSITORY
from tests.support.yaml_text import from_yaml

__all__ = ["DIGEST", "EVERYTHING", "MATRIX"]

Values = dict[str, Any]

DIGEST = f"sha256:{'a' * 64}"
_MONITOR = {"enabled": True, "interval": "15s", "labels": {"release": "prometheus"}}
_SCRAPED = {**_MONITOR, "tokenSecret": {"name": "scraper", "key": "jwt"}}

#: Every value set, and none to its default.
EVERYTHING: Values = {
    "commonLabels": {"team": "ml"},
    "extraObjects": [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "rollmodel-more"}, "data": {"a": "{{ b }}"}}
    ],
    "imageRegistry": "registry.example.com",
    "image": {"digest": DIGEST, "pullPolicy": "Always"},
    "serverImage": {"tag": "0.0.9"},
    "imagePullSecrets": ["registry"],
    "crds": {"annotations": {"argocd.argoproj.io/sync-options": "Prune=false"}},
    "watch": {"namespaces": ["team-a", "team-b"]},
    "features": {
        "gatewayApi": False,
        "kueue": False,
        "connectionSecrets": False,
        "keda": True,
        "grpcRoutes": True,
        "inferencePools": True,
    },
    "admissionPolicies": {
        "enabled": True,
        "images": ["registry.example.com/ml/"],
        "addresses": ["https://models.example.com/", "s3://models/"],
    },
    "rbac": {"userRoles": {"aggregateToView": False, "aggregateToEdit": True}},
    "serviceAccount": {"name": "operator", "annotations": {"eks.amazonaws.com/role-arn": "arn"}},
    "settings": {
        "registry": {
            "url": "http://mlflow:5000",
            "workspace": "risk",
            "pollSeconds": 2.5,
            "timeoutSeconds": 3,
            "login": {"secretName": "mlflow", "tokenKey": "token"},
        },
        "prometheus": {
            "url": "http://prometheus:9090/prefix",
            "timeoutSeconds": 4,
            "delaySeconds": 0,
            "headers": "X-Scope-OrgID: team-a",
            "matchers": 'cluster="eu-1"',
            "login": {"secretName": "prometheus", "tokenKey": "token"},
        },
        "kedaPrometheusUrl": "http://prometheus.monitoring:9090",
        "coordination": "Required",
        "tenants": {"team-a": {"models": ["churn*"], "aliases": ["champion"]}},
        "tenancy": "Trusted",
        "hashLimitBytes": 30_000_000_000,
        "leastIntervalSeconds": 5,
        "forbiddenNamespaces": ["kube-system"],
        "hosts": {"team-a": ["*.example.com"]},
        "tolerationKeys": ["nvidia.com/gpu"],
        "priorityClasses": ["batch-*"],
        "connectionHosts": ["*.example.com"],
        "containerMessages": "Off",
        "userQueries": "OwnNamespace",
        "resyncSeconds": 1000,
        "concurrency": 4,
        "claimSeconds": 40,
        "retrySeconds": 20,
        "startingSeconds": 5,
        "missingSeconds": 20,
        "graceSeconds": 0,
        "pendingSeconds": 60,
        "healthAddress": "[::]:8081",
        "metricsAddress": "[::]:9091",
        "metricsAccess": "Reviewed",
        "logFormat": "text",
        "logLevel": "DEBUG",
    },
    "replicas": 2,
    "leaderElection": {"enabled": True, "leaseSeconds": 20},
    "resources": {"requests": {"cpu": "100m"}, "limits": {"memory": "2Gi"}},
    "podSecurityContext": {"runAsUser": 1000, "runAsGroup": 1000},
    "podLabels": {"a": "b"},
    "podAnnotations": {"c": "d"},
    "priorityClassName": "system-cluster-critical",
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "tolerations": [{"key": "dedicated", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
    "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
    "extraVolumes": [{"name": "more", "emptyDir": {}}],
    "extraVolumeMounts": [{"name": "more", "mountPath": "/more"}],
    "podDisruptionBudget": {"enabled": True, "maxUnavailable": 0},
    "networkPolicy": {
        "enabled": True,
        "metricsFrom": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}],
        "egress": {"enabled": True, "extra": [{"ports": [{"port": 5000}]}]},
    },
    "metrics": {
        "scrapeAnnotations": False,
        "podMonitor": _SCRAPED,
        "serviceMonitor": _SCRAPED,
        "models": {"podMonitor": _MONITOR},
    },
    "prometheusRule": {
        "enabled": True,
        "job": "pods",
        "runbookUrl": "https://example.com/runbooks/",
        "without": ["RollmodelRolledBack"],
        "labels": {"release": "prometheus"},
    },
    "dashboards": {
        "enabled": True,
        "namespace": "monitoring",
        "labels": {"grafana": "yes"},
        "annotations": {"grafana_folder": "Rollmodel"},
    },
    "helmTest": {"timeoutSeconds": 30},
}

_ARGO_CD = from_yaml((REPOSITORY / "examples" / "argocd" / "operator.yaml").read_text())

_SECRETS = [{"namespace": "team-a", "names": ["mlflow"]}]

MATRIX: dict[str, Values] = {
    "defaults": {},
    "everything": EVERYTHING,
    "digest": {"image": {"digest": DIGEST}, "serverImage": {"digest": DIGEST}},
    "no crds": {"crds": {"enabled": False}},
    "crds go": {"crds": {"keep": False}},
    "namespaces": {"watch": {"namespaces": ["team-a", "team-b"]}, "connectionSecrets": _SECRETS},
    "secrets": {"connectionSecrets": _SECRETS},
    "no rights": {"rbac": {"create": False, "userRoles": {"create": False}}, "serviceAccount": {"create": False}},
    "edit for all": {"rbac": {"userRoles": {"aggregateToEdit": True}}},
    "login": {
        "settings": {
            "registry": {"login": {"secretName": "a", "usernameKey": "user", "passwordKey": "password"}},
            "prometheus": {"tokenFile": "/var/run/token"},
        }
    },
    "openshift": {"podSecurityContext": {"runAsUser": None, "runAsGroup": None}},
    "policies": {"networkPolicy": {"enabled": True}, "podDisruptionBudget": {"enabled": True}},
    "egress": {"networkPolicy": {"enabled": True, "egress": {"enabled": True}}},
    "pod monitor": {"metrics": {"podMonitor": {"enabled": True}}},
    "service monitor": {"metrics": {"serviceMonitor": {"enabled": True}}},
    "alerts": {"metrics": {"podMonitor": {"enabled": True}}, "prometheusRule": {"enabled": True}},
    "dashboards": {"dashboards": {"enabled": True}},
    "admission": {"admissionPolicies": {"enabled": True}},
    "models' monitor": {"metrics": {"models": {"podMonitor": {"enabled": True}}}},
    "Argo CD": _ARGO_CD["spec"]["source"]["helm"]["valuesObject"],
    "two": {"replicas": 2},
    "one that is elected": {"leaderElection": {"enabled": True}},
    "shard": {"watch": {"shard": "a"}},
    "asleep": {"replicas": 0, "metrics": {"scrapeAnnotations": False}, "helmTest": {"enabled": False}},
    **{
        f"without {name}": {"features": {name: False}}
        for name in ("gatewayApi", "kueue", "connectionSecrets", "coordination")
    },
    "KEDA": {"features": {"keda": True}},
    "GRPCRoutes": {"features": {"grpcRoutes": True}},
    "InferencePools": {"features": {"inferencePools": True}},
}
