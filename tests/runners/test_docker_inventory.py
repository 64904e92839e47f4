"""The bot's resources in a real engine are listed and removed one by one."""

import io
from datetime import UTC, datetime

import docker.errors
import pytest

from bot.core.naming import LABEL_INSTANCE, LABEL_NUMBER, LABEL_REPO
from bot.model.inventory import Item, ItemKind
from bot.runners.docker import labels
from bot.runners.docker.platform import DockerPlatform
from tests.real.parts import build_image, tar
from tests.runners.conftest import KEY, Stage

pytestmark = pytest.mark.docker


def of_kind(found: tuple[Item, ...], kind: ItemKind) -> list[Item]:
    return [item for item in found if item.kind is kind]


def build(stage: Stage, recipe: str, *, tag: str | None = None) -> str:
    """Build an image of the pull request under test; return its id."""
    text = f"FROM {stage.tests_image}\nENV ONLY={stage.instance}\n{recipe}"
    image = build_image(
        stage.sdk,
        fileobj=io.BytesIO(tar({"Dockerfile": text})),
        custom_context=True,
        tag=tag,
        labels=labels.of_pull(stage.instance, KEY.repo, KEY.number),
    )
    return str(image.id)


async def test_an_environment_is_found_with_all_its_parts(stage: Stage) -> None:
    # The engine reports some times in whole seconds.
    before = datetime.now(UTC).replace(microsecond=0)
    await stage.platform.deploy(stage.spec(labels={"chatops.run": "7"}), stage.log)

    found = await stage.platform.inventory()

    assert sorted(item.kind for item in found) == [ItemKind.CONTAINER, ItemKind.NETWORK]
    assert {item.key for item in found} == {KEY}
    (container,) = of_kind(found, ItemKind.CONTAINER)
    assert (container.run, container.name) == (7, stage.container("app").name)
    after = datetime.now(UTC)
    for item in found:
        assert item.made_at is not None
        assert before <= item.made_at <= after


async def test_only_the_given_items_are_removed(stage: Stage) -> None:
    await stage.platform.deploy(stage.spec(), stage.log)
    image, layer = build(stage, "RUN echo 1", tag=f"{stage.instance}:a"), build(stage, "RUN echo 2")
    found = await stage.platform.inventory()
    assert [item.id for item in of_kind(found, ItemKind.IMAGE)] == [image]
    assert [item.id for item in of_kind(found, ItemKind.LAYER)] == [layer]

    gone = await stage.platform.remove_items(of_kind(found, ItemKind.LAYER))
    assert [item.id for item in gone] == [layer]
    assert len(await stage.platform.inventory()) == len(found) - 1

    rest = sorted(await stage.platform.inventory(), key=lambda item: list(ItemKind).index(item.kind))
    assert len(await stage.platform.remove_items(rest)) == len(rest)
    assert await stage.platform.inventory() == ()
    assert stage.empty
    with pytest.raises(docker.errors.ImageNotFound):
        stage.sdk.images.get(image)
    assert await stage.platform.remove_items(rest) == tuple(rest), "what is gone already is no error"


async def test_an_image_in_use_is_kept(stage: Stage) -> None:
    image = build(stage, "", tag=f"{stage.instance}:used")
    wanted = {LABEL_INSTANCE: stage.instance}
    stage.sdk.containers.run(image, ["sleep", "999"], detach=True, labels=wanted)

    assert await stage.platform.remove_items(of_kind(await stage.platform.inventory(), ItemKind.IMAGE)) == ()
    assert stage.sdk.images.get(image).id == image


async def test_suites_and_services_are_distinguished(stage: Stage) -> None:
    marks = {**labels.of_environment(stage.instance, KEY), labels.LABEL_ROLE: "tests", "chatops.run": "9"}
    stage.sdk.containers.create(stage.tests_image, ["true"], labels=marks)

    (found,) = await stage.platform.inventory()
    assert (found.kind, found.run) == (ItemKind.TESTS, 9)


@pytest.mark.parametrize(
    "odd", [{LABEL_REPO: "", LABEL_NUMBER: "1"}, {LABEL_REPO: "a/b", LABEL_NUMBER: "x"}, {}]
)
async def test_items_without_an_owner_label_are_not_listed(stage: Stage, odd: dict[str, str]) -> None:
    stage.sdk.containers.create(stage.tests_image, ["true"], labels={LABEL_INSTANCE: stage.instance, **odd})
    assert await stage.platform.inventory() == ()


async def test_items_of_another_bot_are_not_listed(stage: Stage) -> None:
    await stage.platform.deploy(stage.spec(), stage.log)
    other = DockerPlatform(stage.platform._engine, instance=f"{stage.instance}-b")
    assert await other.inventory() == ()
