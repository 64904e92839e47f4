"""A complete bot with previews and tests on the cluster: from the pull request to its teardown."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bot.core import naming
from bot.model.environment import EnvironmentKey
from bot.model.forge import RepoPath
from bot.model.text import Language
from bot.settings.model import (
    CommentsSettings,
    DockerSettings,
    GiteeSettings,
    KubernetesSettings,
    PreviewSettings,
    RegistrySettings,
    ReposSettings,
    Secret,
    ServerSettings,
    Settings,
)
from tests.cluster.access import Access, named
from tests.cluster.visit import Visit
from tests.dialogue.tester import REPO, SECRET, BotTester
from tests.e2e.conftest import start
from tests.real.parts import RegistryProcess

__all__ = ["start"]

DOCKERFILE = """\
FROM {base} AS runtime
RUN mkdir /www && echo hello > /www/index.html
EXPOSE 8080
CMD ["httpd", "-f", "-p", "8080", "-h", "/www"]
FROM {base} AS test
RUN echo '<testsuite><testcase name="answers"/></testsuite>' > /junit.xml
CMD ["sh", "-c", "wget -qO- $SERVICE_URL && cp /junit.xml $JUNIT_PATH"]
"""
CONFIG = "version: 1\nlanguage: en\ndeploy: {runner: kubernetes}\ntest: {runner: kubernetes}\n"


@pytest.fixture
def sleep_after() -> str:
    """Return the time without visits after which a preview sleeps: never."""
    return "0"


@pytest.fixture
def settings(  # noqa: PLR0917 - fixtures
    tmp_path: Path,
    registry: RegistryProcess,
    instance: str,
    bot_kubeconfig: Path,
    ingress: str,
    preview_domain: str,
    base_image: str,
    sleep_after: str,
) -> Settings:
    return Settings(
        server=ServerSettings(port=0, data_dir=tmp_path / "bot", public_url="https://bot.example.com"),
        gitee=GiteeSettings(webhook_secret=(Secret(SECRET),)),
        repos=ReposSettings(("team/*",)),
        docker=DockerSettings(instance=instance, build_network="none"),
        kubernetes=KubernetesSettings(
            enabled=True,
            kubeconfig=bot_kubeconfig,
            instance=instance,
            ingress_address=ingress,
            run_as_user=1000,
            collector_image=base_image,
            sleep_after=sleep_after,
        ),
        registry=RegistrySettings(url=f"http://{registry.host}"),
        preview=PreviewSettings(domain=f"{instance}.{preview_domain}", port=0, public_port=80),
        comments=CommentsSettings(language=Language.EN, announce=False),
    )


async def test_a_pull_request_is_deployed_and_tested_on_the_cluster_and_leaves_nothing(
    start: Callable[[dict[str, str]], Awaitable[BotTester]],
    cluster: Access,
    instance: str,
    preview_domain: str,
    visit: Visit,
) -> None:
    tester = await start({"Dockerfile": DOCKERFILE, ".chatops.yml": CONFIG})

    said = await tester.opened()

    host = f"pr-1-shop.{instance}.{preview_domain}"
    assert f"http://{host}/" in said
    assert "1 passed" in said
    found = visit(host)
    assert (found.status_code, found.text) == (200, "hello\n")
    namespace = naming.namespace(EnvironmentKey(RepoPath(*REPO.split("/")), 1, "preview"), "pr", instance)
    assert cluster.exists(named("v1", "Namespace", namespace))

    await tester.merge()
    await tester.read_all()

    assert not cluster.exists(named("v1", "Namespace", namespace))
    visit.until_gone(host)


CHART = {
    "deploy/chart/Chart.yaml": "{apiVersion: v2, name: shop, version: 0.1.0}",
    "deploy/chart/values.yaml": "words: none\n",
    "deploy/chart/templates/web.yaml": """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      securityContext: {runAsUser: 1000, runAsNonRoot: true}
      containers:
      - name: web
        image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
        args: [sh, -c, 'echo "$WORDS" > /dev/shm/index.html; exec httpd -f -p 8080 -h /dev/shm']
        env: [{name: WORDS, value: {{ .Values.words | quote }}}]
        readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: 8080, protocol: TCP}]
""",
}
WITH_CHART = """\
version: 1
language: en
deploy: {runner: kubernetes, chart: deploy/chart, values: {words: "{host}"}}
test: {runner: kubernetes}
"""


async def test_a_chart_comes_from_the_base_branch_if_the_author_may_not_push(
    start: Callable[[dict[str, str]], Awaitable[BotTester]],
    instance: str,
    preview_domain: str,
    visit: Visit,
) -> None:
    tester = await start({"Dockerfile": DOCKERFILE, ".chatops.yml": WITH_CHART, **CHART})
    web = CHART["deploy/chart/templates/web.yaml"].replace("{{ .Values.words | quote }}", "theirs")
    await tester.opened("stranger", from_fork=True, files={"deploy/chart/templates/web.yaml": web})
    host = f"pr-1-shop.{instance}.{preview_domain}"

    said = await tester.says("/ok-to-test", by="lin")
    await tester.idle()
    said += "".join(await tester.read_all())

    assert visit(host).text == f"{host}\n"
    assert "1 passed" in said

    await tester.merge()
    await tester.idle()
    await tester.read_all()

    visit.until_gone(host)
