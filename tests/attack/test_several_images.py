"""Attacks between the images of one commit: what one of them gets is not what another gets."""

import pytest

from bot.core.admission.builds import cache_namespace
from bot.model.delivery import Trigger
from bot.model.errors import TellUser
from bot.model.forge import RepoPath
from bot.model.pipeline import BuildConfig, DeployConfig, ServiceConfig
from bot.model.plan import Build, Deploy, Plan, Step
from bot.model.reason import Reason
from bot.model.run import Image, Origin, Run
from bot.model.secrets import SecretValue
from bot.model.text import Language
from bot.steps import build, deploy
from bot.steps.context import StepContext
from tests.fakes.adapters import FakeWorld
from tests.fakes.log import FakeLog
from tests.fakes.snapshots import NOW, SHA

pytestmark = pytest.mark.attack

SHOP = RepoPath("team", "shop")
MOUNT = "FROM scratch\nRUN --mount=type=secret,id=token cat /run/secrets/token\n"
TOKEN = SecretValue("token", b"s3cret-token")


def context_of(step: Step, world: FakeWorld, image: Image | None = None) -> StepContext:
    run = Run(1, SHOP, 1, SHA, Plan((step,)), Origin(Trigger.OPEN, "mei"), Language.EN, NOW)
    secrets = {"images.web": (TOKEN,)}
    return StepContext(run, FakeLog(), world.adapters(), image, secrets=secrets)


async def test_a_secret_of_one_image_does_not_reach_the_build_of_another() -> None:
    world = FakeWorld()
    step = Build(SHA, BuildConfig(args={"IS": "web"}), served="web", beside={"api": BuildConfig()})

    await build.run(step, context_of(step, world))

    given = {order.args.get("IS", "api"): tuple(order.secrets) for order in world.built}
    assert given == {"web": (TOKEN,), "api": ()}


async def test_another_image_cannot_mount_the_secret() -> None:
    world = FakeWorld(dockerfile=MOUNT)
    step = Build(SHA, BuildConfig(), served="api", beside={})

    with pytest.raises(TellUser) as caught:
        await build.run(step, context_of(step, world))

    assert caught.value.reason is Reason.SECRET_NOT_LISTED
    assert caught.value.facts["of_image"] == "api"
    assert world.built == []


@pytest.mark.parametrize("trusted", [True, False])
async def test_every_image_shares_caches_at_its_own_trust_level_only(*, trusted: bool) -> None:
    world = FakeWorld()
    step = Build(SHA, BuildConfig(), trusted, "web", {"api": BuildConfig()})

    await build.run(step, context_of(step, world))

    assert {order.cache for order in world.built} == {cache_namespace("chatops", SHOP, 1, trusted=trusted)}
    tags = {"buildcache"} if trusted else {"pr-1-buildcache"}
    assert {order.cache_tag for order in world.built} == tags


async def test_a_service_gets_an_image_of_its_own_commit_by_digest_and_never_by_a_name_that_moves() -> None:
    world = FakeWorld()
    step = Deploy(SHA, DeployConfig(port=80), {"worker": ServiceConfig(image="api")}, image="web")
    api = Image("r/shop/api:pr-1-aa", "sha256:" + "2" * 64, 1, SHA, name="api")
    web = Image("r/shop/web:pr-1-aa", "sha256:" + "1" * 64, 1, SHA, name="web", beside=(api,))

    spec = deploy._service("worker", step.services["worker"], step, context_of(step, world), web)

    assert (spec.image, spec.built) == (f"r/shop/api@sha256:{'2' * 64}", True)
