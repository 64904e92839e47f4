"""Charts on a real cluster, by a real Helm."""

import asyncio
from pathlib import Path

import pytest

from bot.model.errors import TellUser
from bot.model.holder import ANYONE
from bot.model.reason import Reason
from bot.ports import Definition
from bot.runners.kubernetes.charts import release, sealed
from bot.runners.kubernetes.pure.manifests import read
from tests.cluster.access import PATIENCE, Access, named
from tests.cluster.previews import Previews, definition_of
from tests.cluster.rollout_clock import TimeOutAfter
from tests.cluster.visit import Visit
from tests.fakes.log import FakeLog

CHART = {
    "Chart.yaml": "{apiVersion: v2, name: shop, version: 0.1.0}",
    "values.yaml": "image: {repository: none, tag: none}\nwords: none\nreplicas: 1\nhook: 'true'",
    "templates/web.yaml": """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-web
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      securityContext: {runAsUser: 1000, runAsNonRoot: true}
      {{- with .Values.pod }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
      containers:
      - name: web
        image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
        args: [sh, -c, 'echo "$WORDS" > /dev/shm/index.html; exec httpd -f -p 8080 -h /dev/shm']
        env: [{name: WORDS, value: {{ .Values.words | quote }}}]
        readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: 8080, protocol: TCP}]
""",
    "templates/seen.yaml": """
apiVersion: v1
kind: ConfigMap
metadata: {name: seen}
data:
  secrets: {{ lookup "v1" "Secret" .Release.Namespace "" | toJson | quote }}
  braces: {{ "{{ .Values.words }}" | quote }}
  number: {{ .Values.preview.number | quote }}
""",
    "templates/migrate.yaml": """
apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
  annotations: {helm.sh/hook: "pre-install,pre-upgrade", helm.sh/hook-delete-policy: before-hook-creation}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers:
      - name: migrate
        image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
        args: [sh, -c, 'echo migrating; {{ .Values.hook }}']
        securityContext: {runAsUser: 1000, runAsNonRoot: true}
""",
    "templates/tests/test.yaml": """
apiVersion: v1
kind: Pod
metadata: {name: probe, annotations: {helm.sh/hook: test}}
spec: {containers: [{name: c, image: x}]}
""",
}


def shop(folder: Path, **values: str) -> Definition:
    return definition_of(folder, "deploy/shop", CHART, chart=True, values={"words": "hello", **values})


async def test_a_chart_is_installed_upgraded_and_uninstalled(
    previews: Previews, cluster: Access, visit: Visit, log: FakeLog, tmp_path: Path
) -> None:
    endpoint = await previews.platform.deploy(previews.environment(definition=shop(tmp_path)), log)

    assert visit(previews.host).text == "hello\n"
    assert endpoint.port == 80
    assert await previews.helm.status(release(previews.namespace), previews.namespace) == "deployed"
    seen = cluster.get(named("v1", "ConfigMap", "seen", previews.namespace)).data
    assert (seen.secrets, seen.braces, seen.number) == ("{}", "{{ .Values.words }}", "12")

    later = previews.environment(definition=shop(tmp_path, words="later"))
    await previews.platform.deploy(later, log)
    visit.until_says(previews.host, "later\n")
    output = await previews.platform.run_tests(previews.suite("wget -qO- http://app"), log)
    assert output.exit_code == 0

    await previews.platform.remove(previews.key, ANYONE)
    assert not cluster.exists(named("v1", "Namespace", previews.namespace))


async def test_a_chart_that_violates_the_policy_is_refused_before_anything_is_applied(
    previews: Previews, cluster: Access, log: FakeLog, tmp_path: Path
) -> None:
    theirs = shop(tmp_path, **{"pod.hostPID": "true"})

    with pytest.raises(TellUser) as caught:
        await previews.platform.deploy(previews.environment(definition=theirs), log)

    assert caught.value.reason is Reason.MANIFEST_VALUE_REFUSED
    assert caught.value.facts["what"] == "spec.template.spec.hostPID: true"
    assert not cluster.exists(named("v1", "Namespace", previews.namespace))


async def test_a_failed_hook_is_reported_with_its_output(
    previews: Previews, log: FakeLog, tmp_path: Path
) -> None:
    theirs = shop(tmp_path, hook="echo no such table; exit 3")

    with pytest.raises(TellUser) as caught:
        await previews.platform.deploy(previews.environment(definition=theirs), log)

    assert (caught.value.reason, caught.value.facts) == (Reason.HOOK_FAILED, {"name": "migrate"})
    assert caught.value.log == "migrating\nno such table"


async def test_the_reason_why_a_release_does_not_come_up_is_reported(
    previews: Previews, log: FakeLog, tmp_path: Path, time_out_after: TimeOutAfter
) -> None:
    rules = "pod.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]"
    rule = f"{rules}.matchExpressions[0]"
    elsewhere = {f"{rule}.key": "kubernetes.io/arch", f"{rule}.operator": "In", f"{rule}.values[0]": "s390x"}
    theirs = shop(tmp_path, **elsewhere)
    time_out_after(log, "nodes are available")

    with pytest.raises(TellUser) as caught:
        await previews.platform.deploy(previews.environment(definition=theirs, health_timeout=1), log)

    assert caught.value.reason is Reason.UNSCHEDULABLE


async def test_the_previous_release_is_uninstalled_first_on_request(
    previews: Previews, visit: Visit, log: FakeLog, tmp_path: Path
) -> None:
    await previews.platform.deploy(previews.environment(definition=shop(tmp_path)), log)

    await previews.platform.deploy(
        previews.environment(definition=shop(tmp_path, words="again"), replace=True), log
    )

    assert visit(previews.host).text == "again\n"
    assert "the previous release is uninstalled" in log.text


async def test_a_release_that_a_killed_helm_left_pending_is_replaced(
    previews: Previews, visit: Visit, log: FakeLog, tmp_path: Path
) -> None:
    await previews.platform.deploy(previews.environment(), log)
    name = release(previews.namespace)
    stuck = sealed(name, "0.1.0", [each.body for each in read(_never_up())])
    for file, text in stuck.items():
        (tmp_path / "stuck" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "stuck" / file).write_text(text)
    killed = asyncio.create_task(
        previews.helm.upgrade(name, tmp_path / "stuck", namespace=previews.namespace, seconds=300)
    )
    async with asyncio.timeout(PATIENCE):
        while await previews.helm.status(name, previews.namespace) != "pending-install":  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    killed.cancel()
    await asyncio.gather(killed, return_exceptions=True)
    assert await previews.helm.status(name, previews.namespace) == "pending-install"

    await previews.platform.deploy(previews.environment(definition=shop(tmp_path)), log)

    visit.until_says(previews.host, "hello\n")


def _never_up() -> str:
    claim = "resources: {requests: {storage: 1Mi}}, accessModes: [ReadWriteOnce], storageClassName: none"
    return f"{{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {{name: stuck}}, spec: {{{claim}}}}}"


@pytest.mark.parametrize(
    ("definition", "reason", "fact"),
    [
        (Definition("oci://elsewhere.example.com/x:1", chart=True), Reason.CHART_REFUSED, "chart"),
        (Definition("https://elsewhere.example.com/x.tgz", chart=True), Reason.CHART_REFUSED, "chart"),
    ],
)
async def test_a_chart_address_requires_the_operators_permission(
    previews: Previews, definition: Definition, reason: Reason, fact: str, log: FakeLog
) -> None:
    with pytest.raises(TellUser) as caught:
        await previews.platform.deploy(previews.environment(definition=definition), log)

    assert caught.value.reason is reason
    assert caught.value.facts == {fact: definition.path}


async def test_a_chart_that_cannot_be_rendered_is_reported_with_helms_message(
    previews: Previews, log: FakeLog, tmp_path: Path
) -> None:
    broken = definition_of(
        tmp_path, "chart", {**CHART, "templates/x.yaml": "{{ .Values.a.b.c }}"}, chart=True
    )

    with pytest.raises(TellUser) as caught:
        await previews.platform.deploy(previews.environment(definition=broken), log)

    assert caught.value.reason is Reason.CHART_FAILED
    assert "nil pointer evaluating interface {}.b" in caught.value.facts["message"]
