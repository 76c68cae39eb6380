"""Pods run as processes, and their status says what a kubelet's would."""

import urllib.request
from typing import Any

import pytest

from tests.support.pods import Kube, Wait, pod_spec, shell

pytestmark = pytest.mark.cluster

DATA: dict[str, Any] = {"volumes": [{"name": "data", "emptyDir": {}}]}
MOUNT: dict[str, Any] = {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}
FILE: dict[str, Any] = {"env": [{"name": "FILE", "value": "/data/file"}], **MOUNT}


def server(**more: Any) -> Any:
    ports = [{"name": "http", "containerPort": 8080}]
    return {"name": "main", "image": "http-server:1", "args": ["8080", "--directory", "/data"], "ports": ports, **more}


def ready(kube: Kube, name: str) -> bool:
    conditions = {item["type"]: item["status"] for item in kube.status(name).get("conditions", [])}
    return conditions.get("Ready") == "True"


def endpoints(kube: Kube) -> list[bool]:
    slices = kube.get("endpointslices", "-l", "kubernetes.io/service-name=web")["items"]
    return [endpoint["conditions"]["ready"] for item in slices for endpoint in item["endpoints"] or []]


def test_a_deployment_serves(kube: Kube, wait_until: Wait) -> None:
    init = shell('echo hello > "$FILE"', name="write", **FILE)
    probe = {"httpGet": {"path": "/file", "port": "http"}, "periodSeconds": 1}
    spec = pod_spec(server(readinessProbe=probe, **MOUNT), initContainers=[init], **DATA)
    template = {"metadata": {"labels": {"app": "web"}}, "spec": spec}
    deployment = {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    kube.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": deployment})
    kube.run("rollout", "status", "deployment/web", "--timeout=240s")
    pods = kube.get("pods")["items"]
    addresses = {pod["status"]["podIP"] for pod in pods}
    assert len(addresses) == 2
    for address in addresses:
        with urllib.request.urlopen(f"http://{address.replace('10.', '127.', 1)}:8080/file", timeout=5) as answer:
            assert answer.read() == b"hello\n"
    name = pods[0]["metadata"]["name"]
    wait_until(lambda: "GET /file" in kube.run("logs", name, "--tail=1"))
    assert len(kube.run("logs", name, "--tail=1").splitlines()) == 1


def test_a_pod_that_is_not_ready_is_no_ready_endpoint(kube: Kube, wait_until: Wait) -> None:
    selector = {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]}
    kube.create({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": selector})
    probe = {"httpGet": {"path": "/file", "port": "http"}, "periodSeconds": 1, "failureThreshold": 1}
    kube.pod("web", server(readinessProbe=probe, **MOUNT), **DATA)
    kube.run("label", "pod", "web", "app=web")
    file = kube.folder("web") / "volumes/data/file"
    wait_until(lambda: endpoints(kube) == [False] and file.parent.is_dir())
    file.touch()
    wait_until(lambda: endpoints(kube) == [True])
    file.unlink()
    wait_until(lambda: endpoints(kube) == [False])
    assert kube.container("web")["restartCount"] == 0


def test_a_crash_loop(kube: Kube, wait_until: Wait) -> None:
    kube.pod("crash", shell("echo no model; exit 3", terminationMessagePolicy="FallbackToLogsOnError"))
    wait_until(lambda: kube.waits_for("crash") == "CrashLoopBackOff")
    container = kube.container("crash")
    assert container["restartCount"] >= 1
    assert container["lastState"]["terminated"]["exitCode"] == 3
    assert container["lastState"]["terminated"]["message"] == "no model\n"
    assert kube.status("crash")["phase"] == "Running"
    assert kube.run("logs", "--previous", "crash") == "no model\n"


def test_an_unknown_image(kube: Kube, wait_until: Wait) -> None:
    kube.pod("pull", {"name": "main", "image": "nowhere.example/none:1"})
    wait_until(lambda: kube.waits_for("pull") == "ErrImagePull")
    assert "nowhere.example/none:1" in kube.container("pull")["state"]["waiting"]["message"]
    wait_until(lambda: kube.waits_for("pull") == "ImagePullBackOff")
    assert kube.status("pull")["phase"] == "Pending"


def test_a_missing_secret_is_waited_for(kube: Kube, wait_until: Wait) -> None:
    variable = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "login", "key": "token"}}}
    kube.pod("secret", shell('echo "$TOKEN"; sleep 1000', env=[variable]))
    wait_until(lambda: kube.waits_for("secret") == "CreateContainerConfigError")
    assert kube.container("secret")["state"]["waiting"]["message"] == 'secret "login" not found'
    kube.run("create", "secret", "generic", "login", "--from-literal=other=x")
    message = f"couldn't find key token in Secret {kube.namespace}/login"
    wait_until(lambda: kube.container("secret")["state"].get("waiting", {}).get("message") == message)
    kube.run("patch", "secret", "login", "-p", '{"stringData": {"token": "s3cret"}}')
    wait_until(lambda: ready(kube, "secret"))
    wait_until(lambda: kube.run("logs", "secret") == "s3cret\n")


def test_init_containers_run_in_order(kube: Kube, wait_until: Wait) -> None:
    inits = [shell(f'echo {name} >> "$FILE"', name=name, **FILE) for name in ("one", "two")]
    kube.pod("order", shell('cat "$FILE"', **FILE), initContainers=inits, restartPolicy="Never", **DATA)
    wait_until(lambda: kube.status("order").get("phase") == "Succeeded")
    assert kube.run("logs", "order", "-c", "main") == "one\ntwo\n"


def test_an_init_container_that_fails_says_why(kube: Kube, wait_until: Wait) -> None:
    init = shell('echo "DigestMismatch: wanted 1, got 2" > "$ROLLMODEL_TERMINATION_LOG"; exit 1', name="fetch")
    kube.pod("fetch", shell("true"), initContainers=[init], restartPolicy="Never")
    wait_until(lambda: kube.status("fetch").get("phase") == "Failed")
    [status] = kube.status("fetch")["initContainerStatuses"]
    assert status["state"]["terminated"]["exitCode"] == 1
    assert status["state"]["terminated"]["message"] == "DigestMismatch: wanted 1, got 2\n"
    assert kube.waits_for("fetch") == "PodInitializing"


def test_a_container_that_is_not_live_is_started_again(kube: Kube, wait_until: Wait) -> None:
    probe = {"exec": {"command": ["test", "-e", "/data/file"]}, "periodSeconds": 1, "failureThreshold": 1}
    main = shell('touch "$FILE"; sleep 1000', livenessProbe={"initialDelaySeconds": 1, **probe}, **FILE)
    kube.pod("live", main, **DATA)
    file = kube.folder("live") / "volumes/data/file"
    wait_until(lambda: ready(kube, "live") and file.exists())
    file.unlink()
    wait_until(lambda: kube.container("live")["restartCount"] == 1)
    wait_until(lambda: ready(kube, "live"))
    assert "Liveness probe failed" in kube.run("get", "events")


def test_a_sidecar_ends_after_the_main_container(kube: Kube, wait_until: Wait) -> None:
    sidecar = shell('trap "exit 0" TERM; touch "$FILE"; while true; do sleep 0.1; done', name="side", **FILE)
    sidecar |= {"restartPolicy": "Always", "startupProbe": {"exec": {"command": ["test", "-e", "/data/file"]}}}
    kube.pod("side", shell('test -e "$FILE"', **FILE), initContainers=[sidecar], restartPolicy="Never", **DATA)
    wait_until(lambda: kube.status("side").get("phase") == "Succeeded")
    [status] = kube.status("side")["initContainerStatuses"]
    assert status["state"]["terminated"]["exitCode"] == 0


def test_a_job_completes(kube: Kube) -> None:
    template = {"spec": pod_spec(shell("true"), restartPolicy="Never")}
    kube.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "job"}, "spec": {"template": template}})
    kube.run("wait", "job/job", "--for=condition=Complete", "--timeout=240s")


def test_a_log_is_followed_to_its_end(kube: Kube, wait_until: Wait) -> None:
    kube.pod("talk", shell("for i in 1 2 3; do echo $i; sleep 0.3; done"), restartPolicy="Never")
    wait_until(lambda: kube.container("talk")["state"].get("running"))
    assert kube.run("logs", "--follow", "talk") == "1\n2\n3\n"


def test_what_a_container_is_told(kube: Kube, wait_until: Wait) -> None:
    address = {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    token = {"name": "TOKEN_DIR", "value": "/var/run/secrets/kubernetes.io/serviceaccount"}
    script = 'echo "$POD_IP $ROLLMODEL_LISTEN_ADDRESS"; ls "$TOKEN_DIR"; env'
    kube.pod("told", shell(script, env=[address, token]), restartPolicy="Never")
    wait_until(lambda: kube.status("told").get("phase") == "Succeeded")
    first, *rest = kube.run("logs", "told").splitlines()
    pod_ip = kube.status("told")["podIP"]
    assert first == f"{pod_ip} {pod_ip.replace('10.', '127.', 1)}"
    assert rest[:3] == ["ca.crt", "namespace", "token"]
    assert f"ROLLMODEL_LOCALCLUSTER={kube.cluster.id}" in rest
    assert not [line for line in rest if line.startswith(("USER=", "VIRTUAL_ENV=", "KUBECONFIG="))]


def test_a_pretended_process_is_ready_at_once(kube: Kube, wait_until: Wait) -> None:
    probe = {"httpGet": {"path": "/", "port": 8080}, "initialDelaySeconds": 1000}
    kube.pod("pause", {"name": "main", "image": "pause", "readinessProbe": probe})
    wait_until(lambda: ready(kube, "pause"))
    kube.run("delete", "pod", "pause", "--timeout=20s")
