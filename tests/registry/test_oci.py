"""The adapter of OCI registries, with real registries and fake responses."""

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.model.errors import GiveUp, RetryLater
from bot.model.forge import RepoPath
from bot.model.reason import Reason
from bot.model.run import Image
from bot.registry.base import RegistryOptions
from bot.registry.oci import OciRegistry, deletable, scheme
from tests.fakes.log import FakeLog
from tests.real.parts import PATIENCE, RegistryProcess, private_registry
from tests.real.ports import free_port

REPO = RepoPath("Team", "shop")
NAME = "previews/team/shop"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


class PushedImages:
    """Pushes tiny images to a registry, as `docker push` does."""

    def __init__(self, host: str) -> None:
        self._client = httpx.Client(base_url=f"http://{host}", timeout=PATIENCE)

    def put(self, tag: str, content: str, name: str = NAME) -> str:
        """Push an image with this content and return its digest."""
        config = json.dumps({"architecture": "amd64", "os": "linux", "comment": content}).encode()
        digest = self._blob(name, config)
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {
                "mediaType": "application/vnd.docker.container.image.v1+json",
                "size": len(config),
                "digest": digest,
            },
            "layers": [],
        }
        answer = self._client.put(
            f"/v2/{name}/manifests/{tag}", content=json.dumps(manifest), headers={"Content-Type": MANIFEST}
        )
        answer.raise_for_status()
        return str(answer.headers["Docker-Content-Digest"])

    def _blob(self, name: str, content: bytes) -> str:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        place = self._client.post(f"/v2/{name}/blobs/uploads/").raise_for_status().headers["Location"]
        upload = httpx.URL(place).copy_merge_params({"digest": digest})
        self._client.put(upload, content=content).raise_for_status()
        return digest

    def tags(self, name: str = NAME) -> set[str]:
        """Return the tags of a repository."""
        return set(self._client.get(f"/v2/{name}/tags/list").json().get("tags") or ())

    def close(self) -> None:
        self._client.close()


@pytest.fixture
def own(tmp_path: Path) -> Any:
    """Run a registry for this test only."""
    process = RegistryProcess(tmp_path)
    yield process
    process.stop()


@pytest.fixture
def images(own: RegistryProcess) -> Any:
    made = PushedImages(own.host)
    yield made
    made.close()


@pytest.fixture
async def oci(own: RegistryProcess) -> AsyncIterator[OciRegistry]:
    async with OciRegistry(RegistryOptions(own.host, project="previews")) as opened:
        yield opened


def test_tag_names_registry_project_repository_pull_and_commit() -> None:
    oci = OciRegistry(RegistryOptions("harbor.example.com", project="previews"))

    assert oci.tag_for(REPO, 12, "1a2b3c4d5e6f") == "harbor.example.com/previews/team/shop:pr-12-1a2b3c4d"


@pytest.mark.docker
async def test_removes_the_tags_of_one_pull_request_only(oci: OciRegistry, images: PushedImages) -> None:
    images.put("pr-1-aaaaaaaa", "one")
    images.put("pr-1-bbbbbbbb", "two")
    images.put("pr-1-bbbbbbbb-test", "two")
    images.put("pr-12-aaaaaaaa", "three")
    images.put("release", "four")
    images.put("pr-1-aaaaaaaa", "one", "previews/team/other")

    assert (await oci.remove_tags(REPO, 1)).removed == 3

    assert images.tags() == {"pr-12-aaaaaaaa", "release"}
    assert images.tags("previews/team/other") == {"pr-1-aaaaaaaa"}
    assert (await oci.remove_tags(REPO, 1)).removed == 0


@pytest.mark.docker
async def test_what_was_removed_is_no_longer_there(oci: OciRegistry, images: PushedImages) -> None:
    reference = oci.tag_for(REPO, 1, "aaaaaaaa")
    image = Image(reference, images.put("pr-1-aaaaaaaa", "one"), 0, "aaaaaaaa")
    assert await oci.has(image)
    await oci.remove_tags(REPO, 1)
    assert not await oci.has(image)


@pytest.mark.docker
async def test_lists_pull_requests_with_tags(oci: OciRegistry, images: PushedImages) -> None:
    assert await oci.tagged(REPO) == frozenset()
    for tag in ("pr-1-aaaaaaaa", "pr-12-bbbbbbbb-test", "release", "pr-x-aaaaaaaa"):
        images.put(tag, tag)
    assert await oci.tagged(REPO) == {1, 12}


def test_each_of_several_images_has_a_repository_of_its_own() -> None:
    oci = OciRegistry(RegistryOptions("harbor.example.com", project="previews"))

    assert oci.tag_for(REPO, 12, "1a2b3c4d5e6f", "api") == (
        "harbor.example.com/previews/team/shop/api:pr-12-1a2b3c4d"
    )


@pytest.mark.docker
async def test_the_tags_of_several_images_are_listed_and_removed(
    oci: OciRegistry, images: PushedImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.registry.oci.PAGE", 1)
    for name in ("shop/api", "shop/web", "shop/web/deep", "shop-2", "shop2/api"):
        images.put("pr-1-aaaaaaaa", name, f"previews/team/{name}")
    images.put("pr-2-aaaaaaaa", "two", "previews/team/shop/web")

    assert await oci.tagged(REPO) == {1, 2}
    assert (await oci.remove_tags(REPO, 1)).removed == 2

    left = {name: images.tags(f"previews/team/{name}") for name in ("shop/api", "shop/web")}
    assert left == {"shop/api": set(), "shop/web": {"pr-2-aaaaaaaa"}}
    for name in ("shop/web/deep", "shop-2", "shop2/api"):
        assert images.tags(f"previews/team/{name}") == {"pr-1-aaaaaaaa"}


@pytest.mark.parametrize("status", [401, 403, 404, 405])
async def test_without_a_catalog_the_known_images_are_cleaned(status: int) -> None:
    deleted: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v2/_catalog":
            return httpx.Response(status)
        if request.method == "DELETE":
            deleted.append(request.url.path)
            return httpx.Response(202)
        digest = {"Docker-Content-Digest": "sha256:00"}
        return httpx.Response(200, headers=digest, json={"tags": ["pr-1-aaaaaaaa"]})

    async with OciRegistry(RegistryOptions("r", transport=httpx.MockTransport(answer))) as oci:
        assert (await oci.remove_tags(REPO, 1, ["", "api"])).removed == 2

    assert deleted == [f"/v2/team/{name}/manifests/sha256:00" for name in ("shop", "shop/api")]


@pytest.mark.docker
async def test_keeps_images_with_other_tags(oci: OciRegistry, images: PushedImages) -> None:
    images.put("pr-1-aaaaaaaa", "released")
    images.put("v1.0", "released")
    images.put("pr-1-bbbbbbbb", "other")

    assert (await oci.remove_tags(REPO, 1)).removed == 1

    assert images.tags() == {"pr-1-aaaaaaaa", "v1.0"}


@pytest.mark.docker
async def test_the_size_is_requested_only_if_unknown(
    oci: OciRegistry, images: PushedImages, app_image: Image, registry: RegistryProcess
) -> None:
    async with OciRegistry(RegistryOptions(registry.host)) as shared:
        found = await shared.examine(replace(app_image, size=0), FakeLog())
    assert 100_000 < found.size < app_image.size
    assert found.scan is None
    known = Image(oci.tag_for(REPO, 1, "a" * 8), images.put("pr-1-aaaaaaaa", "one"), 5, "")

    assert await oci.examine(known, FakeLog()) == known
    assert (await oci.examine(replace(known, size=0), FakeLog())).size == 0
    assert (await oci.examine(replace(known, size=0, digest="sha256:" + "0" * 64), FakeLog())).size == 0


@pytest.mark.docker
async def test_tags_are_paged(
    oci: OciRegistry, images: PushedImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.registry.oci.PAGE", 2)
    for index in range(7):
        images.put(f"pr-1-{index:08}", f"image {index}")

    assert (await oci.remove_tags(REPO, 1)).removed == 7


@pytest.mark.docker
async def test_repository_that_does_not_exist_has_nothing_to_remove(oci: OciRegistry) -> None:
    assert (await oci.remove_tags(REPO, 1)).removed == 0
    assert await oci.ping() is None


@pytest.mark.docker
async def test_registry_that_forbids_deleting_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    process = RegistryProcess(tmp_path, deletes=False)
    images = PushedImages(process.host)
    try:
        images.put("pr-1-aaaaaaaa", "one")
        async with OciRegistry(RegistryOptions(process.host, project="previews")) as oci:
            removal = await oci.remove_tags(REPO, 1)
    finally:
        images.close()
        process.stop()

    assert (removal.removed, list(removal.kept)) == (0, ["pr-1-aaaaaaaa"])
    assert "does not allow deleting" in caplog.text


@pytest.mark.docker
@pytest.mark.parametrize(
    ("password", "problem"), [("right", None), ("wrong", "does not accept these credentials")]
)
async def test_basic_credentials(tmp_path: Path, password: str, problem: str | None) -> None:
    process = private_registry(tmp_path)
    try:
        async with OciRegistry(RegistryOptions(process.host, username="bot", password=password)) as oci:
            answer = await oci.ping()
            if problem:
                with pytest.raises(GiveUp) as caught:
                    await oci.remove_tags(REPO, 1)
                assert caught.value.reason is Reason.REGISTRY_DENIED
                assert caught.value.facts == {"repository": f"{process.host}/team/shop"}
            else:
                assert (await oci.remove_tags(REPO, 1)).removed == 0
    finally:
        process.stop()

    assert (answer is None) if problem is None else (problem in str(answer))


async def test_an_unavailable_registry_is_retried_later() -> None:
    async with OciRegistry(RegistryOptions(f"127.0.0.1:{free_port()}")) as oci:
        with pytest.raises(RetryLater) as caught:
            await oci.remove_tags(REPO, 1)

        assert caught.value.reason is Reason.REGISTRY_UNAVAILABLE
        assert "127.0.0.1" in str(await oci.ping())


@pytest.mark.parametrize(("status", "delay"), [(500, None), (503, None), (429, 7.0)])
async def test_a_failing_registry_is_retried_later(status: int, delay: float | None) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, headers={"Retry-After": "7"} if delay else {})

    async with OciRegistry(RegistryOptions("r", transport=httpx.MockTransport(answer))) as oci:
        with pytest.raises(RetryLater) as caught:
            await oci.remove_tags(REPO, 1)

    assert caught.value.delay == delay


class TokenRegistry:
    """A registry with a token service, like Harbor's."""

    def __init__(self) -> None:
        self.given: list[str] = []
        self.deleted: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "token.example.com":
            return self._token(request)
        if request.headers.get("Authorization") not in {f"Bearer {scope}" for scope in self.given}:
            scope = f"repository:{'*' if request.method == 'DELETE' else 'pull'}"
            scope = "registry:catalog:*" if request.url.path == "/v2/_catalog" else scope
            challenge = f'Bearer realm="https://token.example.com/t",service="s",scope="{scope}"'
            return httpx.Response(401, headers={"WWW-Authenticate": challenge})
        if request.method == "DELETE":
            self.deleted.append(request.url.path)
            return httpx.Response(202)
        if request.method == "HEAD":
            return httpx.Response(200, headers={"Docker-Content-Digest": "sha256:00"})
        return httpx.Response(200, json={"name": NAME, "tags": ["pr-1-aaaaaaaa"]})

    def _token(self, request: httpx.Request) -> httpx.Response:
        if request.headers["Authorization"] != f"Basic {base64.b64encode(b'bot:pw').decode()}":
            return httpx.Response(401)
        assert request.url.params["service"] == "s"
        self.given.append(request.url.params["scope"])
        return httpx.Response(200, json={"token": request.url.params["scope"]})


async def test_another_service_than_a_registry_is_reported() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(404))

    async with OciRegistry(RegistryOptions("r", transport=transport)) as oci:
        assert await oci.ping() == "r is not a registry: 404"


async def test_the_token_comes_from_the_service_in_the_challenge() -> None:
    registry = TokenRegistry()

    async with OciRegistry(
        RegistryOptions("r", username="bot", password="pw", transport=httpx.MockTransport(registry))
    ) as oci:
        assert (await oci.remove_tags(REPO, 1)).removed == 1
        assert (await oci.remove_tags(REPO, 1)).removed == 1

    assert registry.deleted == ["/v2/team/shop/manifests/sha256:00"] * 2
    # One token for each kind of request, which the second request reuses.
    assert registry.given == ["registry:catalog:*", "repository:pull", "repository:pull", "repository:*"]


async def test_a_refusal_of_the_token_service_means_denied() -> None:
    async with OciRegistry(
        RegistryOptions("r", username="bot", password="no", transport=httpx.MockTransport(TokenRegistry()))
    ) as oci:
        with pytest.raises(GiveUp):
            await oci.remove_tags(REPO, 1)


@pytest.mark.parametrize("body", ["", "[]", '{"tags": null}', "<html>"])
async def test_invalid_responses_mean_no_tags(body: str) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, text=body))

    async with OciRegistry(RegistryOptions("r", transport=transport)) as oci:
        assert (await oci.remove_tags(REPO, 1)).removed == 0


def test_an_image_is_deleted_only_with_all_its_tags() -> None:
    digests = {"pr-1-a": "x", "pr-1-b": "x", "pr-1-c": "y", "latest": "y", "pr-12-a": "z"}

    assert deletable(digests, "pr-1-") == {"x": ["pr-1-a", "pr-1-b"]}


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1:5000", "http"), ("localhost:80", "http"), ("127.example.com", "https"), ("h", "https")],
)
def test_only_loopback_registries_use_http(host: str, expected: str) -> None:
    assert scheme(host) == expected
