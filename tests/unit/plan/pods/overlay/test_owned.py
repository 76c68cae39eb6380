"""Whatever is laid over pods, what the operator owns stays as it was."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from rollmodel.errors import Invalid

from tests.support.running.effort import effort
from tests.unit.plan.pods.overlay.conftest import MODEL, PLAIN, Part, named, renamed, template

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
    plain = renamed(PLAIN, found)
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
