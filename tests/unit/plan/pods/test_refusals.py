"""What helps against the words of the API server."""

import pytest
from rollmodel.plan.pods.refusals import remedy, with_remedy

_PODS = 'pods "churn-1-" is forbidden: '


@pytest.mark.parametrize(
    ("words", "helps"),
    [
        ("failed quota: tight: must specify limits.cpu for: model; limits.memory for: model", "set what is missing"),
        ("failed quota: tight: must specify limits.cpu,limits.memory", "set what is missing in `runtime.resources`"),
        ("maximum memory usage per Container is 512Mi, but limit is 1Gi", "set `runtime.resources` within the"),
        ("minimum cpu usage per Pod is 1, but request is 100m", "set `runtime.resources` within the LimitRange"),
        ("cpu max limit to request ratio per Container is 2, but provided ratio is 4", "within the LimitRange"),
        ("exceeded quota: tight, requested: pods=1, used: pods=2, limited: pods=2", "goes on by itself"),
        ("ValidatingAdmissionPolicy 'team' with binding 'team' denied request: no team", "`runtime.labels`"),
        ('admission webhook "require.example.com" denied the request: no owner', "`runtime.annotations`"),
        ('violates PodSecurity "restricted:latest": runAsNonRoot != true', "`runtime.securityContext`"),
        ("container has runAsNonRoot and image will run as root", "`runtime.securityContext.runAsUser`"),
        (
            "container has runAsNonRoot and image has non-numeric user (app), cannot verify user is non-root",
            "the number of a user",
        ),
        (
            "unable to validate against any security context constraint: .containers[0].runAsUser: Invalid value: 2000",
            "within the ranges of the namespace",
        ),
    ],
)
def test_what_helps(words: str, helps: str) -> None:
    said = with_remedy(_PODS + words, "runtime")
    assert said.startswith(_PODS + words)
    assert helps in said
    assert remedy(words, "template") is not None
    assert "`template." in str(remedy(words, "template"))


@pytest.mark.parametrize("words", ["", 'serviceaccount "churn" not found', "etcdserver: request timed out"])
def test_no_advice_where_none_is_known(words: str) -> None:
    assert with_remedy(words, "runtime") == words


@pytest.mark.parametrize(
    "words",
    [
        "spec.template.spec.volumes[0]: Required value: must specify a volume type",
        '.spec.template.spec.volumes[name="model"].image: field not declared in schema',
    ],
)
def test_a_cluster_without_image_volumes(words: str) -> None:
    assert "image volumes (`oci://`) need Kubernetes 1.35" in with_remedy(words, "runtime")
