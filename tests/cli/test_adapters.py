"""Exactly the adapters that the settings select are opened."""

import asyncio
from pathlib import Path

import pytest

from bot.app import adapters as adapters_module
from bot.app.adapters import in_time, open_adapters, own_secrets
from bot.dns.etcd import EtcdRecords
from bot.model.pipeline import RunnerName
from bot.model.scan import Severity
from bot.registry.harbor import HarborRegistry
from bot.registry.oci import OciRegistry
from bot.runners.buildkit.builder import BuildKitBuilder
from bot.runners.docker.container import Restricted
from bot.runners.docker.platform import DockerPlatform
from bot.settings.model import (
    BuildKitSettings,
    DnsSettings,
    DockerSettings,
    RegistrySettings,
    Secret,
    ServerSettings,
    Settings,
    StoreSettings,
)


@pytest.fixture
def server(tmp_path: Path) -> ServerSettings:
    return ServerSettings(data_dir=tmp_path)


async def test_by_default_docker_and_an_oci_registry_are_opened(server: ServerSettings) -> None:
    async with open_adapters(Settings(server=server)) as adapters:
        assert set(adapters.steps.builders) == set(adapters.steps.platforms) == {RunnerName.DOCKER}
        assert isinstance(adapters.steps.registry, OciRegistry)
        assert (adapters.steps.fail_on, adapters.dns) == (None, None)


async def test_without_docker_no_engine_is_opened(server: ServerSettings) -> None:
    settings = Settings(
        server=server, docker=DockerSettings(enabled=False), buildkit=BuildKitSettings("tcp://b:1")
    )
    async with open_adapters(settings) as adapters:
        assert set(await adapters.readiness()) == {"gitee", "registry"}
        assert adapters.steps.platforms == {}
        [(runner, builder)] = adapters.steps.builders.items()

    assert runner is RunnerName.KUBERNETES
    assert isinstance(builder, BuildKitBuilder)


@pytest.mark.parametrize("restricted", ["none", "untrusted", "all"])
async def test_the_operator_decides_whose_previews_are_restricted(
    server: ServerSettings, restricted: Restricted
) -> None:
    async with open_adapters(
        Settings(server=server, docker=DockerSettings(restricted=restricted))
    ) as adapters:
        platform = adapters.steps.platforms[RunnerName.DOCKER]

        assert isinstance(platform, DockerPlatform)
        assert platform._limits.restricted == restricted


@pytest.mark.parametrize(
    "url", ["postgresql://bot:sesame%2f1@db/chatops", "postgresql://bot@db/chatops", "odd"]
)
def test_the_passwords_of_the_store_are_secrets_of_the_bot(url: str) -> None:
    settings = Settings(store=StoreSettings(Secret(url), Secret(url.replace("sesame", "hunter2"))))
    shown = ["sesame/1", "sesame%2f1", "hunter2/1", "hunter2%2f1"] if "sesame" in url else []
    assert sorted(own_secrets(settings)) == sorted(shown)


async def test_harbor_with_a_threshold_and_dns_records_in_etcd_are_opened(server: ServerSettings) -> None:
    registry = RegistrySettings("harbor", "https://harbor.example.com", fail_on="high")
    settings = Settings(server=server, registry=registry, dns=DnsSettings("10.0.0.5", "http://etcd:2379"))
    async with open_adapters(settings) as adapters:
        assert isinstance(adapters.steps.registry, HarborRegistry)
        assert adapters.steps.fail_on is Severity.HIGH
        assert isinstance(adapters.dns, EtcdRecords)


async def test_what_does_not_answer_is_named_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapters_module, "READY_SECONDS", 0.01)

    async def mute() -> None:
        await asyncio.Event().wait()

    assert await in_time(mute()) == "no answer within 0.01 s"
