"""``runtime.podTemplate``: what is laid over the pods of a revision, and what must not be."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rollmodel.api.modeldeployment import Runtime
from rollmodel.errors import Invalid
from rollmodel.plan.deployment.objects import revision as revisions
from rollmodel.plan.deployment.observed import Defaults, PinnedModel
from rollmodel.plan.naming import REVISION

from tests.support.running.effort import effort
from tests.support.simulation.rollouts import DEFAULTS, model, spec

Part = dict[str, Any]


def template(overlay: Part | None, **runtime: Any) -> Part:
    """The finished PodTemplateSpec of a revision with this overlay."""
    if overlay is not None:
        runtime["podTemplate"] = overlay
    return dict(revisions.wanted("churn", spec(runtime=runtime), model("7"), DEFAULTS).template)


def pod(runtime: Part | None = None, **fields: Any) -> Part:
    """The pod's spec with an overlay of these fields."""
    found: Part = template({"spec": fields}, **(runtime or {}))["spec"]
    return found


def named(parts: list[Part], name: str) -> Part:
    [found] = [one for one in parts if one["name"] == name]
    return found


def serving(**fields: Any) -> Part:
    """The container with the model, with this laid over it."""
    return named(pod(containers=[{"name": "model", **fields}])["containers"], "model")


PLAIN: Part = template(None)
MODEL = named(PLAIN["spec"]["containers"], "model")


def test_without_an_overlay_nothing_changes() -> None:
    """Neither pods nor the names of revisions: an upgrade rolls nothing."""
    empties: list[Part] = [{}, {"spec": {}, "metadata": {}}, {"spec": {"containers": [], "volumes": None}}]
    for empty in empties:
        assert template(empty) == _renamed(PLAIN, template(empty))
    assert revisions.revision_id(Runtime(), model("7")) == revisions.revision_id(Runtime.model_validate({}), model("7"))
    assert "podTemplate" not in Runtime().model_dump(by_alias=True, exclude_defaults=True)


def _renamed(one: Part, like: Part) -> Part:
    """The same of another revision."""
    text = json.dumps(one).replace(one["metadata"]["labels"][REVISION], like["metadata"]["labels"][REVISION])
    renamed: Part = json.loads(text)
    return renamed


def test_another_overlay_is_another_revision() -> None:
    of = {
        template(one)["metadata"]["labels"][REVISION]
        for one in (None, {"spec": {"schedulerName": "a"}}, {"spec": {"schedulerName": "b"}})
    }
    assert len(of) == 3


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("affinity", {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}),
        ("nodeSelector", {"zone": "a"}),
        ("priorityClassName", "high"),
        ("runtimeClassName", "nvidia"),
        ("schedulerName", "volcano"),
        ("dnsPolicy", "None"),
        ("dnsConfig", {"nameservers": ["10.0.0.10"]}),
        ("hostAliases", [{"ip": "10.0.0.1", "hostnames": ["store"]}]),
        ("terminationGracePeriodSeconds", 600),
    ],
)
def test_fields_of_the_pod(field: str, value: Any) -> None:
    assert pod(**{field: value})[field] == value


def test_tolerations_come_beside_those_of_the_runtime() -> None:
    gpu, spot = {"key": "gpu", "operator": "Exists"}, {"key": "spot", "operator": "Exists", "tolerationSeconds": 30}
    assert pod({"tolerations": [gpu]}, tolerations=[gpu, spot])["tolerations"] == [gpu, spot]


def test_pods_are_spread_as_asked() -> None:
    own = {"maxSkew": 1, "topologyKey": "rack", "whenUnsatisfiable": "DoNotSchedule"}
    found = template({"spec": {"topologySpreadConstraints": [own]}})
    [constraint] = found["spec"]["topologySpreadConstraints"]
    labels = constraint.pop("labelSelector")["matchLabels"]
    assert constraint == own
    assert labels.items() <= found["metadata"]["labels"].items()
    assert REVISION in labels


def test_the_user_of_the_pod_stays_within_restricted() -> None:
    found = pod(securityContext={"runAsUser": 1234, "fsGroup": 99})["securityContext"]
    assert found == {**PLAIN["spec"]["securityContext"], "runAsUser": 1234, "fsGroup": 99}


def test_labels_and_annotations_of_the_pods() -> None:
    found = template({"metadata": {"labels": {"team": "a"}, "annotations": {"sidecar.istio.io/inject": "false"}}})
    assert found["metadata"]["labels"]["team"] == "a"
    assert found["metadata"]["annotations"]["sidecar.istio.io/inject"] == "false"
    assert found["metadata"]["annotations"].keys() > PLAIN["metadata"]["annotations"].keys()


def test_what_we_set_on_pods_goes_before_labels_that_were_stored_under_older_rules() -> None:
    found = template({"metadata": {"labels": {REVISION: "other"}, "annotations": {"prometheus.io/port": "1"}}})
    assert found["metadata"]["labels"][REVISION] != "other"
    assert found["metadata"]["annotations"]["prometheus.io/port"] != "1"


def test_volumes_and_mounts() -> None:
    shm = {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "8Gi"}}
    data = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    mounts = [{"name": "shm", "mountPath": "/dev/shm"}, {"name": "data", "mountPath": "/data"}]  # noqa: S108
    found = pod(volumes=[shm, data], containers=[{"name": "model", "volumeMounts": mounts}])
    assert found["volumes"] == [*PLAIN["spec"]["volumes"], shm, data]
    assert named(found["containers"], "model") == {**MODEL, "volumeMounts": [*MODEL["volumeMounts"], *mounts]}


def test_shared_memory_of_a_preset_gets_a_size() -> None:
    own = {"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": "16Gi"}}
    found = pod({"preset": "Triton", "image": "triton:1"}, volumes=[own])
    assert [one for one in found["volumes"] if one["name"] == "shared-memory"] == [own]
    assert "/dev/shm" in {mount["mountPath"] for mount in found["containers"][0]["volumeMounts"]}  # noqa: S108


def test_the_model_may_lie_on_a_claim_of_each_pod() -> None:
    own = {"name": "model", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}}
    assert pod(volumes=[own])["volumes"][0] == own


def test_timings_of_probes() -> None:
    found = serving(startupProbe={"failureThreshold": 900}, livenessProbe={"periodSeconds": 60})
    assert found["startupProbe"] == {**MODEL["startupProbe"], "failureThreshold": 900}
    assert found["livenessProbe"] == {**MODEL["livenessProbe"], "periodSeconds": 60}
    assert found["readinessProbe"] == MODEL["readinessProbe"]


def test_a_variable_replaces_the_one_of_its_name() -> None:
    field = {"name": "HOME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
    found = serving(env=[field], envFrom=[{"configMapRef": {"name": "flags"}}])
    assert [one for one in found["env"] if one["name"] == "HOME"] == [field]
    assert found["envFrom"] == [{"configMapRef": {"name": "flags"}}]


def test_another_container_is_as_safe_as_ours_where_it_does_not_say() -> None:
    proxy = {"name": "proxy", "image": "proxy:1", "securityContext": {"readOnlyRootFilesystem": True}}
    found = pod(containers=[proxy])["containers"]
    assert found[0] == MODEL
    assert found[1]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }


def test_init_containers_follow_the_one_that_fetches_unless_it_is_named() -> None:
    first, second = {"name": "first", "image": "a"}, {"name": "second", "image": "b", "restartPolicy": "Always"}
    names = [one["name"] for one in pod(initContainers=[first, second])["initContainers"]]
    assert names == ["fetch-model", "first", "second"]
    fetch = {"name": "fetch-model", "resources": {"limits": {"memory": "128Mi"}}}
    found = pod(initContainers=[first, fetch, second])["initContainers"]
    assert [one["name"] for one in found] == ["first", "fetch-model", "second"]
    assert found[1]["resources"]["limits"]["memory"] == "128Mi"
    assert found[1]["image"] == PLAIN["spec"]["initContainers"][0]["image"]


def of_model(**fields: Any) -> Part:
    return {"containers": [{"name": "model", **fields}]}


def of_fetch(**fields: Any) -> Part:
    return {"initContainers": [{"name": "fetch-model", **fields}]}


def another(**fields: Any) -> Part:
    return {"containers": [{"name": "proxy", "image": "proxy:1", **fields}]}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (of_model(image="other"), "spec.containers[model].image: is set by the operator; use `runtime.image`"),
        (of_model(command=["x"]), "use `runtime.command`"),
        (of_model(args=["x"]), "use `runtime.args`"),
        (of_model(ports=[{"containerPort": 9}]), "use `runtime.port`"),
        (of_model(lifecycle={}), "containers[model].lifecycle: is set by the operator; allowed are env, envFrom"),
        (of_model(readinessProbe={"httpGet": {"path": "/"}}), "(the path is `runtime.readinessPath`)"),
        (
            of_model(startupProbe={"exec": {}}),
            "startupProbe.exec: is set by the operator; allowed are failureThreshold",
        ),
        (of_model(env=[{"name": "ROLLMODEL_X", "value": "1"}]), "env[ROLLMODEL_X]: is set by the operator"),
        (of_model(volumeMounts=[{"name": "x", "mountPath": "/mnt/models/model/a"}]), "above or below /mnt/models"),
        (of_model(volumeMounts=[{"name": "x", "mountPath": "/mnt"}]), "above or below /mnt/models"),
        (of_model(volumeMounts=[{"name": "model", "mountPath": "/m"}]), "must have `readOnly: true`"),
        (of_model(securityContext={"privileged": True}), "containers[model].securityContext.privileged: must be false"),
        (of_model(securityContext={"capabilities": {"add": ["SYS_ADMIN"]}}), "others than NET_BIND_SERVICE"),
        (of_model(securityContext={"capabilities": {"drop": []}}), "capabilities.drop: must have ALL"),
        (of_model(securityContext={"procMount": "Unmasked"}), "procMount: must not be set; allowed are allowPriv"),
        (of_fetch(image="other"), "initContainers[fetch-model].image: is set by the operator; allowed are env, image"),
        (of_fetch(volumeMounts=[]), "initContainers[fetch-model].volumeMounts: is set by the operator"),
        ({"containers": [{"name": "fetch-model", "image": "x"}]}, "is the name of a container in `initContainers`"),
        ({"initContainers": [{"name": "model", "image": "x"}]}, "is the name of a container in `containers`"),
        ({"containers": [{"name": "proxy"}]}, "spec.containers[proxy].image: must be set"),
        (another(ports=[{"containerPort": 8080}]), "must not take a name or number of the model server: http (8080)"),
        (another(ports=[{"name": "http", "containerPort": 1}]), "must not take a name or number of the model server"),
        (another(ports=[{"containerPort": 1, "hostPort": 1}]), "must not have `hostPort`"),
        (another(volumeMounts=[{"name": "model", "mountPath": "/m"}]), "must have `readOnly: true`"),
        (
            another(volumeMounts=[{"name": "x", "mountPath": "/m", "mountPropagation": "Bidirectional"}]),
            "Bidirectional",
        ),
        (another(securityContext={"runAsUser": 0}), "must not be 0, which is root"),
        (another(securityContext={"allowPrivilegeEscalation": True}), "allowPrivilegeEscalation: must be false"),
        ({"securityContext": {"runAsNonRoot": False}}, "spec.securityContext.runAsNonRoot: must be true"),
        ({"securityContext": {"sysctls": []}}, "spec.securityContext.sysctls: must not be set; allowed are fsGroup"),
        ({"securityContext": {"seccompProfile": {"type": "Unconfined"}}}, "one of Localhost, RuntimeDefault"),
        ({"terminationGracePeriodSeconds": 5}, "must be at least 75, which requests that have begun may take"),
        ({"volumes": [{"name": "x", "hostPath": {"path": "/"}}]}, "spec.volumes[x]: must be exactly one of configMap"),
        ({"volumes": [{"name": "x"}]}, "spec.volumes[x]: must be exactly one of configMap"),
        ({"volumes": [{"name": "x", "secret": {}, "emptyDir": {}}]}, "spec.volumes[x]: must be exactly one of"),
        ({"volumes": [{"name": "model", "secret": {"secretName": "s"}}]}, "must be one of emptyDir, ephemeral"),
        (of_model(env="HOME=/"), "spec.containers[model].env: must be a list of objects"),
        (of_model(env=["HOME"]), "spec.containers[model].env: must be a list of objects"),
        (of_model(resources=[]), "spec.containers[model].resources: must be an object"),
        (another(securityContext={"capabilities": "ALL"}), "securityContext.capabilities: must be an object"),
        (another(securityContext={"capabilities": {"drop": "ALL"}}), "capabilities.drop: must be a list of names"),
    ],
)
def test_what_must_not_be_is_named_with_what_may_be(fields: Part, says: str) -> None:
    with pytest.raises(Invalid) as refused:
        pod(**fields)
    assert refused.value.reason == "InvalidSpec"
    assert str(refused.value).startswith("`runtime.podTemplate`.spec.")
    assert says in str(refused.value)


def test_the_volume_of_a_claim_is_ours() -> None:
    stored = PinnedModel(uri="pvc://models/churn", digest="sha256:7")
    own = {"spec": {"volumes": [{"name": "claim", "emptyDir": {}}]}}
    with pytest.raises(Invalid, match="is set by the operator; take another name"):
        revisions.wanted("churn", spec(runtime={"podTemplate": own}), stored, DEFAULTS)


def test_null_is_unset() -> None:
    found = pod(
        securityContext={"seccompProfile": None, "runAsNonRoot": None},
        containers=[{"name": "model", "securityContext": {"capabilities": None}, "image": None}],
    )
    assert found["securityContext"] == PLAIN["spec"]["securityContext"]
    assert named(found["containers"], "model") == MODEL


def test_many_problems_are_shortened() -> None:
    with pytest.raises(Invalid, match=r"and 3 more$"):
        pod(volumes=[{"name": f"v{number}"} for number in range(8)])


# Any overlay: either it is refused, or what the operator owns is as it was.

_names = st.sampled_from(["model", "fetch-model", "proxy", "tmp", "claim"])
_words = st.sampled_from(["/mnt/models", "/mnt", "/tmp", "/dev/shm", "ALL", "http", "model", "RuntimeDefault", ""])  # noqa: S108
_values = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 9000) | _words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names | _words, inner, max_size=3),
    max_leaves=6,
)
_env = st.lists(st.fixed_dictionaries({"name": st.sampled_from(["HOME", "A"])}, optional={"value": _words}), max_size=2)
_mounts = st.lists(
    st.fixed_dictionaries({"name": _names, "mountPath": _words}, optional={"readOnly": st.booleans()}), max_size=2
)
_security: st.SearchStrategy[Part] = st.fixed_dictionaries(
    {},
    optional={
        "runAsNonRoot": st.sampled_from([True, False, None]),
        "privileged": st.sampled_from([True, False, None]),
        "allowPrivilegeEscalation": st.sampled_from([True, False, None]),
        "capabilities": st.sampled_from([None, {}, {"drop": ["ALL"]}, {"drop": []}, {"add": ["SYS_ADMIN"]}, "ALL"]),
        "runAsUser": st.sampled_from([0, 1000]),
    },
)
_container = st.fixed_dictionaries(
    {"name": _names},
    optional={
        "image": st.sampled_from(["proxy:1", "model:2"]),
        "args": _values,
        "env": _env | _values,
        "volumeMounts": _mounts | _values,
        "ports": st.just([{"containerPort": 8080}]) | _values,
        "resources": st.just({"limits": {"cpu": "1"}}) | _values,
        "readinessProbe": st.just({"periodSeconds": 3}) | _values,
        "securityContext": _security | _values,
    },
)
_volume = st.fixed_dictionaries(
    {"name": _names}, optional={"emptyDir": st.just({}), "secret": st.just({"secretName": "a"}), "hostPath": _values}
)
_overlays = st.fixed_dictionaries(
    {},
    optional={
        "securityContext": _security,
        "containers": st.lists(_container, max_size=3, unique_by=lambda one: str(one["name"])),
        "initContainers": st.lists(_container, max_size=3, unique_by=lambda one: str(one["name"])),
        "volumes": st.lists(_volume, max_size=2, unique_by=lambda one: str(one["name"])),
        "terminationGracePeriodSeconds": st.integers(1, 200),
    },
)

_KEPT = ("image", "command", "args", "ports", "lifecycle", "terminationMessagePolicy")


@settings(max_examples=effort(25, 400))
@given(_overlays)
def test_whatever_is_laid_over_pods_what_the_operator_owns_stays(fields: Part) -> None:
    try:
        found = template({"spec": fields})
    except Invalid:
        return
    plain = _renamed(PLAIN, found)
    for key, name in (("containers", "model"), ("initContainers", "fetch-model")):
        before, after = named(plain["spec"][key], name), named(found["spec"][key], name)
        assert [before.get(field) for field in _KEPT] == [after.get(field) for field in _KEPT]
        assert [mount for mount in before["volumeMounts"] if mount not in after["volumeMounts"]] in (
            [],
            [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 (another volume for it)
        )
    assert (
        named(found["spec"]["containers"], "model")["readinessProbe"]["httpGet"] == MODEL["readinessProbe"]["httpGet"]
    )
    assert plain["metadata"] == found["metadata"]
    _restricted(found["spec"])


def _restricted(spec: Part) -> None:
    """As Pod Security "restricted" asks, and nobody but ``fetch-model`` writes to the files of the model."""
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert all("hostPath" not in volume for volume in spec["volumes"])
    for container in [*spec["containers"], *spec["initContainers"]]:
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"]["drop"] == ["ALL"]
        assert context.get("privileged") in (None, False)
        assert context.get("runAsNonRoot") in (None, True)
        if container["name"] != "fetch-model":
            mounts = container.get("volumeMounts", ())
            assert all(mount["readOnly"] is True for mount in mounts if mount["name"] in ("model", "claim"))


def test_defaults_of_the_operator_do_not_reach_the_name_of_a_revision() -> None:
    other = Defaults(operator_image="other", server_image="other")
    asked = spec(runtime={"podTemplate": {"spec": {"schedulerName": "a"}}})
    one, two = (revisions.wanted("churn", asked, model("7"), defaults) for defaults in (DEFAULTS, other))
    assert one.id == two.id
