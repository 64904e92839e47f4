"""What the runner is told of the settings."""

from dataclasses import replace
from pathlib import Path

from bot.clusters import open_cluster, options
from bot.runners.kubernetes.options import CHART_FACTS, Account
from bot.settings.model import Kubernetes, Registry, Secret, Server, Settings

REGISTRY = Registry(url="https://harbor.example.com", username="pusher", password=Secret("push"))


def test_the_defaults_of_both_sides_agree() -> None:
    found = options(Settings())

    assert found.account is None
    assert found.charts.facts == CHART_FACTS
    assert found.routing.namespace_labels == {"kubernetes.io/metadata.name": "ingress-nginx"}
    assert (found.level, found.bounds.memory, found.bounds.cpu) == ("restricted", 2 << 30, "1")


def test_an_account_that_only_pulls_is_preferred_to_the_one_that_pushes() -> None:
    settings = Settings(registry=REGISTRY)
    puller = Kubernetes(pull_username="puller", pull_password=Secret("pull"))

    assert options(settings).account == Account("harbor.example.com", "pusher", "push")
    assert options(replace(settings, kubernetes=puller)).account == Account(
        "harbor.example.com", "puller", "pull"
    )


def test_pairs_may_contain_the_sign_that_parts_them() -> None:
    chosen = Kubernetes(ingress_annotations=("example.com/a=b=c",), chart_facts=("web.host=host",))
    found = options(Settings(kubernetes=chosen))

    assert found.routing.annotations == {"example.com/a": "b=c"}
    assert found.charts.facts == {"web.host": "host"}


async def test_a_cluster_is_opened_without_asking_it_anything(tmp_path: Path) -> None:
    cluster, platform = open_cluster(
        Settings(server=Server(data_dir=tmp_path), kubernetes=Kubernetes(kubeconfig=tmp_path / "none"))
    )

    assert "none" in str(await platform.ping())
    await cluster.close()
