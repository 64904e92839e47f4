"""A repository with several images: what is built, what runs them, and what the comment says."""

import asyncio

import pytest

from bot.model.environment import EnvironmentKey
from bot.model.errors import RetryLater, TellUser
from bot.model.forge import RepoPath
from bot.model.limits import SandboxLimits
from bot.model.reason import Reason
from tests.dialogue.offline import OfflineTester
from tests.fakes.adapters import PATIENCE

KEY = EnvironmentKey(RepoPath("team", "shop"), 1, "preview")
CONFIG = """\
version: 1
on: {open: [], update: [], close: [teardown]}
images:
  web: {args: {PART: web}}
  api: {args: {PART: api}}
deploy: {image: web}
services:
  worker: {image: api, command: [work]}
  db: {image: "postgres:16"}
"""


async def test_all_images_are_built_and_named_and_run_where_they_are_named(tester: OfflineTester) -> None:
    await tester.configure(CONFIG)
    await tester.open()
    said = await tester.says("/deploy")
    assert "2 images" in said, said
    assert "↳ `web`" in said, said
    assert "↳ `api`" in said, said
    built = {order.args["PART"]: order.tag.partition(":")[0] for order in tester.world.built}
    assert built == {part: f"registry.example.com/team/shop/{part}" for part in ("web", "api")}
    spec = tester.world.deployed[KEY]
    assert spec.image.pinned.startswith("registry.example.com/team/shop/web@sha256:")
    services = {one.name: (one.image, one.built) for one in spec.services}
    assert services == {
        "db": ("postgres:16", False),
        "worker": (f"registry.example.com/team/shop/api@{spec.image.digest}", True),
    }
    assert [one.name for one in spec.image.all] == ["web", "api"]


async def test_every_line_of_the_log_names_its_image(tester: OfflineTester) -> None:
    await tester.configure(CONFIG)
    await tester.open()
    await tester.says("/build")
    log = tester.world.logs[1, "build"]
    assert sorted(line.partition(" | ")[0] for line in log.text.splitlines()) == ["api", "web"]
    assert any(note.startswith("api: building registry.example.com/team/shop/api:") for note in log.notes)


async def test_what_is_built_is_not_built_again_for_another_choice_of_the_served_image(
    tester: OfflineTester,
) -> None:
    await tester.configure(CONFIG)
    await tester.open()
    await tester.says("/build")
    await tester.configure(CONFIG.replace("image: web", "image: api"))
    await tester.says("/deploy")
    assert len(tester.world.built) == 2
    assert tester.world.deployed[KEY].image.name == "api"
    assert [one.name for one in tester.world.deployed[KEY].image.beside] == ["web"]


@pytest.mark.parametrize("other", ["  cron: {}\n", ""])
async def test_images_are_built_again_when_the_configuration_names_others(
    tester: OfflineTester, other: str
) -> None:
    await tester.configure(CONFIG)
    await tester.open()
    await tester.says("/build")
    changed = CONFIG.replace("  api: {args: {PART: api}}\n", other).replace("image: api", 'image: "api:1"')
    await tester.configure(changed)
    await tester.says("/deploy")
    assert len(tester.world.built) == 2 + 1 + bool(other)
    assert {one.built for one in tester.world.deployed[KEY].services} == {False}


async def test_the_first_failure_stops_the_other_builds_and_names_its_image(tester: OfflineTester) -> None:
    held = tester.world.script.hold("build")
    failed = TellUser(Reason.BUILD_FAILED, {"instruction": "RUN make", "code": "2"}, log="no rule")
    tester.world.script.fail("build", failed)
    await tester.configure(CONFIG)
    await tester.open()
    said = await tester.says("/deploy")
    assert "`api`: `RUN make` failed with exit code 2." in said, said
    assert "no rule" in said, said
    assert held.cancelled.is_set()
    assert tester.world.tags == set()
    assert KEY not in tester.world.deployed


async def test_an_outage_during_one_build_repeats_the_step(tester: OfflineTester) -> None:
    gone = RetryLater(Reason.REGISTRY_UNAVAILABLE, {"message": "503"})
    tester.world.script.fail("push", gone)
    await tester.configure(CONFIG)
    await tester.open()
    assert "Preview ready" in await tester.says("/deploy")
    assert tester.clock.noticed == [2.0]


async def test_closing_removes_the_tags_of_every_image(tester: OfflineTester) -> None:
    await tester.configure(CONFIG)
    await tester.open()
    await tester.says("/deploy")
    assert len(tester.world.tags) == 2
    await tester.close()
    await tester.read()
    assert tester.world.tags == set()


async def test_tests_run_in_the_image_that_has_them(tester: OfflineTester) -> None:
    await tester.configure(CONFIG + "test: {image: api, command: make test}\n")
    await tester.open()
    await tester.says("/test")
    (order,) = [one for one in tester.world.built if one.tag.endswith("-test")]
    assert order.args["PART"] == "api"
    assert order.tag.startswith("registry.example.com/team/shop/api:")


async def test_status_names_every_image(tester: OfflineTester) -> None:
    await tester.configure(CONFIG)
    await tester.open()
    await tester.says("/build")
    said = await tester.says("/status")
    for name in ("web", "api"):
        assert f"- `{name}`: `registry.example.com/team/shop/{name}@sha256:" in said, said


async def test_at_most_as_many_builds_run_at_once_as_the_operator_says(tester: OfflineTester) -> None:
    first, second = tester.world.script.hold("build"), tester.world.script.hold("build")
    third = tester.world.script.hold("build")
    await tester.configure(CONFIG.replace("deploy:", "  cron: {args: {PART: cron}}\ndeploy:"))
    await tester.open()
    async with asyncio.timeout(PATIENCE):
        await tester.comment("/build")
        await first.reached()
        await second.reached()
        first.open()
        await third.reached()
        second.open()
        third.open()
    assert "3 images" in await tester.read()


PATHS = CONFIG.replace("web: {args: {PART: web}}", "web: {args: {PART: web}, paths: [web/, common/]}")
PATHS = PATHS.replace("open: [], update: []", "open: [build], update: [build]")


async def test_only_what_has_changed_is_built(tester: OfflineTester) -> None:
    world = tester.world
    world.blobs = {"web/page": "1" * 40, "common/a": "2" * 40, "api/main": "3" * 40}
    await tester.configure(PATHS)
    await tester.open()
    first = tester.head
    assert "unchanged" not in await tester.read()
    assert sorted(order.args["PART"] for order in world.built) == ["api", "web"]
    for changed, since in (("api/main", first), ("api/main", first), ("common/a", "")):
        world.blobs[changed] += "0"
        await tester.push()
        said = await tester.read()
        assert (f"unchanged since `{first[:8]}`" in said) == bool(since), said
        assert [order.args["PART"] for order in world.built[2:]].count("web") == (not since), said
    assert [order.args["PART"] for order in world.built[2:]].count("api") == 3


async def test_what_the_registry_no_longer_has_is_built_again(tester: OfflineTester) -> None:
    world = tester.world
    await tester.configure(PATHS)
    await tester.open()
    first = tester.head
    await tester.read()
    world.tags = {tag for tag in world.tags if "/web:" not in tag}  # As a retention rule does.
    await tester.push()
    assert "unchanged" not in await tester.read()
    assert [order.args["PART"] for order in world.built[2:]].count("web") == 1
    gone = f"registry.example.com/team/shop/web:pr-1-{first[:8]}"
    assert f"web: the registry no longer has {gone}" in world.logs[2, "build"].notes

    second = tester.head
    await tester.push()
    assert f"unchanged since `{second[:8]}`" in await tester.read()


async def test_a_person_gets_new_images_of_unchanged_files(tester: OfflineTester) -> None:
    await tester.configure(PATHS)
    await tester.open()
    await tester.read()
    assert "unchanged" not in await tester.says("/build")
    assert len(tester.world.built) == 4


async def test_what_could_not_be_fetched_counts_as_changed(tester: OfflineTester) -> None:
    tester.world.submodules = ("libs/ui",)
    await tester.configure(PATHS)
    await tester.open()
    await tester.read()
    await tester.push()
    assert "unchanged" not in await tester.read()
    assert len(tester.world.built) == 4


@pytest.mark.parametrize("reason", ["too many files", "takes too long"])
async def test_what_cannot_be_compared_is_built(
    tester: OfflineTester, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if reason == "too many files":
        monkeypatch.setattr("bot.steps.image_content.LARGEST_LISTING", -1)
    else:
        monkeypatch.setattr("bot.steps.image_content.LIMITS", SandboxLimits(seconds=0))
    await tester.configure(PATHS)
    await tester.open()
    await tester.read()
    await tester.push()
    assert "unchanged" not in await tester.read()
    assert "web: paths are not compared: " in "\n".join(tester.world.logs[2, "build"].notes)
    assert any(reason in note for note in tester.world.logs[2, "build"].notes)
    assert len(tester.world.built) == 4
