"""What `make release` makes: each file is what its name says, and the sums are right."""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
import zipfile
from pathlib import Path

import pytest
from rollmodel import __version__

from charts import release
from charts.__main__ import REPOSITORY
from tests.cluster.charts.conftest import Helm
from tests.support.yaml_text import all_from_yaml, from_yaml

pytestmark = [pytest.mark.cluster, pytest.mark.slow]  # Helm may have to be built


@pytest.fixture(scope="module")
def made(helm: Helm, tmp_path_factory: pytest.TempPathFactory) -> Path:
    del helm  # it is there, then
    folder = tmp_path_factory.mktemp("release")
    assert release.main([str(folder)]) == 0
    return folder


def test_the_sums_are_those_of_all_files(made: Path) -> None:
    lines = (made / release.SUMS).read_text().splitlines()
    told = {name: digest for digest, name in (line.split("  ") for line in lines)}
    files = [path for path in made.iterdir() if path.name != release.SUMS]
    assert told == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    assert len(told) == 7


def test_the_provenance_is_about_all_files_and_this_commit(made: Path) -> None:
    told = json.loads((made / f"rollmodel-{__version__}.provenance.json").read_text())
    subjects = {one["name"]: one["digest"]["sha256"] for one in told["subject"]}
    files = [path for path in made.iterdir() if path.name != release.SUMS and "provenance" not in path.name]
    assert subjects == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    source = told["predicate"]["buildDefinition"]["resolvedDependencies"][0]
    assert source["digest"]["gitCommit"] == release._git("rev-parse", "HEAD")


def test_the_wheel_has_the_package_and_the_licence(made: Path) -> None:
    (wheel,) = made.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "rollmodel/__main__.py" in names
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    assert not [name for name in names if name.startswith(("tests/", "localcluster/"))]


def test_the_chart_has_alerts_and_dashboards(made: Path) -> None:
    with tarfile.open(made / f"rollmodel-{__version__}.tgz") as archive:
        names = archive.getnames()
    assert {"rollmodel/Chart.yaml", "rollmodel/files/alerts.yaml", "rollmodel/files/dashboards/fleet.json"} <= set(
        names
    )


def test_the_manifest_is_what_kustomize_would_apply(made: Path) -> None:
    objects = all_from_yaml((made / f"rollmodel-{__version__}.yaml").read_text())
    files = from_yaml((REPOSITORY / "kustomization.yaml").read_text())["resources"]
    assert objects == [one for file in files for one in all_from_yaml((REPOSITORY / file).read_text())]


@pytest.mark.parametrize("image", ["operator", "server"])
def test_the_list_of_parts_is_what_is_pinned(made: Path, image: str) -> None:
    bom = json.loads((made / f"rollmodel-{image}-{__version__}.cdx.json").read_text())
    assert bom["bomFormat"] == "CycloneDX"
    pinned = re.findall(r"^([\w.\[\]-]+)==(\S+)", (REPOSITORY / f"requirements/{image}.txt").read_text(), re.MULTILINE)
    told = {(one["name"].lower(), one["version"]) for one in bom["components"]}
    assert told == {(re.sub(r"\[.*\]", "", name).lower(), version) for name, version in pinned}


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(SystemExit):
        release.main([str(tmp_path)])
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
