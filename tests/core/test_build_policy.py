"""What builds and services may use, and what the refusal says."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from bot.core.admission.builds import BuildPolicy, cache_namespace, check
from bot.core.admission.images import ImagePolicy
from bot.model.errors import TellUser
from bot.model.forge import RepoPath
from bot.model.reason import Reason

REGISTRY = "harbor.example.com:5000"
OWN = f"{REGISTRY}/previews/team/shop"
OTHER = "previews/team/victim:pr-1-0a0a0a0a"
IMAGES = ImagePolicy(REGISTRY, "previews", (f"{REGISTRY}/base/*", "!*/base/secret", "previews/public"))
POLICY = BuildPolicy(addresses=("https://dl.example.com/*",), images=IMAGES)


@pytest.mark.parametrize(
    ("reference", "account"),
    [
        (f"{OWN}:pr-1-0a0a0a0a", True),
        (f"{OWN}@sha256:{'0' * 64}", True),
        (f"{REGISTRY}/base/python:3.11", True),
        ("previews/public:1", True),
        ("python", False),
        ("python:3.11@sha256:00", False),
        ("docker.io/previews/x", False),
        ("index.docker.io/library/python:3", False),
        ("registry.example.org/team/app:1", False),
        ("192.168.0.7:5000/base/python:3", False),
        ("registry:5000/base/python", False),
    ],
)
def test_an_image_that_may_be_used(reference: str, account: bool) -> None:  # noqa: FBT001 - a parameter
    assert IMAGES.allows(reference, OWN)
    assert IMAGES.entrusts(reference, OWN) is account


REFUSED = {
    "another repository's": f"{REGISTRY}/{OTHER}",
    "another owner's": f"{REGISTRY}/previews/other/shop:1",
    "one that begins like its own": f"{OWN}2:1",
    "one below its own": f"{OWN}/x:1",
    "another project's": f"{REGISTRY}/private/app:1",
    "a base that is excluded": f"{REGISTRY}/base/secret",
    "the registry in capitals": f"{REGISTRY.upper()}/{OTHER}",
    "the registry at another port": f"harbor.example.com:443/{OTHER}",
    "the registry at another name": f"evil.example.net/{OTHER}",
    "localhost": "localhost/a/b",
    "localhost with a port": "localhost:5000/a/b:1",
    "a name below localhost": "x.localhost:5000/a/b:1",
    "127.0.0.1": "127.0.0.1:5000/a/b:1",
    "another loopback address": "127.9.9.9/a/b",
    "no address": "0.0.0.0:5000/a/b",
    "the metadata service": "169.254.169.254/latest/meta-data:1",
    "a short address": "127.1:5000/a/b",
    "a decimal address": "2130706433:5000/a/b",
    "a hexadecimal address": "0x7f000001:5000/a/b",
    "mixed numbers": "127.0.0x0.1:5000/a/b",
    "an octal address": "0177.0.0.1:5000/a/b",
    "IPv6": "[::1]:5000/a/b",
}


@pytest.mark.attack
@pytest.mark.parametrize("reference", REFUSED.values(), ids=REFUSED)
def test_an_image_that_may_be_someone_elses_is_refused(reference: str) -> None:
    assert not IMAGES.entrusts(reference, OWN)
    for text in (f"FROM {reference}", f"FROM scratch\nCOPY --from={reference} / /"):
        with pytest.raises(TellUser) as caught:
            check(POLICY, "Dockerfile", text, {}, OWN)
        assert caught.value.reason is Reason.IMAGE_REFUSED
    with pytest.raises(TellUser):
        POLICY.check_image(reference, OWN, "services.db")


@pytest.mark.attack
@pytest.mark.parametrize("reference", ["6f81b8112c18", "cafe", "sha256:" + "0a" * 32, "DEAD", ""])
def test_a_service_cannot_name_an_image_by_its_id(reference: str) -> None:
    with pytest.raises(TellUser) as caught:
        POLICY.check_image(reference, OWN, "services.db")
    assert caught.value.facts["where"] == "services.db"


def test_without_a_project_only_the_registry_is_private() -> None:
    policy = ImagePolicy(REGISTRY)
    assert policy.allows(f"example.org/{OTHER}", f"{REGISTRY}/team/shop")
    assert not policy.allows(f"{REGISTRY}/{OTHER}", f"{REGISTRY}/team/shop")


def test_what_is_allowed_is_built() -> None:
    POLICY.check_image("postgres:16", OWN, "services.db")
    check(
        POLICY,
        "Dockerfile",
        "# syntax=docker.io/docker/dockerfile:1.7@sha256:00\nFROM python:3.11\n"
        "ADD https://dl.example.com/a.tgz /a\nRUN --mount=type=cache,target=/c curl http://example.com\n",
        {"VERSION": "1"},
        OWN,
    )
    check(POLICY, "Dockerfile", "FROM scratch", {"BUILDKIT_SYNTAX": "docker/dockerfile:1"}, OWN)


PRIVATE = f"{REGISTRY}/private/app"
OLD_FRONTEND, OTHER_FRONTEND = "docker/dockerfile-upstream:master", "evil.example.net/docker/dockerfile:1"
TWO = "https://dl.example.com/a http://h"
REFUSALS = [
    ("FROM scratch\nADD http://h/x /x", Reason.SOURCE_REFUSED, "d/Dockerfile:2", "http://h/x"),
    (
        "FROM scratch\nADD http://h/2 /x\nADD http://h/3 /x",
        Reason.SOURCE_REFUSED,
        "d/Dockerfile:2",
        "http://h/2",
    ),
    (f"FROM scratch\nENV A='{TWO}'\nADD $A /x", Reason.SOURCE_REFUSED, "d/Dockerfile:3", TWO),
    ("FROM debian\nADD $A /x", Reason.SOURCE_UNKNOWN, "d/Dockerfile:2", "$A"),
    (f"# syntax={OLD_FRONTEND}\nFROM scratch", Reason.FRONTEND_REFUSED, "d/Dockerfile:1", OLD_FRONTEND),
    (f"# syntax={OTHER_FRONTEND}\nFROM scratch", Reason.FRONTEND_REFUSED, "d/Dockerfile:1", OTHER_FRONTEND),
    ('{"syntax": "r/a"}', Reason.FRONTEND_REFUSED, "d/Dockerfile:1", '{"syntax": "r/a"}'),
]


@pytest.mark.attack
@pytest.mark.parametrize(("text", "reason", "where", "source"), REFUSALS)
def test_a_refusal_names_the_source_and_its_line(text: str, reason: Reason, where: str, source: str) -> None:
    assert refusal(text) == (reason, {"where": where, "source": source})


@pytest.mark.attack
def test_other_refusals_name_what_they_are_about() -> None:
    args = {"BUILDKIT_SYNTAX": "r/a"}
    assert refusal("FROM scratch", args) == (
        Reason.FRONTEND_REFUSED,
        {"where": "build.args", "source": "r/a"},
    )
    setting = f'bases = ["{PRIVATE}"]'
    assert refusal(f"FROM {PRIVATE}:1") == (
        Reason.IMAGE_REFUSED,
        {"where": "d/Dockerfile:1", "image": f"{PRIVATE}:1", "setting": setting},
    )
    message = r"d/Dockerfile:2: '\x1c' is read differently by versions of BuildKit"
    assert refusal("FROM scratch\nRUN \x1c") == (Reason.DOCKERFILE_INVALID, {"message": message})


def test_a_secret_that_the_build_does_not_get_is_refused_with_its_line() -> None:
    text = "FROM scratch\nRUN --mount=type=secret,id=npm \\\n  --mount=type=secret,id=pip true"
    for secrets, missing in (((), "npm"), (("npm",), "pip"), (("pip", "other"), "npm")):
        with pytest.raises(TellUser) as caught:
            check(replace(POLICY, secrets=secrets), "d/Dockerfile", text, {}, OWN)
        assert caught.value.reason is Reason.SECRET_NOT_LISTED
        facts = {"where": "d/Dockerfile:2", "name": missing, "setting": f"secrets: [{missing}]"}
        assert caught.value.facts == facts
    check(replace(POLICY, secrets=("npm", "pip")), "d/Dockerfile", text, {}, OWN)
    check(POLICY, "d/Dockerfile", "FROM scratch\nRUN --mount=type=secret,id=$A true", {}, OWN)


def refusal(text: str, args: Mapping[str, str] | None = None) -> tuple[Reason, Mapping[str, str]]:
    """Return why a Dockerfile is refused."""
    with pytest.raises(TellUser) as caught:
        check(POLICY, "d/Dockerfile", text, args or {}, OWN)
    return caught.value.reason, caught.value.facts


def test_caches_are_apart() -> None:
    shop, blog = RepoPath("team", "Shop"), RepoPath("team", "blog")
    spaces = {
        cache_namespace(bot, repo, number, trusted=trusted)
        for bot in ("a", "b")
        for repo in (shop, blog)
        for number in (1, 2)
        for trusted in (True, False)
    }
    assert spaces == {
        f"{bot}/team/{name}{number}"
        for bot in "ab"
        for name in ("shop", "blog")
        for number in ("", "!1", "!2")
    }
