"""Plans from a repository's own objects: reviewed, completed, and refused before anything is applied."""

import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest

from bot.model.environment import PublicService
from bot.model.errors import TellUser
from bot.model.reason import Reason
from bot.model.run import Image
from bot.model.secrets import SecretValue
from bot.ports import CopiedFile, Definition, ServiceSpec
from bot.runners.kubernetes.charts import Charts
from bot.runners.kubernetes.cluster import Cluster, ClusterAccess
from bot.runners.kubernetes.helm import Helm
from bot.runners.kubernetes.options import ChartPolicy, KubernetesOptions, Routing
from bot.runners.kubernetes.plans import DeploymentPlan, DeploymentPlanner
from bot.sandbox.process import ProcessSandbox
from tests.real.helm import both_helms
from tests.real.parts import tar
from tests.runners.kubernetes_samples import IMAGE, environment_of

HOST = "pr-12-shop.example.com"
VALUES = {
    "autoscaling.enabled": "true",
    "ingress.enabled": "true",
    "ingress.className": "nginx",
    "ingress.hosts[0].host": HOST,
    "ingress.hosts[0].paths[0].path": "/",
    "ingress.hosts[0].paths[0].pathType": "ImplementationSpecific",
}


class KnownCluster(Cluster):
    """A cluster that only knows its version."""

    async def version(self) -> str:
        return "v1.30.0"


@pytest.fixture(params=["helm", "helm4"])
def helm(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put one Helm on the bot's PATH."""
    program = tmp_path / "bin/helm"
    program.parent.mkdir()
    program.symlink_to(both_helms() / request.param)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return program


async def planned(
    folder: Path,
    files: dict[str, str],
    secrets: Sequence[SecretValue] = (),
    image: Image = IMAGE,
    /,
    *,
    chart: bool,
    **values: str,
) -> DeploymentPlan:
    archive = folder / "definition.tar"
    archive.write_bytes(tar(files))
    definition = Definition("deploy", archive, chart=chart, values=values)
    charts = Charts(KnownCluster(ClusterAccess()), Helm(ClusterAccess(), folder / "home"), ChartPolicy())
    options = KubernetesOptions("bot", routing=Routing(ingress_class="traefik"))
    spec = environment_of(definition=definition, port=None, secrets=secrets, image=image)
    return await DeploymentPlanner(spec, "pr-12-shop", options, charts, ProcessSandbox()).plan()


def created(helm: Path, folder: Path) -> dict[str, str]:
    subprocess.run([helm, "create", "shop"], check=True, capture_output=True, cwd=folder)  # noqa: S603
    chart = folder / "shop"
    return {str(file.relative_to(chart)): file.read_text() for file in chart.rglob("*") if file.is_file()}


def body(plan: DeploymentPlan, kind: str) -> Any:
    return next(each.body for each in plan.manifests if each.kind == kind)


async def test_a_chart_as_helm_creates_it_is_completed(helm: Path, tmp_path: Path) -> None:
    plan = await planned(tmp_path, created(helm, tmp_path), chart=True, **VALUES)

    assert plan.entry.routed
    assert body(plan, "Ingress")["spec"]["ingressClassName"] == "traefik"
    assert body(plan, "ServiceAccount")["automountServiceAccountToken"] is False
    pod = body(plan, "Deployment")["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["containers"][0]["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert "HorizontalPodAutoscaler" not in {each.kind for each in plan.manifests}
    assert any(line.startswith("skipped HorizontalPodAutoscaler/") for line in plan.changes)


async def test_services_come_up_before_those_that_depend_on_them() -> None:
    services = [
        ServiceSpec("api", "api", port=80, depends_on=("db", "cache")),
        ServiceSpec("db", "db", port=1, files=[CopiedFile("/init/1.sql", b"1")]),
        ServiceSpec("cache", "cache", port=1),
    ]
    access = ClusterAccess()
    charts = Charts(KnownCluster(access), Helm(access, Path("/unused")), ChartPolicy())
    spec = environment_of(services=services)

    plan = await DeploymentPlanner(
        spec, "pr-12-shop", KubernetesOptions("bot"), charts, ProcessSandbox()
    ).plan()

    deployed = [[each.name for each in stage if each.kind == "Deployment"] for stage in plan.stages]
    assert deployed == [["cache", "db"], ["api"], ["app"]]
    assert [str(each) for each in plan.stages[0] if each.kind == "ConfigMap"] == ["ConfigMap/db-files"]


async def test_public_services_are_routed_by_one_ingress() -> None:
    services = [ServiceSpec(name, name, port=80) for name in ("api", "db", "docs")]
    public = (PublicService("api", 80), PublicService("docs", 80, "/docs"))
    access, routing = ClusterAccess(), Routing(tls=True, tls_secret="wildcard")
    charts = Charts(KnownCluster(access), Helm(access, Path("/unused")), ChartPolicy())
    spec = environment_of(services=services, public=public)

    async def plan(**changes: Any) -> DeploymentPlan:
        options = KubernetesOptions("bot", routing=replace(routing, **changes))
        return await DeploymentPlanner(spec, "pr-12-shop", options, charts, ProcessSandbox()).plan()

    found = body(await plan(), "Ingress")["spec"]
    assert found["tls"] == [{"hosts": [HOST, f"api--{HOST}"], "secretName": "wildcard"}]
    routes = {
        (rule["host"], path["path"]): (path["backend"]["service"]["name"], path["backend"]["service"]["port"])
        for rule in found["rules"]
        for path in rule["http"]["paths"]
    }
    assert routes == {
        (HOST, "/"): ("app", {"number": 8080}),
        (HOST, "/docs"): ("docs", {"number": 80}),
        (f"api--{HOST}", "/"): ("api", {"number": 80}),
    }
    assert "Ingress" not in {each.kind for each in (await plan(proxied=True)).manifests}


@pytest.mark.attack
async def test_a_chart_that_asks_for_the_node_is_refused(helm: Path, tmp_path: Path) -> None:
    hostile = {**VALUES, "podSecurityContext.runAsUser": "0", "securityContext.privileged": "true"}

    with pytest.raises(TellUser) as caught:
        await planned(tmp_path, created(helm, tmp_path), chart=True, **hostile)

    assert caught.value.reason in {Reason.MANIFEST_VALUE_REFUSED, Reason.MANIFEST_UNLISTED}
    assert "containers[shop].securityContext.privileged: true (allowed: false)" in caught.value.log
    assert (
        'securityContext.runAsUser: 0 (setting: [kubernetes] pod_security = "baseline")' in caught.value.log
    )


@pytest.mark.attack
async def test_templates_that_ask_for_the_node_are_refused(tmp_path: Path) -> None:
    hostile = """
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec: {template: {spec: {hostNetwork: {{ true | json }}, containers: []}}}
    """

    with pytest.raises(TellUser) as caught:
        await planned(tmp_path, {"web.yaml": hostile}, chart=False)

    assert caught.value.facts == {
        "object": "Deployment/web",
        "what": "spec.template.spec.hostNetwork: true",
        "allowed": "false",
    }


GUIDES = Path(__file__).parents[2] / "docs"
PASSWORD = b"correct-horse-9f86d081"
SECRETS = (SecretValue("db-password", PASSWORD), SecretValue("db-password", PASSWORD, "DATABASE_PASSWORD"))
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n"
DEPLOYMENT = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n"


@pytest.mark.parametrize("page", ["kubernetes.md", "kubernetes.zh.md"])
async def test_the_chart_of_the_guide_names_its_secret_and_contains_no_value(
    helm: Path, tmp_path: Path, page: str
) -> None:
    [pod] = re.findall(r"```yaml\n(spec:.*?)```", (GUIDES / page).read_text("utf-8"), re.DOTALL)
    chart = {
        "Chart.yaml": "{apiVersion: v2, name: shop, version: 0.1.0}",
        "templates/all.yaml": f"{DEPLOYMENT}{indent(pod, '    ')}---\n{SERVICE}",
    }

    plan = await planned(tmp_path, chart, SECRETS, chart=True)

    found = body(plan, "Deployment")["spec"]["template"]["spec"]
    name = "chatops-secrets.deploy.7-0"
    assert found["volumes"] == [{"name": "secrets", "secret": {"secretName": name}}]
    [variable] = found["containers"][0]["env"]
    assert variable["valueFrom"]["secretKeyRef"] == {"name": name, "key": "DATABASE_PASSWORD"}
    assert PASSWORD.decode() not in repr(plan)


async def test_a_chart_gets_all_images_by_their_names(helm: Path, tmp_path: Path) -> None:
    by_name = '{{ (index .Values.images "my-api").repository | quote }}'
    data = f"data: {{a: {by_name}, b: {{{{ .Values.images | toJson | quote }}}}}}"
    seen = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\n{data}"
    chart = {
        "Chart.yaml": "{apiVersion: v2, name: shop, version: 0.1.0}",
        "templates/all.yaml": f"{seen}\n---\n{SERVICE}",
    }
    api = replace(IMAGE, reference="r.example.com/shop/my-api:pr-12-1a", name="my-api")

    plan = await planned(tmp_path, chart, (), replace(IMAGE, name="web", beside=(api,)), chart=True)

    found = body(plan, "ConfigMap")["data"]
    assert found["a"] == "r.example.com/shop/my-api"
    assert json.loads(found["b"])["web"]["tag"] == f"{IMAGE.tag}@{IMAGE.digest}"


async def test_a_chart_without_secrets_gets_no_value_that_its_schema_need_not_know(
    helm: Path, tmp_path: Path
) -> None:
    data = "data: {a: {{ .Values.preview | toJson | quote }}}"
    seen = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\n{data}"
    chart = {
        "Chart.yaml": "{apiVersion: v2, name: shop, version: 0.1.0}",
        "templates/all.yaml": f"{seen}\n---\n{SERVICE}",
    }

    plan = await planned(tmp_path, chart, chart=True)

    assert "secret" not in body(plan, "ConfigMap")["data"]["a"]
