"""A whole bot whose previews and tests are on the cluster: from the pull request to its teardown."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bot.core import naming
from bot.model.environment import EnvironmentKey
from bot.model.forge import RepoPath
from bot.model.text import Language
from bot.settings.model import (
    Comments,
    Docker,
    Gitee,
    Kubernetes,
    Preview,
    Registry,
    Repos,
    Secret,
    Server,
    Settings,
)
from tests.cluster.access import Access, named
from tests.cluster.conftest import Visit
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
def settings(  # noqa: PLR0917 - fixtures
    tmp_path: Path,
    registry: RegistryProcess,
    instance: str,
    bot_kubeconfig: Path,
    ingress: str,
    preview_domain: str,
    base_image: str,
) -> Settings:
    return Settings(
        server=Server(port=0, data_dir=tmp_path / "bot", public_url="https://bot.example.com"),
        gitee=Gitee(webhook_secret=(Secret(SECRET),)),
        repos=Repos(("team/*",)),
        docker=Docker(instance=instance),
        kubernetes=Kubernetes(
            enabled=True,
            kubeconfig=bot_kubeconfig,
            instance=instance,
            ingress_address=ingress,
            run_as_user=1000,
            collector_image=base_image,
        ),
        registry=Registry(url=f"http://{registry.host}"),
        preview=Preview(domain=f"{instance}.{preview_domain}", port=0, public_port=80),
        comments=Comments(language=Language.EN, announce=False),
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
    assert visit(host).status_code == 404
