"""The adapter with a fake Harbor that validates requests and responses against the published description."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from bot.doctor import registry as doctor
from bot.doctor.findings import DoctorOptions, State
from bot.model.errors import GiveUp, RetryLater
from bot.model.forge import RepoPath
from bot.model.reason import Reason
from bot.model.run import Image
from bot.model.scan import Scan, Severity
from bot.ports import TagRemoval
from bot.registry.base import RegistryOptions
from bot.registry.harbor import HarborRegistry, RepositoryLocation
from bot.settings.model import RegistrySettings, Secret, Settings
from tests.fakes.harbor.server import FakeHarbor, harbor_before
from tests.fakes.harbor.state import EVERYTHING, Account, Findings
from tests.fakes.harbor.swagger import BASE, BrokenContractError, find, validate
from tests.fakes.log import FakeLog
from tests.real.ports import free_port

REPO = RepoPath("Team", "小店")
ROBOT, PASSWORD = "robot$chatops", "s3cret"
DIGEST = "sha256:" + "1" * 64
OTHER = "sha256:" + "2" * 64
FOUND = Findings({"Critical": 1, "High": 2, "Low": 4, "Odd": 1}, fixable=3)


@pytest.fixture
async def harbor() -> AsyncIterator[FakeHarbor]:
    """Run a Harbor with a project and a robot account, without a registry behind it."""
    async with harbor_before(f"127.0.0.1:{free_port()}") as served:
        served.state.accounts[ROBOT] = Account(PASSWORD)
        served.state.create_project("previews", "false")
        yield served


@pytest.fixture
async def adapter(harbor: FakeHarbor) -> AsyncIterator[HarborRegistry]:
    async with opened(harbor) as made:
        yield made


async def _at_once(_seconds: float) -> None:
    """Do not wait."""


def opened(harbor: FakeHarbor, *, scan_seconds: int = 5, **changes: Any) -> HarborRegistry:
    options = RegistryOptions(
        harbor.host, project="previews", username=ROBOT, password=PASSWORD, url=harbor.url
    )
    return HarborRegistry(replace(options, **changes), scan_seconds=scan_seconds, sleep=_at_once)


def name_of(adapter: HarborRegistry) -> str:
    """Return the repository's path as used in tags."""
    place = adapter._location(REPO)
    return f"{place.project}/{place.repository}"


def pushed(harbor: FakeHarbor, adapter: HarborRegistry, digest: str, *tags: str) -> Image:
    for tag in tags:
        media_type = "application/vnd.oci.image.manifest.v1+json"
        harbor.state.pushed(name_of(adapter), digest, tag, media_type, 1234)
    return Image(f"{harbor.host}/{name_of(adapter)}:{tags[0]}", digest, 99, "a" * 40)


def tags(harbor: FakeHarbor, adapter: HarborRegistry) -> dict[str, set[str]]:
    return {digest: one.tags for digest, one in harbor.state.artifacts[name_of(adapter)].items()}


async def test_a_missing_project_is_created_private(harbor: FakeHarbor) -> None:
    async with opened(harbor, project="new") as adapter:
        await adapter.prepare(REPO)
        await adapter.prepare(REPO)

    assert harbor.state.public["new"] == "false"
    assert harbor.calls == ["headProject", "createProject", "headProject"]


async def test_without_a_project_each_owner_gets_one(harbor: FakeHarbor) -> None:
    async with opened(harbor, project="") as adapter:
        await adapter.prepare(REPO)

    assert "team" in harbor.state.projects


async def test_a_project_created_concurrently_is_used(harbor: FakeHarbor) -> None:
    async with opened(harbor) as adapter:
        await adapter._api.create_project("previews")


async def test_a_robot_without_permission_to_create_projects_is_reported(harbor: FakeHarbor) -> None:
    harbor.state.accounts[ROBOT] = Account(PASSWORD, EVERYTHING - {"project:create"})
    async with opened(harbor, project="new") as adapter:
        with pytest.raises(GiveUp) as caught:
            await adapter.prepare(REPO)

    assert caught.value.reason is Reason.REGISTRY_DENIED
    assert "new" in caught.value.facts["repository"]
    assert caught.value.log == "Only system admin can create project"


async def test_a_scan_is_started_and_awaited(harbor: FakeHarbor, adapter: HarborRegistry) -> None:
    harbor.state.scanner = FOUND
    image = pushed(harbor, adapter, DIGEST, "pr-1-aaaaaaaa")

    found = await adapter.examine(image, FakeLog())

    counts = {Severity.CRITICAL: 1, Severity.HIGH: 2, Severity.LOW: 4, Severity.UNKNOWN: 1}
    assert found.scan == Scan(counts, 3, "Trivy v0.61.0")
    assert list(found.scan.counts) == list(counts)
    assert (found.size, harbor.calls.count("scanArtifact")) == (99, 1)


async def test_a_scan_in_progress_is_not_started_again(harbor: FakeHarbor, adapter: HarborRegistry) -> None:
    harbor.state.scanner, harbor.state.automatic = Findings(), True
    image = pushed(harbor, adapter, DIGEST, "pr-1-aaaaaaaa")

    found = await adapter.examine(image, FakeLog())

    assert found.scan == Scan(scanner="Trivy v0.61.0")
    assert "scanArtifact" not in harbor.calls


async def test_a_scan_started_concurrently_is_used(harbor: FakeHarbor, adapter: HarborRegistry) -> None:
    harbor.state.scanner, harbor.state.automatic = FOUND, True
    pushed(harbor, adapter, DIGEST, "pr-1-aaaaaaaa")
    place = adapter._location(REPO)

    assert await adapter._api.start_scan(place.project, place.repository, DIGEST) is None


async def test_what_was_removed_is_no_longer_there(harbor: FakeHarbor, adapter: HarborRegistry) -> None:
    image = pushed(harbor, adapter, DIGEST, "pr-1-aaaaaaaa")
    assert await adapter.has(image)
    await adapter.remove_tags(REPO, 1)
    assert not await adapter.has(image)


async def test_an_unknown_size_comes_from_harbor(harbor: FakeHarbor, adapter: HarborRegistry) -> None:
    image = pushed(harbor, adapter, DIGEST, "pr-1-aaaaaaaa")
    unknown = Image(image.reference, image.digest, 0, image.sha)

    assert (await adapter.examine(unknown, FakeLog())).size == 1234


async def test_a_missing_scanner_is_logged(harbor: FakeHarbor, adapter: HarborRegistry) -> None:
    image, log = pushed(harbor, adapter, DIGEST, "pr-1-aaaaaaaa"), FakeLog()

    assert (await adapter.examine(image, log)).scan is None
    assert log.notes == ["no vulnerability scan: no available scanner for project: 1"]


async def test_a_robot_without_scan_permission_can_push(harbor: FakeHarbor, adapter: HarborRegistry) -> None:
    harbor.state.accounts[ROBOT] = Account(PASSWORD, EVERYTHING - {"scan:create"})
    harbor.state.scanner = FOUND
    image, log = pushed(harbor, adapter, DIGEST, "pr-1-aaaaaaaa"), FakeLog()

    assert (await adapter.examine(image, log)).scan is None
    assert log.notes == ["no vulnerability scan: scan:create is not allowed"]


async def test_a_failing_scanner_is_not_retried_forever(harbor: FakeHarbor, adapter: HarborRegistry) -> None:
    harbor.state.scanner = Findings(states=("Running", "Error"))
    image, log = pushed(harbor, adapter, DIGEST, "pr-1-aaaaaaaa"), FakeLog()

    assert (await adapter.examine(image, log)).scan is None
    assert log.notes == ["no vulnerability scan: the scanner failed"]


async def test_waiting_for_a_scan_has_a_time_limit(harbor: FakeHarbor, adapter: HarborRegistry) -> None:
    harbor.state.scanner = Findings(states=("Running",))
    image, log = pushed(harbor, adapter, DIGEST, "pr-1-aaaaaaaa"), FakeLog()

    assert (await adapter.examine(image, log)).scan is None
    assert log.notes == ["the vulnerability scan has not finished after 5 s"]
    assert harbor.calls.count("getArtifact") == 6


async def test_disabled_scans_are_not_awaited(harbor: FakeHarbor) -> None:
    harbor.state.scanner, harbor.state.automatic = FOUND, True
    async with opened(harbor, scan_seconds=0) as adapter:
        image = pushed(harbor, adapter, DIGEST, "pr-1-aaaaaaaa")
        assert (await adapter.examine(image, FakeLog())).scan is None

    assert harbor.calls == ["getArtifact"]


async def test_a_missing_image_is_returned_unchanged(harbor: FakeHarbor, adapter: HarborRegistry) -> None:
    image = Image(f"{harbor.host}/{name_of(adapter)}:pr-1-aaaaaaaa", DIGEST, 5, "")

    assert await adapter.examine(image, FakeLog()) == image


async def test_tags_are_deleted_one_by_one_and_an_artifact_with_its_last_tag(
    harbor: FakeHarbor, adapter: HarborRegistry
) -> None:
    pushed(harbor, adapter, DIGEST, "pr-1-aaaaaaaa", "pr-1-aaaaaaaa-test")
    pushed(harbor, adapter, OTHER, "pr-1-bbbbbbbb", "v1.0", "pr-12-bbbbbbbb")

    assert await adapter.tagged(REPO) == {1, 12}
    assert await adapter.remove_tags(REPO, 1) == TagRemoval(3)

    assert await adapter.tagged(REPO) == {12}
    assert tags(harbor, adapter) == {OTHER: {"v1.0", "pr-12-bbbbbbbb"}}
    assert await adapter.remove_tags(REPO, 1) == TagRemoval()


@pytest.mark.parametrize("listed", [True, False])
async def test_the_tags_of_several_images_are_removed_also_where_the_robot_may_not_list_them(
    harbor: FakeHarbor, adapter: HarborRegistry, monkeypatch: pytest.MonkeyPatch, *, listed: bool
) -> None:
    monkeypatch.setattr("bot.registry.harbor_api.PAGE", 1)
    own = name_of(adapter)
    for name in (
        f"{own}/api",
        f"{own}/web",
        f"{own}-2/api",
        f"previews/x-{own.removeprefix('previews/')}/api",
    ):
        harbor.state.pushed(name, DIGEST, "pr-1-aaaaaaaa", "application/vnd.oci.image.manifest.v1+json", 9)
    if not listed:
        harbor.state.accounts[ROBOT] = Account(PASSWORD, EVERYTHING - {"repository:list"})

    assert await adapter.tagged(REPO) == ({1} if listed else set())
    assert await adapter.remove_tags(REPO, 1, ["web"]) == TagRemoval(2 if listed else 1)

    left = {name for name, found in harbor.state.artifacts.items() if found}
    assert f"{own}/web" not in left
    assert (f"{own}/api" in left) is not listed
    assert f"{own}-2/api" in left


async def test_immutable_tags_are_reported_and_the_others_deleted(
    harbor: FakeHarbor, adapter: HarborRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    harbor.state.immutable = r".*-aaaaaaaa"
    pushed(harbor, adapter, DIGEST, "pr-1-aaaaaaaa", "pr-1-cccccccc")
    pushed(harbor, adapter, OTHER, "pr-1-bbbbbbbb")

    removal = await adapter.remove_tags(REPO, 1)

    why = "the tag pr-1-aaaaaaaa configured as immutable, cannot be deleted"
    assert removal == TagRemoval(2, {"pr-1-aaaaaaaa": why})
    assert tags(harbor, adapter) == {DIGEST: {"pr-1-aaaaaaaa"}}
    assert why in caplog.text


async def test_a_robot_without_delete_permission_reports_the_kept_tags(
    harbor: FakeHarbor, adapter: HarborRegistry
) -> None:
    harbor.state.accounts[ROBOT] = Account(PASSWORD, EVERYTHING - {"tag:delete"})
    pushed(harbor, adapter, DIGEST, "pr-1-aaaaaaaa")

    assert list((await adapter.remove_tags(REPO, 1)).kept) == ["pr-1-aaaaaaaa"]


async def test_an_artifact_referenced_by_an_index_is_kept_without_a_tag(
    harbor: FakeHarbor, adapter: HarborRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    harbor.state.referenced.add(DIGEST)
    pushed(harbor, adapter, DIGEST, "pr-1-aaaaaaaa")

    assert await adapter.remove_tags(REPO, 1) == TagRemoval(1)
    assert tags(harbor, adapter) == {DIGEST: set()}
    assert "referenced by others" in caplog.text


async def test_a_tag_added_during_deletion_keeps_the_artifact(
    harbor: FakeHarbor, adapter: HarborRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed(harbor, adapter, DIGEST, "pr-1-aaaaaaaa")
    untag = harbor.state.delete_tag

    def add_tag_before_deletion(repository: str, reference: str, tag: str) -> None:
        untag(repository, reference, tag)
        harbor.state.find(repository, reference).tags.add("v2.0")

    monkeypatch.setattr(
        type(harbor.state), "delete_tag", lambda _self, *given: add_tag_before_deletion(*given)
    )

    assert await adapter.remove_tags(REPO, 1) == TagRemoval(1)
    assert tags(harbor, adapter) == {DIGEST: {"v2.0"}}


async def test_artifacts_are_paged(
    harbor: FakeHarbor, adapter: HarborRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.registry.harbor_api.PAGE", 2)
    for index in range(5):
        pushed(harbor, adapter, f"sha256:{index:064}", f"pr-1-{index:08}")

    assert (await adapter.remove_tags(REPO, 1)).removed == 5


@pytest.mark.parametrize(
    ("unhealthy", "expected"),
    [(set(), None), ({"trivy", "jobservice"}, None), ({"redis", "core"}, "unhealthy: core, redis")],
)
async def test_health_covers_only_the_parts_that_pushing_needs(
    harbor: FakeHarbor, adapter: HarborRegistry, unhealthy: set[str], expected: str | None
) -> None:
    harbor.state.unhealthy = unhealthy

    answer = await adapter.ping()

    assert answer is None if expected is None else answer == f"{harbor.host}: {expected}"


async def test_ping_returns_the_problem(harbor: FakeHarbor) -> None:
    async with opened(harbor, password="wrong") as stranger:
        assert await stranger.ping() == f"{harbor.host} does not accept these credentials"
    harbor.down = True
    async with opened(harbor) as adapter:
        assert "502 Bad Gateway" in str(await adapter.ping())
        with pytest.raises(RetryLater):
            await adapter.remove_tags(REPO, 1)
    gone = f"127.0.0.1:{free_port()}"
    async with HarborRegistry(RegistryOptions(gone, url=f"http://{gone}")) as unreachable:
        assert gone in str(await unreachable.ping())


async def test_another_service_than_harbor_is_reported() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, text="<html>a shop</html>"))
    async with HarborRegistry(RegistryOptions("shop.example.com", transport=transport)) as adapter:
        assert await adapter.ping() == "shop.example.com is not a Harbor: 200"


@pytest.mark.parametrize(
    "answer", [{}, [], {"digest": 5}, {"digest": DIGEST, "scan_overview": [], "tags": None, "size": "big"}]
)
async def test_invalid_responses_are_treated_as_unknown(answer: Any) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=answer))
    image = Image("h/p/r:t", DIGEST, 0, "")
    async with HarborRegistry(RegistryOptions("h", transport=transport), scan_seconds=0) as adapter:
        assert await adapter.examine(image, FakeLog()) == image


@pytest.mark.parametrize(
    ("permissions", "state", "expected"),
    [
        (EVERYTHING, State.FINE, "all required permissions"),
        (EVERYTHING - {"tag:delete", "scan:create"}, State.WRONG, "tag:delete, scan:create"),
    ],
)
async def test_doctor_lists_missing_permissions(
    harbor: FakeHarbor, permissions: frozenset[str], state: State, expected: str
) -> None:
    harbor.state.accounts[ROBOT] = Account(PASSWORD, permissions)

    answers, allowed = await doctor.check(DoctorOptions(settings(harbor, "previews")))

    assert (answers.state, allowed.state) == (State.FINE, state)
    assert expected in allowed.found.en


async def test_doctor_reports_a_missing_project(harbor: FakeHarbor) -> None:
    _, found = await doctor.check(DoctorOptions(settings(harbor, "12")))

    assert found.state is State.NOTE
    assert "12 does not exist yet" in found.found.en


def settings(harbor: FakeHarbor, project: str) -> Settings:
    chosen = RegistrySettings("harbor", harbor.url, project, username=ROBOT, password=Secret(PASSWORD))
    return Settings(registry=chosen)


def test_a_path_is_split_into_project_and_repository() -> None:
    assert RepositoryLocation.of("previews/team/shop") == RepositoryLocation("previews", "team/shop")


def test_the_fake_finds_a_repository_only_by_its_doubly_encoded_name() -> None:
    twice = find("GET", f"{BASE}/projects/p/repositories/team%252Fshop/artifacts/x?with_tag=true")
    once = find("GET", f"{BASE}/projects/p/repositories/team%2Fshop/artifacts/x")

    assert twice is not None
    assert twice[1]["repository_name"] == "team/shop"
    assert once is None


def test_the_fake_refuses_requests_outside_of_the_description() -> None:
    with pytest.raises(BrokenContractError, match="unexpected"):
        validate({"$ref": "#/definitions/ProjectReq"}, {"project_name": "x", "privte": True}, "request")
