"""One ModelDeployment: its rollout, and what its requests say by revision."""

from __future__ import annotations

from charts.dashboards.build import Dashboard, Panel, Query, Row, variable

__all__ = ["MODEL"]

_OBJECT = 'namespace="$namespace",name="$name"'
_PODS = 'namespace="$namespace",rollmodel_dev_model_deployment="$name"'
_REVISION = "rollmodel_dev_revision"
_OURS = "Of our own model server; others have other metrics."


def _rate(metric: str, more: str = "", by: str = _REVISION) -> str:
    return f"sum by ({by}) (rate({metric}{{{_PODS}{more}}}[$__rate_interval]))"


_ALL = _rate("rollmodel_server_requests_total")
_FAILED = _rate("rollmodel_server_requests_total", ',code=~"5.."')
_BY_REVISION = f"{{{{{_REVISION}}}}}"


def _latency(share: float) -> Query:
    buckets = _rate("rollmodel_server_request_duration_seconds_bucket", by=f"le, {_REVISION}")
    return Query(f"histogram_quantile({share}, {buckets})", f"{{{{{_REVISION}}}}} p{share * 100:.0f}")


_ROLLOUT = Row(
    "Rollout",
    [
        Panel(
            "Share of traffic",
            [Query(f"max by (track) (rollmodel_traffic_weight_ratio{{{_OBJECT}}})", "{{track}}")],
            unit="percentunit",
            most=1,
            width=10,
            about="As the gateway has taken it, never as it was asked for.",
        ),
        Panel(
            "Conditions",
            [Query(f"max by (type) (rollmodel_condition{{{_OBJECT}}})", "{{type}}")],
            kind="state-timeline",
            width=8,
            words={"0": "no", "1": "yes"},
            colours={"0": "text", "1": "blue"},
            about="`Stalled` needs a person.",
        ),
        Panel(
            "Step",
            [Query(f"max(rollmodel_rollout_step{{{_OBJECT}}})", "step")],
            kind="state-timeline",
            width=6,
            words={"-1": "starts"},
            colours={"-1": "text"},
            about="Of the candidate; nothing without one.",
        ),
        Panel(
            "Age of the newest sample",
            [Query(f"max(rollmodel_sample_age_seconds{{{_OBJECT}}})", "age")],
            unit="s",
            width=24,
            height=5,
            about="When evidence was asked for. It should not exceed `settings.prometheus.delaySeconds` for long.",
        ),
    ],
)

_EVIDENCE = Row(
    "Evidence",
    [
        Panel(
            "Of harm, by metric",
            [Query(f"max by (metric) (rollmodel_evidence_log10_e_value{{{_OBJECT}}})", "{{metric}}")],
            width=10,
            least=None,
            about="Decimal logarithm of the e-value: 0 is none, and a healthy version gets to 2 in 1 of 100 rollouts at"
            " most. `rollmodel explain` has the rest.",
        ),
        Panel(
            "What each metric says",
            [
                Query(
                    f"max by (metric, verdict) (rollmodel_evidence_verdict{{{_OBJECT}}}) == 1",
                    "{{metric}}: {{verdict}}",
                )
            ],
            kind="state-timeline",
            words={"1": "yes"},
            colours={"1": "blue"},
            width=8,
            about="Nothing without a candidate.",
        ),
        Panel(
            "Requests judged in this step",
            [Query(f"max(rollmodel_judged_requests{{{_OBJECT}}})", "requests")],
            width=6,
        ),
    ],
)


def _used(metric: str, *, rate: bool) -> Query:
    """What containers of the pods use, as the kubelet tells: by names of pods, since their labels are not there."""
    series = f'{metric}{{namespace="$namespace",pod=~"$name-[^-]+-[^-]+-[^-]+",container!="",container!="POD"}}'
    return _by_revision(f"rate({series}[$__rate_interval])" if rate else series)


def _by_revision(series: str) -> Query:
    named = f'label_replace({series}, "revision", "$1", "pod", "$name-([^-]+)-[^-]+-[^-]+")'
    return Query(f"sum by (revision) ({named})", "{{revision}}")


_RESOURCES = Row(
    "CPU, memory and GPU by revision",
    [
        Panel(
            "CPU",
            [_used("container_cpu_usage_seconds_total", rate=True)],
            about="Cores. From the kubelet (cAdvisor), which most clusters scrape.",
        ),
        Panel(
            "Memory",
            [_used("container_memory_working_set_bytes", rate=False)],
            unit="bytes",
            about="Working set, from the kubelet (cAdvisor).",
        ),
        Panel(
            "GPU",
            [
                Query(
                    'avg by (pod, gpu) (DCGM_FI_DEV_GPU_UTIL{namespace="$namespace",pod=~"$name-.+"}'
                    ' or DCGM_FI_DEV_GPU_UTIL{exported_namespace="$namespace",exported_pod=~"$name-.+"})',
                    "{{pod}} {{gpu}}",
                )
            ],
            unit="percent",
            most=100,
            about="How busy, from NVIDIA's dcgm-exporter. Nothing without GPUs.",
        ),
    ],
)

_REQUESTS = Row(
    "Requests by revision",
    [
        Panel(
            "Requests",
            [Query(_ALL, _BY_REVISION)],
            unit="reqps",
            about=_OURS,
        ),
        Panel(
            "Failed",
            [Query(f"{_FAILED} / {_ALL}", _BY_REVISION)],
            unit="percentunit",
            about=f"Share of answers 5xx. {_OURS}",
        ),
        Panel("Latency", [_latency(share) for share in (0.5, 0.95, 0.99)], unit="s", about=_OURS),
        Panel(
            "Answers by code",
            [Query(_rate("rollmodel_server_requests_total", by="code"), "{{code}}")],
            unit="reqps",
            about=_OURS,
        ),
        Panel(
            "Pods",
            [Query(f'count by ({_REVISION}) (rollmodel_server_requests_total{{{_PODS},code="200"}})', _BY_REVISION)],
            about=f"That are scraped. {_OURS}",
        ),
        Panel(
            "What they serve",
            [
                Query(
                    f"count by ({_REVISION}, model_id, run_id, mlflow_version) (rollmodel_server_model_info{{{_PODS}}})"
                )
            ],
            kind="table",
            about=_OURS,
        ),
    ],
)

MODEL = Dashboard(
    "rollmodel-model",
    "Rollmodel / Model",
    "One ModelDeployment: traffic, steps, and what its requests say by revision; evidence and decisions.",
    [_ROLLOUT, _EVIDENCE, _REQUESTS, _RESOURCES],
    variables=[
        variable("namespace", "label_values(rollmodel_condition, namespace)", "Namespace"),
        variable("name", 'label_values(rollmodel_condition{namespace="$namespace"}, name)', "Model"),
    ],
    annotations={
        "weight": f'changes(rollmodel_traffic_weight_ratio{{{_OBJECT},track="candidate"}}[1m]) > 0',
        "decision": f"time() - rollmodel_last_decision_timestamp_seconds{{{_OBJECT}}} < 60",
    },
)
