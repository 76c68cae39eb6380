"""What a route shows to the world: predictions, and nothing that a server tells its own people."""

from __future__ import annotations

from typing import Any

import pytest
from rollmodel.api.modeldeployment import RuntimePreset
from rollmodel.plan.deployment.objects.meta import Owner
from rollmodel.plan.deployment.routers.http_route import HttpRoute
from rollmodel.plan.deployment.routers.traffic import Split
from rollmodel.plan.deployment.runtimes import PRESETS

from tests.support.simulation.rollouts import spec

PRIVATE = ("/metrics", "/version", "/ready", "/v2/repository", "/v1/load_lora_adapter", "/docs", "/")


def shown(preset: str = "MLflow", **traffic: Any) -> list[str]:
    """The paths that lead to the model."""
    asked = spec(
        runtime={"preset": preset, "image": "example.com/server:1"},
        traffic={"parentRefs": [{"name": "public"}], **traffic},
    )
    router = HttpRoute.of(asked)
    assert router is not None
    split = Split(main="aaaaaaaa", weights={"aaaaaaaa": 100})
    *_, route = router.objects(Owner("prod", "churn", "uid"), split, installed=True)
    [rule] = route["spec"]["rules"]
    assert {match["path"]["type"] for match in rule["matches"]} == {"PathPrefix"}
    return [match["path"]["value"] for match in rule["matches"]]


def below(path: str, prefixes: list[str]) -> bool:
    return any(path == prefix or path.startswith(f"{prefix.rstrip('/')}/") for prefix in prefixes)


@pytest.mark.parametrize("preset", [one for one in RuntimePreset if one is not RuntimePreset.CUSTOM])
def test_what_is_private_is_not_shown(preset: RuntimePreset) -> None:
    assert not [path for path in PRIVATE if below(path, shown(preset))]
    assert all(path.startswith("/") and "{" not in path for path in shown(preset))


@pytest.mark.parametrize(
    ("preset", "path"),
    [
        ("MLflow", "/invocations"),
        ("MLServer", "/v2/models/churn/infer"),
        ("Triton", "/v2/models/model/infer"),
        ("VLLM", "/v1/chat/completions"),
        ("KServe", "/v1/models/churn:predict"),
        ("KServe", "/v2/models/churn/infer"),
        ("Custom", "/whatever"),
    ],
)
def test_what_clients_ask_is_shown(preset: str, path: str) -> None:
    assert below(path, shown(preset))


@pytest.mark.parametrize(
    ("traffic", "paths"),
    [
        ({"pathPrefix": "/churn"}, ["/churn"]),
        ({"paths": ["/"]}, ["/"]),
        ({"paths": ["/invocations", "/version"]}, ["/invocations", "/version"]),
        ({"pathPrefix": "/churn/", "prefixRewrite": "Disabled", "paths": ["/a"]}, ["/churn/a"]),
    ],
)
def test_what_the_user_says_is_shown(traffic: dict[str, Any], paths: list[str]) -> None:
    assert shown(**traffic) == paths


def test_a_preset_names_its_paths_or_shows_all() -> None:
    assert [name.value for name, preset in PRESETS.items() if "/" in preset.paths] == ["Custom"]
