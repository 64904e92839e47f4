"""Harbor and a real engine: pushed images are found, scanned and removed."""

import asyncio
from pathlib import Path

import docker
import pytest

from bot.model.account import RegistryAccount
from bot.model.errors import GiveUp
from bot.model.reason import Reason
from bot.model.run import Image
from bot.ports import TagRemoval
from bot.runners.docker.builder import DockerBuilder
from bot.runners.docker.credentials import Credentials
from bot.runners.docker.engine import DockerEngine
from bot.sandbox.process import ProcessSandbox
from tests.fakes.harbor.server import FakeHarbor, harbor_before
from tests.fakes.harbor.state import Account
from tests.fakes.log import FakeLog
from tests.real.parts import RegistryProcess, order
from tests.registry.test_harbor import FOUND, PASSWORD, REPO, ROBOT, adapter, harbor, name_of, opened

__all__ = ["adapter", "harbor"]


@pytest.mark.docker
async def test_an_image_that_the_engine_pushed_is_found_scanned_and_removed(
    tmp_path: Path, engine: DockerEngine, instance: str, base_image: str, sdk: docker.DockerClient
) -> None:
    backend, log = RegistryProcess(tmp_path), FakeLog()
    try:
        async with harbor_before(backend.host) as harbor:
            harbor.state.accounts[ROBOT] = Account(PASSWORD)
            harbor.state.scanner = FOUND
            async with opened(harbor) as adapter:
                await adapter.prepare(REPO)
                tag = adapter.tag_for(REPO, 1, "a" * 40)
                credentials = Credentials(RegistryAccount(harbor.host, ROBOT, PASSWORD))
                builder = DockerBuilder(engine, ProcessSandbox(), instance=instance, credentials=credentials)
                built = await builder.build(order(tmp_path, tag, {"Dockerfile": f"FROM {base_image}\n"}), log)
                digest = await builder.push(tag, log)
                image = await adapter.examine(Image(tag, digest, built.size, "a" * 40), log)
                account = {"username": ROBOT, "password": PASSWORD}
                await asyncio.to_thread(sdk.images.remove, tag)
                await asyncio.to_thread(lambda: sdk.images.pull(tag, auth_config=account))
                removal = await adapter.remove_tags(REPO, 1)
                assert harbor.state.artifacts[name_of(adapter)] == {}
    finally:
        backend.stop()

    assert image.scan is not None
    assert (image.scan.total, removal) == (8, TagRemoval(1))


@pytest.mark.docker
async def test_a_push_without_permission_is_denied(
    tmp_path: Path, engine: DockerEngine, instance: str, base_image: str, harbor: FakeHarbor
) -> None:
    harbor.state.accounts[ROBOT] = Account(PASSWORD, frozenset({"repository:pull"}))
    credentials = Credentials(RegistryAccount(harbor.host, ROBOT, PASSWORD))
    builder, log = (
        DockerBuilder(engine, ProcessSandbox(), instance=instance, credentials=credentials),
        FakeLog(),
    )
    tag = f"{harbor.host}/previews/team/shop:pr-1-aaaaaaaa"
    await builder.build(order(tmp_path, tag, {"Dockerfile": f"FROM {base_image}\n"}), log)

    with pytest.raises(GiveUp) as caught:
        await builder.push(tag, log)

    assert caught.value.reason is Reason.REGISTRY_DENIED


@pytest.mark.docker
async def test_a_refused_tag_move_is_reported_with_harbors_message(
    tmp_path: Path, engine: DockerEngine, instance: str, base_image: str
) -> None:
    backend, log = RegistryProcess(tmp_path), FakeLog()
    try:
        async with harbor_before(backend.host) as harbor:
            harbor.state.accounts[ROBOT] = Account(PASSWORD)
            harbor.state.create_project("previews", "false")
            harbor.state.immutable = "pr-1-.*"
            tag = f"{harbor.host}/previews/team/shop:pr-1-aaaaaaaa"
            credentials = Credentials(RegistryAccount(harbor.host, ROBOT, PASSWORD))
            builder = DockerBuilder(engine, ProcessSandbox(), instance=instance, credentials=credentials)
            for run in ("1", "2"):
                wanted = order(tmp_path, tag, {"Dockerfile": f"FROM {base_image}\nENV RUN={run}\n"})
                await builder.build(wanted, log)
                if run == "1":
                    await builder.push(tag, log)
            with pytest.raises(GiveUp) as caught:
                await builder.push(tag, log)
    finally:
        backend.stop()

    assert caught.value.reason is Reason.REGISTRY_DENIED
    assert "'team/shop:pr-1-aaaaaaaa' configured as immutable" in caught.value.log
