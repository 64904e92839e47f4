"""The runner's options from the settings."""

from dataclasses import replace
from pathlib import Path

from bot.app.kubernetes import charts_from, open_cluster, options
from bot.model.account import RegistryAccount
from bot.runners.kubernetes.chart_pull import ChartRegistry
from bot.runners.kubernetes.options import CHART_FACTS
from bot.sandbox.process import ProcessSandbox
from bot.settings.model import KubernetesSettings, RegistrySettings, Secret, ServerSettings, Settings

REGISTRY = RegistrySettings(url="https://harbor.example.com", username="pusher", password=Secret("push"))


def test_the_defaults_of_both_sides_agree() -> None:
    found = options(Settings())

    assert found.account is None
    assert found.charts.facts == CHART_FACTS
    assert found.routing.namespace_labels == {"kubernetes.io/metadata.name": "ingress-nginx"}
    assert (found.level, found.limits.memory, found.limits.cpu) == ("restricted", 2 << 30, "1")


def test_an_account_that_only_pulls_is_preferred_to_the_one_that_pushes() -> None:
    settings = Settings(registry=REGISTRY)
    puller = KubernetesSettings(pull_username="puller", pull_password=Secret("pull"))

    assert options(settings).account == RegistryAccount("harbor.example.com", "pusher", "push")
    assert options(replace(settings, kubernetes=puller)).account == RegistryAccount(
        "harbor.example.com", "puller", "pull"
    )


def test_pairs_may_contain_the_separator_in_the_value() -> None:
    chosen = KubernetesSettings(ingress_annotations=("example.com/a=b=c",), chart_facts=("web.host=host",))
    found = options(Settings(kubernetes=chosen))

    assert found.routing.annotations == {"example.com/a": "b=c"}
    assert found.charts.facts == {"web.host": "host"}


async def test_opening_a_cluster_sends_no_request(tmp_path: Path) -> None:
    cluster, platform = open_cluster(
        Settings(
            server=ServerSettings(data_dir=tmp_path),
            kubernetes=KubernetesSettings(kubeconfig=tmp_path / "none"),
        ),
        ProcessSandbox(),
    )

    assert "none" in str(await platform.ping())
    await cluster.close()


def test_charts_from_the_bots_registry_use_its_account_and_scheme() -> None:
    puller = KubernetesSettings(pull_username="puller", pull_password=Secret("pull"))

    assert charts_from(Settings(registry=REGISTRY, kubernetes=puller)) == ChartRegistry(
        "harbor.example.com", username="pusher", password="push"
    )
    assert charts_from(Settings(registry=RegistrySettings(url="http://registry.test:5000"))).plain
    assert not charts_from(
        Settings(registry=RegistrySettings(url="https://registry.test", insecure=True))
    ).verify
