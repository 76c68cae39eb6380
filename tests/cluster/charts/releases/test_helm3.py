"""The chart with Helm 3.18, the oldest that it is for: the same objects as with Helm 4, and the life of a release."""

from __future__ import annotations

from pathlib import Path

import pytest

from localcluster import Cluster
from localcluster.binaries import Search
from tests.cluster.charts.conftest import Helm, Object
from tests.cluster.charts.releases.test_release import KINDS, NAMESPACE, Release
from tests.cluster.charts.rendering.matrix import MATRIX
from tests.support.yaml_text import from_yaml

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


@pytest.fixture(scope="module")
def helm3(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    binary = Search().present("helm3")
    if binary is None:
        pytest.skip("Helm 3 is not built: `make test-helm3` does it")
    return Helm(binary, tmp_path_factory.mktemp("helm3"))


def identity(one: Object) -> tuple[str, str, str]:
    return one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]


@pytest.mark.parametrize("name", MATRIX)
def test_it_renders_the_same_objects(helm: Helm, helm3: Helm, name: str) -> None:
    chart = str(Path(__file__).parents[4] / "charts" / "rollmodel")
    helm3("lint", "--strict", chart, values=MATRIX[name])
    rendered = (sorted(one.render(MATRIX[name]), key=identity) for one in (helm, helm3))
    four, three = rendered
    assert three == four


def test_it_says_which_version_it_is(helm3: Helm) -> None:
    assert from_yaml(helm3("version", "--template", "{{ .Version }}")) == "v3.18.6"


def test_a_release_lives_and_goes(bare: Cluster, helm3: Helm) -> None:
    release = Release(bare, helm3)
    try:
        release.install()
        assert "Succeeded" in release.do("test", "--timeout", "120s")
        release.upgrade(values={"settings": {"concurrency": 4}})
        assert release.variables()["ROLLMODEL_CONCURRENCY"] == "4"
        release.do("rollback", "1", "--wait", "--timeout", "120s")
        assert "ROLLMODEL_CONCURRENCY" not in release.variables()
        release.do("uninstall", "--wait", "--timeout", "60s")
        assert {f"{kind}.rollmodel.dev" for kind in KINDS} <= release.names("crd")
        assert release.helm("list", "--short", "--namespace", NAMESPACE).split() == []
    finally:
        release.clear()
