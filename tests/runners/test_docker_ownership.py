"""What the engine tells a bot that has lost its store of environments, and other bots of their owners."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.core import naming
from bot.model.environment import Endpoint, PublicService
from bot.model.errors import TellUser
from bot.model.inventory import ItemKind
from bot.model.reason import Reason
from bot.ports import ServiceSpec
from bot.runners.docker.labels import of_environment
from tests.runners.conftest import KEY, Stage
from tests.runners.test_docker_deploy import SILENT, get

pytestmark = pytest.mark.docker

NOW = datetime.now(UTC).replace(microsecond=0)
MINE, OTHER = "mine4567", "other456"
FORGED = "LABEL " + " ".join(
    f"{name}={value}"
    for name, value in {
        naming.LABEL_HOST: "pr-2-shop",
        naming.LABEL_NUMBER: "2",
        naming.LABEL_EXPIRES: "2999-01-01T00:00:00+00:00",
        naming.LABEL_OWNED_BY: OTHER,
        naming.LABEL_OWNED_UNTIL: "2999-01-01T00:00:00+00:00",
        naming.LABEL_STORE: OTHER,
        "chatops.port": "1",
        naming.LABEL_PUBLIC: "db:5432",
    }.items()
)


def labels(store: str) -> dict[str, str]:
    return naming.labels(KEY, sha="a" * 40, run=7, store=store)


@pytest.mark.attack
async def test_labels_of_an_image_say_nothing_about_its_environment(stage: Stage) -> None:
    image = stage.push(FORGED)
    expires = NOW + timedelta(days=3)
    spec = stage.spec(
        image=image,
        command=("httpd", "-fp8081"),
        port=8081,
        host="pr-12-shop.test.example.com",
        expires=expires,
        labels=labels(MINE),
    )
    endpoint = await stage.platform.deploy(spec, stage.log)
    assert await stage.platform.endpoint(KEY) == endpoint
    network, container = sorted(
        (item for item in await stage.platform.inventory() if item.environment),
        key=lambda item: item.kind is ItemKind.CONTAINER,
    )
    assert (network.host, network.expires, network.public) == ("pr-12-shop", expires, ())
    assert (container.host, container.expires, container.public) == ("", None, ())
    for item in (network, container):
        assert (item.key, item.store, item.run, item.sha) == (KEY, MINE, 7, "a" * 40)
        assert (item.owned_by, item.owned_until) == ("", None)


async def test_public_services_have_addresses_that_a_bot_without_its_store_finds(stage: Stage) -> None:
    serve = ("sh", "-c", "mkdir /tmp/w && hostname > /tmp/w/index.html && exec httpd -fp9000 -h /tmp/w")
    public = (PublicService("api", 9000), PublicService("docs", 9000, "/docs"))
    services = [
        ServiceSpec(name, stage.image.pinned, command=serve, port=9000) for name in ("api", "db", "docs")
    ]
    spec = stage.spec(services=services, public=public, host="pr-12-shop.test.example.com")
    endpoint = await stage.platform.deploy(spec, stage.log)

    assert endpoint.services.keys() == {"api", "docs"}
    for name, found in endpoint.services.items():
        container = stage.container(name)
        (network,) = container.attrs["NetworkSettings"]["Networks"].values()
        assert network["IPAMConfig"]["IPv4Address"] == found.host
        assert await get(found) == f"{name}\n"
    assert await stage.platform.endpoint(KEY) == endpoint
    assert {item.public for item in await stage.platform.inventory() if item.host} == {public}


async def test_a_public_service_is_ready_once_it_answers(stage: Stage) -> None:
    silent = ServiceSpec("api", stage.image.pinned, command=("sh", "-c", SILENT), port=8080)
    spec = stage.spec(services=[silent], public=(PublicService("api", 8080),), health_timeout=2)
    with pytest.raises(TellUser) as caught:
        await stage.platform.deploy(spec, stage.log)
    # On a busy machine, its port may not even be open in this time.
    assert caught.value.reason in {Reason.NO_HTTP, Reason.UNHEALTHY}
    assert caught.value.facts["name"] == "api"


async def test_a_bot_says_that_it_owns_what_it_has_created_or_adopted(stage: Stage) -> None:
    assert await stage.platform.endpoint(KEY) is None
    await stage.platform.deploy(stage.spec(labels=labels(MINE)), stage.log)
    marks = {**labels(OTHER), **of_environment(stage.instance, KEY)}
    stage.sdk.networks.create(f"{stage.instance}-other", internal=True, labels=marks)
    for owner, until in ((MINE, NOW), (OTHER, NOW + timedelta(minutes=5)), (MINE, NOW + timedelta(days=2))):
        items = [item for item in await stage.platform.inventory() if item.store == MINE]
        await stage.platform.renew_ownership(items, owner, until)
        found = await stage.platform.inventory()
        assert {(item.owned_by, item.owned_until) for item in found if item.store == MINE} == {(owner, until)}
        assert {item.owned_by for item in found if item.store == OTHER} == {""}
        assert len(stage.volumes) == 1
    await stage.platform.renew_ownership(await stage.platform.inventory(), MINE, NOW + timedelta(days=2))
    assert {item.owned_by for item in await stage.platform.inventory()} == {MINE}
    assert len(stage.volumes) == 2
    await stage.platform.renew_ownership([], MINE, NOW + timedelta(days=9))
    assert len(stage.volumes) == 2, "nothing is said about nothing"
    other = [item for item in await stage.platform.inventory() if item.store == OTHER]
    await stage.platform.renew_ownership(other, OTHER, NOW + timedelta(days=4))
    assert len(stage.volumes) == 1, "a bot that is gone for a day is forgotten"


async def test_the_endpoint_of_an_earlier_version_is_that_which_its_image_exposes(stage: Stage) -> None:
    endpoint = await stage.platform.deploy(stage.spec(), stage.log)
    app = stage.container("app")
    labels = {name: value for name, value in app.labels.items() if name != "chatops.port"}
    app.remove(force=True)
    assert await stage.platform.endpoint(KEY) is None
    name, network = naming.container(KEY, "app", stage.instance), stage.sdk.networks.get(stage.networks[0])
    again: Any = {"Name": "unless-stopped"}
    stage.sdk.containers.create(
        stage.image.pinned, name=name, labels=labels, network=network.name, restart_policy=again
    )
    assert await stage.platform.endpoint(KEY) == Endpoint(endpoint.host, 8080)
