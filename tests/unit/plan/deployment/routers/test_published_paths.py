"""What a route shows to the world: predictions, and nothing that a server tells its own people."""

from __future__ import annotations

from typing import Any

import pytest
from rollmodel.api.modeldeployment import RuntimePreset
from rollmodel.plan.deployment.objects.meta import Owner
from rollmodel.plan.deployment.routers.gateway_answers import route_weights
from rollmodel.plan.deployment.routers.http_route import HttpRoute
from rollmodel.plan.deployment.routers.traffic import Split
from rollmodel.plan.deployment.runtimes import PRESETS

from tests.support.simulation.rollouts import spec

PRIVATE = ("/metrics", "/version", "/ready", "/v2/repository", "/v1/load_lora_adapter", "/docs", "/")


def rules(preset: str = "MLflow", **traffic: Any) -> list[dict[str, Any]]:
    """The rules of the route."""
    asked = spec(
        runtime={"preset": preset, "image": "example.com/server:1"},
        traffic={"parentRefs": [{"name": "public"}], **traffic},
    )
    router = HttpRoute.of(asked)
    assert router is not None
    split = Split(main="aaaaaaaa", weights={"aaaaaaaa": 100})
    *_, route = router.objects(Owner("prod", "churn", "uid"), split, installed=True)
    assert route_weights(route, "churn") == {"aaaaaaaa": 100}
    found: list[dict[str, Any]] = route["spec"]["rules"]
    return found


def shown(preset: str = "MLflow", **traffic: Any) -> list[str]:
    """The paths that lead to the model."""
    matches = [match["path"] for rule in rules(preset, **traffic) for match in rule["matches"]]
    assert {path["type"] for path in matches} == {"PathPrefix"}
    return [path["value"] for path in matches]


def seen(path: str, **options: Any) -> str | None:
    """What the server sees of a request: a gateway follows the longest match. None: it sees nothing."""
    best: tuple[str, dict[str, Any]] | None = None
    for rule in rules(**options):
        for match in rule["matches"]:
            value = match["path"]["value"].rstrip("/")
            if below(path, [value]) and (best is None or len(value) > len(best[0])):
                best = (value, rule)
    if best is None:
        return None
    for each in best[1].get("filters", ()):
        new = each["urlRewrite"]["path"]["replacePrefixMatch"].rstrip("/")
        return (new + path.removeprefix(best[0])) or "/"
    return path


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
        ({"pathPrefix": "/churn"}, ["/churn/invocations", "/churn/ping"]),
        ({"pathPrefix": "/churn/", "paths": ["/"]}, ["/churn/"]),
        ({"pathPrefix": "/churn", "paths": ["/a"]}, ["/churn/a"]),
        ({"paths": ["/"]}, ["/"]),
        ({"paths": ["/invocations", "/version"]}, ["/invocations", "/version"]),
        ({"pathPrefix": "/churn/", "prefixRewrite": "Disabled", "paths": ["/a"]}, ["/churn/a"]),
    ],
)
def test_what_the_user_says_is_shown(traffic: dict[str, Any], paths: list[str]) -> None:
    assert shown(**traffic) == paths


def test_a_preset_names_its_paths_or_shows_all() -> None:
    assert [name.value for name, preset in PRESETS.items() if "/" in preset.paths] == ["Custom"]


@pytest.mark.parametrize(
    ("options", "path", "server"),
    [
        ({}, "/churn/invocations", "/invocations"),
        ({}, "/churn/metrics", None),
        ({}, "/churn/version", None),
        ({}, "/invocations", None),
        ({"preset": "MLServer"}, "/churn/v2/models/churn/infer", "/v2/models/churn/infer"),
        ({"preset": "MLServer"}, "/churn/v2/repository/index", None),
        ({"preset": "Custom"}, "/churn/metrics", "/metrics"),
        ({"preset": "Custom", "paths": ["/score"]}, "/churn/score/9", "/score/9"),
        ({"preset": "Custom", "paths": ["/score"]}, "/churn/metrics", None),
        ({"paths": ["/", "/invocations"]}, "/churn/invocations", "/invocations"),
        ({"paths": ["/", "/invocations"]}, "/churn", "/"),
        ({"prefixRewrite": "Disabled"}, "/churn/invocations", "/churn/invocations"),
        ({"prefixRewrite": "Disabled"}, "/churn/metrics", None),
    ],
)
def test_below_a_prefix_the_server_shows_the_same_and_no_more(
    options: dict[str, Any], path: str, server: str | None
) -> None:
    assert seen(path, pathPrefix="/churn", **options) == server


@pytest.mark.parametrize(
    ("prefix", "paths"),
    [
        ("/v2/models/model", [f"/v2/models/model/{verb}" for verb in ("infer", "generate", "generate_stream")]),
        ("/v2/models/model/infer", ["/v2/models/model/infer"]),
    ],
)
def test_a_prefix_that_is_a_path_of_the_server_shows_no_more_than_the_preset(prefix: str, paths: list[str]) -> None:
    found = shown("Triton", pathPrefix=prefix, prefixRewrite="Disabled")
    assert set(paths) <= set(found)
    assert "/v2/models/model/config" not in found
    assert not below("/v2/models/model/config", found)
