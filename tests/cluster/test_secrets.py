"""The operator's secrets on a real cluster: where they arrive, and everything that they are not in."""

import base64
import gzip
import hashlib
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from kubernetes.dynamic.exceptions import ForbiddenError

from bot.core import naming
from bot.model.environment import EnvironmentKey
from bot.model.errors import TellUser
from bot.model.forge import RepoPath
from bot.model.holder import ANYONE
from bot.model.reason import Reason
from bot.model.secrets import ClusterKey, SecretProblem, SecretStep, SecretValue
from bot.runners.kubernetes.charts import release
from bot.runners.kubernetes.cluster import Cluster, ClusterAccess
from bot.runners.kubernetes.polling import until
from bot.runners.kubernetes.pure.manifests import POD
from bot.runners.kubernetes.secret_source import reader
from bot.settings.model import SecretSettings, Settings
from tests.cluster.access import PATIENCE, Access, access, named, wait_until
from tests.cluster.chart import SECRET, Chart, one
from tests.cluster.previews import Previews, definition_of
from tests.cluster.test_story import settings as story
from tests.cluster.test_story import sleep_after
from tests.cluster.visit import Visit
from tests.dialogue.tester import REPO, BotTester
from tests.e2e.conftest import start
from tests.fakes.log import FakeLog

__all__ = ["sleep_after", "start", "story"]

PASSWORD = "correct-horse-9f86d081"
ROTATED = "battery-staple-9f86d081"
SHOW = "sha256sum < /run/secrets/db-password > /dev/shm/index.html; exec httpd -f -p 8080 -h /dev/shm"
SERVE = "echo the password is $(cat /run/secrets/db-password); " + SHOW
CHECK = """\
echo "the password is $DATABASE_PASSWORD"
failure='<failure/>'
wanted=$(echo "$DATABASE_PASSWORD" | sha256sum)
[ "$(wget -qO- http://app:8080/)" = "$wanted" ] && [ "$(wget -qO- http://db:8080/)" = "$wanted" ] && failure=
said="<system-out>$DATABASE_PASSWORD</system-out>"
case="<testcase name='login with $DATABASE_PASSWORD'>$failure$said</testcase>"
echo "<testsuite>$case</testsuite>" > "$JUNIT_PATH"
"""
DOCKERFILE = """\
FROM {base} AS runtime
EXPOSE 8080
COPY serve.sh /serve.sh
CMD ["sh", "/serve.sh"]
FROM {base} AS test
COPY check.sh /check.sh
CMD ["sh", "/check.sh"]
"""
CONFIG = f"""\
version: 1
language: en
deploy: {{runner: kubernetes, secrets: [db-password]}}
services:
  db:
    image: {{base}}
    port: 8080
    secrets: [db-password]
    command: [sh, -c, "{SHOW}"]
test: {{runner: kubernetes, secret_env: {{DATABASE_PASSWORD: db-password}}}}
"""


@pytest.fixture
def settings(story: Settings, tmp_path: Path) -> Settings:
    """Grant a database password to services and tests."""
    file = tmp_path / "db-password"
    file.touch(0o600)
    file.write_text(f"{PASSWORD}\n")
    steps = (SecretStep.DEPLOY, SecretStep.SERVICES, SecretStep.TEST)
    return replace(story, secrets={"db-password": SecretSettings(("team/*",), steps, file)})


def shown(password: str) -> str:
    """Return what a service answers that reads this password from its file."""
    content = f"{password}\n".encode()
    return f"{hashlib.sha256(content).hexdigest()}  -\n"


def contains(text: str, password: str = PASSWORD) -> bool:
    """Return whether a text has a password, as it is or in base64."""
    return password in text or base64.b64encode(password.encode()).decode()[:-4] in text


def objects_in(cluster: Access, namespace: str) -> dict[str, Any]:
    """Return all objects of a namespace that may show a secret, by kind."""
    kinds = [("v1", kind) for kind in ("Pod", "Event", "ConfigMap", "Service", "ServiceAccount")]
    kinds += [("apps/v1", kind) for kind in ("Deployment", "StatefulSet", "ReplicaSet")]
    kinds += [("batch/v1", "Job"), ("networking.k8s.io/v1", "Ingress")]
    return {kind: cluster.kind(api, kind).get(namespace=namespace).to_dict() for api, kind in kinds}


def secrets_in(cluster: Access, namespace: str) -> list[str]:
    """Return the names of the Secrets of parts."""
    found = cluster.kind("v1", "Secret").get(namespace=namespace, label_selector="chatops.role=secrets")
    return [item.metadata.name for item in found.items]


@pytest.mark.attack
async def test_the_database_and_the_tests_have_the_password_and_nobody_reads_it(  # noqa: PLR0917 - fixtures
    start: Callable[[dict[str, str]], Awaitable[BotTester]],
    cluster: Access,
    instance: str,
    preview_domain: str,
    visit: Visit,
    tmp_path: Path,
) -> None:
    files = {"Dockerfile": DOCKERFILE, "serve.sh": SERVE, "check.sh": CHECK, ".chatops.yml": CONFIG}
    bot = await start(files)
    said = await bot.opened()

    assert "1 passed" in said, said
    assert visit(f"pr-1-shop.{instance}.{preview_domain}").text == shown(PASSWORD)
    namespace = naming.namespace(EnvironmentKey(RepoPath(*REPO.split("/")), 1, "preview"), "pr", instance)
    parts = secrets_in(cluster, namespace)
    assert sorted(name.rpartition(".")[0] for name in parts) == [
        "chatops-secrets.deploy",
        "chatops-secrets.services.db",
    ]
    assert not contains(json.dumps(objects_in(cluster, namespace), default=str))
    async with httpx.AsyncClient(base_url=bot.bot.listeners.web.url, timeout=PATIENCE) as visitor:
        log = (await visitor.get("/api/v1/runs/1/logs/test")).text
        assert "the password is ***" in log
        pages = ("/runs/1", "/reports/1/", "/api/v1/runs/1", "/api/v1/runs/1/logs/deploy")
        texts = [(await visitor.get(page)).text for page in pages]
    assert "login with ***" in texts[1]
    assert [text for text in (said, log, *texts) if contains(text)] == []
    kept = [file for file in (tmp_path / "bot").rglob("*") if file.is_file()]
    assert [file for file in kept if PASSWORD.encode() in file.read_bytes()] == []


def password(text: str = PASSWORD) -> tuple[SecretValue, ...]:
    """Return a password as the bot gives it to a step, as a file."""
    return (SecretValue("db-password", f"{text}\n".encode()),)


READS = ("sh", "-c", SERVE)
FINDS_NOTHING = "ls /run/secrets/db-password 2>/dev/null || echo none > /dev/shm/index.html"
LATER = ("sh", "-c", f"{FINDS_NOTHING}; exec httpd -f -p 8080 -h /dev/shm")


def of_run(previews: Previews, run: int) -> dict[str, str]:
    """Return the labels of another run in the same environment."""
    return naming.labels(previews.key, sha="a" * 40, run=run)


@pytest.mark.attack
async def test_a_commit_without_secrets_finds_none_of_the_commit_before(
    previews: Previews, cluster: Access, visit: Visit, log: FakeLog
) -> None:
    await previews.platform.deploy(previews.environment(command=READS, secrets=password()), log)
    assert visit(previews.host).text == shown(PASSWORD)
    assert secrets_in(cluster, previews.namespace) == ["chatops-secrets.deploy.7-0"]

    later = previews.environment(command=LATER, labels=of_run(previews, 8))
    await previews.platform.deploy(later, log)

    visit.until_says(previews.host, "none\n")
    assert secrets_in(cluster, previews.namespace) == []


async def test_a_new_value_reaches_the_next_deployment_and_suite(
    previews: Previews, cluster: Access, visit: Visit, log: FakeLog
) -> None:
    await previews.platform.deploy(previews.environment(command=READS, secrets=password()), log)
    labels = of_run(previews, 8)
    again = previews.environment(command=READS, secrets=password(ROTATED), labels=labels)
    await previews.platform.deploy(again, log)
    visit.until_says(previews.host, shown(ROTATED))

    suite = previews.suite(
        '[ "$(wget -qO- http://app:8080/)" = "$(sha256sum < /run/secrets/db-password)" ]',
        secrets=password(ROTATED),
        labels=labels,
    )
    assert (await previews.platform.run_tests(suite, log)).exit_code == 0, log.text
    assert secrets_in(cluster, previews.namespace) == ["chatops-secrets.deploy.8-0"]


async def test_a_preview_that_wakes_has_its_secrets(previews: Previews, visit: Visit, log: FakeLog) -> None:
    endpoint = await previews.platform.deploy(previews.environment(command=READS, secrets=password()), log)
    await previews.platform.scale_down(previews.key, ANYONE)

    async def empty() -> bool:
        return not await previews.cluster.list(POD.path(previews.namespace))

    await until(PATIENCE, empty)
    await previews.platform.scale_up(previews.key, endpoint)

    visit.until_says(previews.host, shown(PASSWORD))


CHART = {
    "Chart.yaml": "{apiVersion: v2, name: shop, version: 0.1.0}",
    "templates/web.yaml": """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  serviceName: web
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      securityContext: {runAsUser: 1000, runAsNonRoot: true}
      containers:
      - name: web
        image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
        args: [sh, -c, {{ .Values.serve | quote }}]
        readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
        {{- with .Values.preview.secret }}
        volumeMounts: [{name: secrets, mountPath: /run/secrets, readOnly: true}]
      volumes: [{name: secrets, secret: {secretName: {{ . }}}}]
      {{- end }}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: 8080, protocol: TCP}]
""",
}


def held_by_helm(cluster: Access, namespace: str) -> str:
    """Return everything that Helm keeps in a namespace: the values, the manifest and the notes."""
    found = cluster.kind("v1", "Secret").get(namespace=namespace, label_selector="owner=helm")
    packed = [base64.b64decode(base64.b64decode(item.data.release)) for item in found.items]
    return "".join(gzip.decompress(each).decode() for each in packed)


@pytest.mark.attack
async def test_a_chart_names_its_secret_and_helm_keeps_no_value(
    previews: Previews, cluster: Access, visit: Visit, log: FakeLog, tmp_path: Path
) -> None:
    theirs = definition_of(tmp_path, "chart", CHART, chart=True, values={"serve": SERVE})
    spec = previews.environment(definition=theirs, secrets=password())
    await previews.platform.deploy(spec, log)

    assert visit(previews.host).text == shown(PASSWORD)
    kept = held_by_helm(cluster, previews.namespace)
    assert "chatops-secrets.deploy.7-0" in kept
    assert not contains(kept)
    assert not contains(json.dumps(objects_in(cluster, previews.namespace), default=str))
    assert not contains(log.text)
    assert await previews.helm.status(release(previews.namespace), previews.namespace) == "deployed"

    await previews.platform.scale_down(previews.key, ANYONE)
    theirs = definition_of(tmp_path, "chart", CHART, chart=True, values={"serve": LATER[2]})
    later = previews.environment(definition=theirs, labels=of_run(previews, 8))
    await previews.platform.deploy(later, log)

    visit.until_says(previews.host, "none\n")
    assert secrets_in(cluster, previews.namespace) == []


@pytest.mark.attack
async def test_a_manifest_that_names_the_secret_of_the_tests_is_refused(
    previews: Previews, cluster: Access, log: FakeLog, tmp_path: Path
) -> None:
    await previews.platform.deploy(previews.environment(secrets=password()), log)
    volume = {"name": "v", "secret": {"secretName": "chatops-secrets.test.7-0", "optional": True}}
    web = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"template": {"spec": {"containers": [], "volumes": [volume]}}},
    }
    theirs = definition_of(tmp_path, "k8s", {"web.yaml": json.dumps(web)})

    with pytest.raises(TellUser) as caught:
        await previews.platform.deploy(previews.environment(definition=theirs, secrets=password()), log)

    assert caught.value.reason is Reason.MANIFEST_REFUSED
    assert "chatops-secrets.test.7-0" in caught.value.facts["what"]
    assert not cluster.exists(named("apps/v1", "Deployment", "web", previews.namespace))


@pytest.fixture
def limited(cluster: Access, chart: Chart, namespace: str, tmp_path: Path) -> Path:
    """Write the kubeconfig of an account that may only read the Secrets `database` and `empty`."""
    for name in ("database", "mail"):
        data = {"password": base64.b64encode(f"{PASSWORD}\n".encode()).decode()}
        cluster.create({**named("v1", "Secret", name, namespace), "data": data})
    secrets = {"existingSecret": SECRET, "read": {namespace: ["database", "empty"]}}
    items = chart.render({"secrets": secrets, "rbac": {"create": False}}, "bot", namespace)
    account = one(items, "ServiceAccount")
    account["metadata"]["namespace"] = namespace
    for item in (account, one(items, "Role"), one(items, "RoleBinding")):
        cluster.create(item)
    file = tmp_path / "limited.kubeconfig"
    file.write_text(cluster.as_bearer(cluster.token(account["metadata"]["name"], namespace)))
    with access(file, tmp_path) as found:

        def may() -> bool:
            with suppress(ForbiddenError):  # the server reads the new Role a moment later
                return found.exists(named("v1", "Secret", "database", namespace))
            return False

        wait_until(may, "the Role of the bot")
    return file


async def test_the_charts_role_reads_the_named_secrets_and_says_which_right_is_missing(
    limited: Path, namespace: str
) -> None:
    async with Cluster(ClusterAccess(limited)) as cluster:
        read = reader(cluster)
        assert await read(ClusterKey(namespace, "database", "password")) == f"{PASSWORD}\n".encode()
        for name, key, why in (
            ("database", "user", "has no key user"),
            ("empty", "user", "does not exist"),
            (
                "mail",
                "password",
                f"grant the verb get on secrets, resourceNames [mail], in the namespace {namespace}",
            ),
        ):
            with pytest.raises(SecretProblem) as problem:
                await read(ClusterKey(namespace, name, key))
            assert f"{namespace}/{name}" in str(problem.value)
            assert why in str(problem.value)
