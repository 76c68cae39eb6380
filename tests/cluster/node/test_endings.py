"""How Pods end: with grace, without, and when the node itself is killed."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.pods import Kube, Wait, pod_spec, shell

pytestmark = pytest.mark.cluster

POLITE = 'trap "echo bye > $ROLLMODEL_TERMINATION_LOG; exit 0" TERM; echo up; while true; do sleep 0.1; done'
STUBBORN = 'trap "" TERM; echo up; while true; do sleep 0.1; done'


def held_pod(kube: Kube, name: str, container: dict[str, Any], **spec: Any) -> None:
    """A Pod whose object stays after its end, so that the last status can be read."""
    metadata = {"name": name, "finalizers": ["test.example/hold"]}
    kube.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod_spec(container, **spec)})


def let_go(kube: Kube, name: str) -> None:
    kube.run("patch", "pod", name, "--type=json", "-p", json.dumps([{"op": "remove", "path": "/metadata/finalizers"}]))


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        (shell(POLITE), (0, "bye\n", "Succeeded")),
        (shell(STUBBORN), (137, None, "Failed")),
        (
            shell(
                STUBBORN,
                lifecycle={"preStop": {"exec": {"command": ["sh", "-c", 'echo hook > "$ROLLMODEL_TERMINATION_LOG"']}}},
            ),
            (137, "hook\n", "Failed"),
        ),
    ],
    ids=["obeys SIGTERM", "ignores SIGTERM", "with a preStop hook"],
)
def test_the_grace_period(kube: Kube, wait_until: Wait, container: Any, expected: Any) -> None:
    held_pod(kube, "end", container)
    wait_until(lambda: kube.container("end")["state"].get("running") and kube.run("logs", "end") == "up\n")
    kube.run("delete", "pod", "end", "--wait=false")
    wait_until(lambda: "terminated" in kube.container("end")["state"])
    status = kube.status("end")
    terminated = status["containerStatuses"][0]["state"]["terminated"]
    assert (terminated["exitCode"], terminated.get("message"), status["phase"]) == expected
    let_go(kube, "end")


def test_a_pod_deleted_by_force_is_killed_and_its_folder_removed(kube: Kube, wait_until: Wait) -> None:
    kube.pod("force", shell("echo $$$$; " + STUBBORN), terminationGracePeriodSeconds=1000)
    wait_until(lambda: kube.container("force")["state"].get("running") and "up" in kube.run("logs", "force"))
    pid = int(kube.run("logs", "force").split()[0])
    folder = kube.folder("force")
    assert folder.is_dir()
    kube.run("delete", "pod", "force", "--grace-period=0", "--force")
    wait_until(lambda: not Path(f"/proc/{pid}").exists() and not folder.exists())


def test_pods_survive_the_death_of_the_node(kube: Kube, wait_until: Wait) -> None:
    init = shell('echo once >> "$FILE"', name="init", env=[{"name": "FILE", "value": "/data/file"}])
    mount = {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    kube.pod(
        "again",
        shell("echo $$$$; exec sleep 1000"),
        initContainers=[init | mount],
        volumes=[{"name": "data", "emptyDir": {}}],
    )
    kube.pod("never", shell("exec sleep 1000"), restartPolicy="Never")
    wait_until(lambda: all(kube.container(name)["state"].get("running") for name in ("again", "never")))
    wait_until(lambda: kube.run("logs", "again", "-c", "main") != "")
    pid, address = int(kube.run("logs", "again", "-c", "main")), kube.status("again")["podIP"]
    kube.cluster.kill_part("node")
    wait_until(lambda: not Path(f"/proc/{pid}").exists())
    kube.cluster.restart_part("node")
    wait_until(lambda: kube.container("again")["restartCount"] == 1 and kube.container("again")["state"].get("running"))
    assert kube.container("again")["lastState"]["terminated"]["exitCode"] == 137
    assert kube.status("again")["podIP"] == address
    assert (kube.folder("again") / "volumes/data/file").read_text() == "once\n"
    wait_until(lambda: kube.status("never")["phase"] == "Failed")
    wait_until(lambda: kube.run("logs", "again", "-c", "main") not in ("", f"{pid}\n"))
