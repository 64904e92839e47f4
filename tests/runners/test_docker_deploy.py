"""Deployments with a real engine."""

import asyncio
import io
import socket
from contextlib import suppress
from dataclasses import replace

import aiohttp
import pytest
from docker.models.containers import Container

from bot.core.naming import LABEL_ENVIRONMENT, LABEL_INSTANCE, LABEL_NUMBER, LABEL_REPO
from bot.model.environment import Endpoint
from bot.model.errors import TellUser
from bot.model.holder import ANYONE
from bot.model.reason import Reason
from bot.ports import ServiceSpec
from bot.runners.docker.containers import Containers
from bot.runners.docker.disk_usage import DiskUsage
from bot.runners.docker.engine import DockerEngine
from bot.runners.docker.health import address
from bot.runners.docker.platform import DockerPlatform
from tests.real.parts import RegistryProcess, build_image, tar
from tests.runners.conftest import KEY, TOO_MUCH, Stage
from tests.runners.waiting import until

pytestmark = pytest.mark.docker


async def get(endpoint: Endpoint, path: str = "/") -> str:
    url = f"http://{endpoint.host}:{endpoint.port}{path}"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return await response.text()


async def test_a_deployed_service_answers_at_its_endpoint_with_its_variables(stage: Stage) -> None:
    script = 'mkdir /tmp/www; echo "$GREETING" > /tmp/www/index.html; exec httpd -f -p 8080 -h /tmp/www'

    endpoint = await stage.platform.deploy(
        stage.spec(env={"GREETING": "你好 $HOME"}, command=("sh", "-c", script)), stage.log
    )

    assert endpoint.port == 8080
    assert await get(endpoint) == "你好 $HOME\n"
    assert await stage.platform.service_url(KEY, 8080) == "http://app.internal:8080"


async def test_everything_is_labeled_and_restarts_after_a_reboot(stage: Stage) -> None:
    await stage.platform.deploy(stage.spec(labels={"chatops.run": "7"}), stage.log)

    app = stage.container("app")
    expected = {LABEL_INSTANCE: stage.instance, LABEL_REPO: "team/shop", LABEL_NUMBER: "12"}
    assert {**expected, LABEL_ENVIRONMENT: "preview", "chatops.run": "7"}.items() <= app.labels.items()
    assert app.attrs["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
    assert len(stage.networks) == 1


async def test_the_pinned_digest_runs_and_is_pulled_if_missing(stage: Stage) -> None:
    image = stage.push("EXPOSE 8081\n")
    stage.sdk.images.remove(image.reference, force=True)

    endpoint = await stage.platform.deploy(stage.spec(image=image, command=("httpd", "-fp8081")), stage.log)

    assert endpoint.port == 8081
    assert stage.container("app").attrs["Config"]["Image"] == image.pinned


async def test_services_are_ready_first_and_reachable_by_name(stage: Stage) -> None:
    database = ServiceSpec(
        name="db",
        image=stage.tests_image,
        env={"MODE": "fast"},
        # Opens its port late; the service under test must not have started before.
        command=("sh", "-c", "mkdir /var/lib/data; sleep 0.5; exec httpd -f -p 5432"),
        port=5432,
    )
    script = "nslookup db > /tmp/found; exec httpd -f -p 8080 -h /tmp"

    endpoint = await stage.platform.deploy(
        stage.spec(services=[database], command=("sh", "-c", script)), stage.log
    )

    networks = stage.container("db").attrs["NetworkSettings"]["Networks"].values()
    assert next(iter(networks))["IPAddress"] in await get(endpoint, "/found")
    assert stage.log.text.index("db is ready") < stage.log.text.index("starting app")
    assert "MODE=fast" in stage.container("db").attrs["Config"]["Env"]


async def test_services_that_do_not_depend_on_each_other_start_together(stage: Stage) -> None:
    # Each is ready only once the other one has started: one after the other, neither would ever be.
    meet = "until nslookup {other}; do sleep 0.1; done; exec httpd -f -p 80 -h /tmp"
    left, right = (
        ServiceSpec(name, stage.tests_image, command=("sh", "-c", meet.format(other=other)), port=80)
        for name, other in (("left", "right"), ("right", "left"))
    )
    last = ServiceSpec("api", stage.tests_image, command=("sleep", "999"), depends_on=("left", "right"))

    await stage.platform.deploy(stage.spec(services=[last, left, right]), stage.log)

    lines = stage.log.text.splitlines()
    assert lines.index("left is ready") < lines.index(f"starting api from {stage.tests_image}")
    assert lines.index("right is ready") < lines.index(f"starting api from {stage.tests_image}")
    assert lines.index("api is ready") < lines.index(f"starting app from {stage.image.pinned}")


async def test_a_service_with_a_health_path_is_ready_once_it_answers(stage: Stage) -> None:
    # Its port is open at once, with 404; the page is there later.
    late = "mkdir /late; httpd -p 80 -h /late; sleep 0.5; touch /late/ready; exec sleep 999"
    api = ServiceSpec("api", stage.tests_image, command=("sh", "-c", late), port=80, health_path="/ready")
    script = "wget -O /tmp/found http://api/ready && exec httpd -f -p 8080 -h /tmp"

    endpoint = await stage.platform.deploy(
        stage.spec(services=[api], command=("sh", "-c", script)), stage.log
    )

    assert await get(endpoint, "/found") == ""


@pytest.mark.parametrize("failing", ["db", "cache"])
async def test_a_service_that_exits_is_named_while_others_still_start(stage: Stage, failing: str) -> None:
    script = "echo 'FATAL: no password was given'; exit 3"
    db, cache = (
        ServiceSpec(
            name, stage.tests_image, command=("sh", "-c", script if name == failing else "sleep 999"), port=1
        )
        for name in ("db", "cache")
    )

    with pytest.raises(TellUser) as caught:
        await stage.platform.deploy(stage.spec(services=[db, cache]), stage.log)

    facts = {"name": failing, "code": "3"}
    assert (caught.value.reason, caught.value.facts) == (Reason.CONTAINER_EXITED, facts)
    assert caught.value.log == "FATAL: no password was given"
    assert "starting app" not in stage.log.text
    assert stage.empty


async def test_a_service_that_has_died_is_named_instead_of_what_depends_on_it(stage: Stage) -> None:
    script = "nc -l -p 5432 > /dev/null; echo 'FATAL: disk is full'; exit 3"
    ask = "echo | nc db 5432; while nslookup db; do sleep 0.1; done; echo 'Connection refused'; exit 1"
    db = ServiceSpec("db", stage.tests_image, command=("sh", "-c", script))

    with pytest.raises(TellUser) as caught:
        await stage.platform.deploy(stage.spec(services=[db], command=("sh", "-c", ask)), stage.log)

    assert (caught.value.reason, caught.value.facts) == (
        Reason.CONTAINER_EXITED,
        {"name": "db", "code": "3"},
    )
    assert caught.value.log == "FATAL: disk is full"
    assert "Connection refused" in stage.log.text
    assert stage.empty


async def test_a_service_that_has_died_is_named_although_the_app_answers(stage: Stage) -> None:
    script = "until nslookup app > /dev/null; do sleep 0.1; done; echo 'ImportError: no Stroe'; exit 1"
    worker = ServiceSpec("worker", stage.tests_image, command=("sh", "-c", f"({script}) 2> /dev/null"))
    serve = "mkdir /tmp/www; while nslookup worker; do sleep 0.1; done; exec httpd -f -p 8080 -h /tmp/www"

    with pytest.raises(TellUser) as caught:
        await stage.platform.deploy(stage.spec(services=[worker], command=("sh", "-c", serve)), stage.log)

    facts = {"name": "worker", "code": "1"}
    assert (caught.value.reason, caught.value.facts) == (Reason.CONTAINER_EXITED, facts)
    assert caught.value.log == "ImportError: no Stroe"
    assert stage.empty


async def test_the_data_of_a_service_is_counted_and_removed_with_it(
    stage: Stage, engine: DockerEngine
) -> None:
    script = "head -c 3000000 /dev/zero > /var/lib/data/file; exec httpd -f -p 80 -h /tmp"
    db = ServiceSpec(
        "db", stage.tests_image, command=("sh", "-c", script), port=80, volumes=("/var/lib/data",)
    )
    await stage.platform.deploy(stage.spec(services=[db]), stage.log)
    container = stage.container("db")
    [mount] = container.attrs["Mounts"]

    assert (mount["Type"], mount["Destination"]) == ("volume", "/var/lib/data")
    assert await DiskUsage(engine, stage.instance).size(str(container.id)) >= 3_000_000

    await stage.platform.remove(KEY, ANYONE)

    assert mount["Name"] not in {volume.name for volume in stage.sdk.volumes.list()}


async def test_each_service_has_its_own_memory(stage: Stage) -> None:
    services = [
        ServiceSpec("large", stage.tests_image, command=("sleep", "999"), memory="48m"),
        ServiceSpec("small", stage.tests_image, command=("sleep", "999")),
    ]

    await stage.platform.deploy(stage.spec(services=services), stage.log)

    found = {part: stage.container(part).attrs["HostConfig"]["Memory"] for part in ("large", "small")}
    assert found == {"large": 48 << 20, "small": 32 << 20}


async def test_a_second_deployment_replaces_all_containers(stage: Stage) -> None:
    service = ServiceSpec(name="cache", image=stage.tests_image, command=("sleep", "999"))
    first = await stage.platform.deploy(stage.spec(services=[service]), stage.log)
    before = {container.id for container in stage.containers}

    second = await stage.platform.deploy(stage.spec(), stage.log)

    assert first == second
    assert len(stage.containers) == 1
    assert stage.containers[0].id not in before
    assert len(stage.networks) == 1


async def test_remove_deletes_one_environment_and_nothing_else(stage: Stage, engine: DockerEngine) -> None:
    other = replace(KEY, name="staging")
    await stage.platform.deploy(stage.spec(), stage.log)
    await stage.platform.deploy(stage.spec(key=other), stage.log)
    stranger = DockerPlatform(engine, instance=f"{stage.instance}-other")
    await stranger.remove(KEY, ANYONE)

    await stage.platform.remove(KEY, ANYONE)

    assert [container.labels[LABEL_ENVIRONMENT] for container in stage.containers] == ["staging"]
    assert len(stage.networks) == 1
    await stage.platform.remove(other, ANYONE)
    await stage.platform.remove(other, ANYONE)
    assert stage.empty


async def test_anonymous_volumes_are_removed_with_their_containers(stage: Stage) -> None:
    image = stage.push("VOLUME /data\n")
    service = ServiceSpec(name="db", image=image.reference, command=("sleep", "999"))
    await stage.platform.deploy(stage.spec(services=[service]), stage.log)
    name = stage.container("db").attrs["Mounts"][0]["Name"]

    await stage.platform.remove(KEY, ANYONE)

    assert name not in {volume.name for volume in stage.sdk.volumes.list()}


async def test_a_container_that_exits_at_once_is_reported_with_its_last_lines(stage: Stage) -> None:
    command = ("sh", "-c", "echo 'no config' >&2; exit 4")

    with pytest.raises(TellUser) as caught:
        await stage.platform.deploy(stage.spec(command=command), stage.log)

    assert (caught.value.reason, caught.value.facts) == (
        Reason.CONTAINER_EXITED,
        {"name": "app", "code": "4"},
    )
    assert caught.value.log == "no config"
    assert "no config" in stage.log.text
    assert stage.empty


@pytest.mark.parametrize(
    ("recipe", "words"),
    [('USER nosuch\nCMD ["httpd"]\n', "nosuch"), ("", "No command specified")],
    ids=["user", "command"],
)
async def test_an_image_that_the_engine_cannot_start_is_reported(
    stage: Stage, recipe: str, words: str
) -> None:
    with pytest.raises(TellUser) as caught:
        await stage.platform.deploy(stage.spec(image=stage.push(recipe), port=80), stage.log)

    assert caught.value.reason is Reason.CONTAINER_EXITED
    assert words in caught.value.log
    assert stage.empty


async def test_a_missing_command_is_reported(stage: Stage) -> None:
    with pytest.raises(TellUser) as caught:
        await stage.platform.deploy(stage.spec(command=("/no/such/program",)), stage.log)

    assert caught.value.facts == {"name": "app", "code": "127"}
    assert "/no/such/program" in caught.value.log
    assert stage.empty


@pytest.mark.parametrize(
    "changes",
    [{"command": ("sleep", "999")}, {"health_path": "/absent"}],
    ids=["no open port", "404"],
)
async def test_a_service_that_never_becomes_healthy_is_reported(
    stage: Stage, changes: dict[str, object]
) -> None:
    with pytest.raises(TellUser) as caught:
        await stage.platform.deploy(stage.spec(health_timeout=1, **changes), stage.log)

    assert (caught.value.reason, caught.value.facts) == (Reason.UNHEALTHY, {"name": "app", "seconds": "1"})
    assert stage.empty


SILENT = "exec nc -ll -p 8080 -e sleep 999"
"""Accepts connections on the port and never answers."""


async def test_an_open_port_that_answers_no_request_is_not_ready(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = stage.spec(command=("sh", "-c", SILENT), health_timeout=1)
    start = Containers.start

    async def start_and_listen(containers: Containers, container: str) -> None:
        """Start the timeout once the port is open."""
        await start(containers, container)
        await until(lambda: accepts_connections(address(stage.container("app").attrs)))

    monkeypatch.setattr(Containers, "start", start_and_listen)
    with pytest.raises(TellUser) as caught:
        await stage.platform.deploy(spec, stage.log)

    facts = {"name": "app", "port": "8080", "seconds": "1"}
    assert (caught.value.reason, caught.value.facts) == (Reason.NO_HTTP, facts)
    assert stage.empty


def accepts_connections(host: str) -> bool:
    with suppress(OSError), socket.create_connection((host, 8080), timeout=1):
        return True
    return False


async def test_an_open_port_is_enough_for_a_service_without_http(stage: Stage) -> None:
    endpoint = await stage.platform.deploy(stage.spec(command=("sh", "-c", SILENT), http=False), stage.log)

    assert endpoint.port == 8080


async def test_any_answer_by_http_is_ready(stage: Stage) -> None:
    command = ("sh", "-c", "mkdir /empty; exec httpd -f -p 8080 -h /empty")

    endpoint = await stage.platform.deploy(stage.spec(command=command), stage.log)

    assert "404" in await get(endpoint)


async def test_a_service_that_the_operator_restricts_names_the_operators_setting(stage: Stage) -> None:
    command = ("sh", "-c", "touch /made || exit 3")

    with pytest.raises(TellUser) as caught:
        await stage.platform.deploy(stage.spec(command=command, trusted=False), stage.log)

    facts = {"name": "app", "code": "3", "setting": "[docker] restricted"}
    assert (caught.value.reason, caught.value.facts) == (Reason.READ_ONLY, facts)


async def test_path_that_answers_after_a_while_is_healthy(stage: Stage) -> None:
    command = ("sh", "-c", "sleep 0.5; exec httpd -f -p 8080 -h /www")

    endpoint = await stage.platform.deploy(stage.spec(health_path="index.html", command=command), stage.log)

    assert await get(endpoint) == "at your service\n"


HEALTHCHECK = "HEALTHCHECK --interval=100ms CMD test -e /tmp/ready || { echo not yet; exit 1; }\n"


async def test_healthcheck_of_the_image_decides(stage: Stage) -> None:
    script = "sleep 0.5; touch /tmp/ready; exec sleep 999"
    spec = stage.spec(image=stage.push(HEALTHCHECK), port=1, command=("sh", "-c", script))

    await stage.platform.deploy(spec, stage.log)

    assert stage.container("app").attrs["State"]["Health"]["Status"] == "healthy"


async def test_the_output_of_a_failed_healthcheck_is_reported(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "echo started; exec sleep 999"
    spec = stage.spec(image=stage.push(HEALTHCHECK), port=1, command=("sh", "-c", script), health_timeout=1)
    start = Containers.start

    async def start_and_look(containers: Containers, container: str) -> None:
        """Start the timeout once there is something to report."""
        await start(containers, container)
        await until(lambda: has_spoken(stage.container("app")))

    monkeypatch.setattr(Containers, "start", start_and_look)
    with pytest.raises(TellUser) as caught:
        await stage.platform.deploy(spec, stage.log)

    assert caught.value.reason is Reason.UNHEALTHY
    assert caught.value.log == "started\nnot yet"


def has_spoken(container: Container) -> bool:
    """Return whether the container and its health check have written their output."""
    checks = container.attrs["State"]["Health"]["Log"]
    return b"started" in container.logs() and any("not yet" in check["Output"] for check in checks)


async def test_exceeding_the_memory_limit_is_reported(stage: Stage) -> None:
    with pytest.raises(TellUser) as caught:
        await stage.platform.deploy(stage.spec(memory="16m", command=("sh", "-c", TOO_MUCH)), stage.log)

    assert (caught.value.reason, caught.value.facts) == (
        Reason.OUT_OF_MEMORY,
        {"name": "app", "limit": "16m"},
    )
    assert stage.empty


async def test_image_without_a_port_needs_one_configured(stage: Stage) -> None:
    with pytest.raises(TellUser) as caught:
        await stage.platform.deploy(stage.spec(image=stage.push("")), stage.log)

    assert caught.value.reason is Reason.NO_PORT
    assert stage.empty


@pytest.mark.parametrize("name", ["HOST/team/absent:9", "../../containers/x", "no such/image?", "-f", ""])
async def test_a_missing_image_of_a_service_is_reported(
    stage: Stage, registry: RegistryProcess, name: str
) -> None:
    image = name.replace("HOST", registry.host)

    with pytest.raises(TellUser) as caught:
        await stage.platform.deploy(stage.spec(services=[ServiceSpec("db", image)]), stage.log)

    assert (caught.value.reason, caught.value.facts) == (Reason.IMAGE_MISSING, {"image": image})
    assert stage.empty


async def test_cancelling_in_the_middle_touches_nothing(stage: Stage) -> None:
    deploying = asyncio.create_task(stage.platform.deploy(stage.spec(command=("sleep", "999")), stage.log))
    await until(lambda: bool(stage.containers))

    deploying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await deploying

    assert stage.containers
    await stage.platform.remove(KEY, ANYONE)
    assert stage.empty


async def test_removes_the_images_of_one_pull_request(stage: Stage) -> None:
    tags = {number: f"chatops-{stage.instance}:pr-{number}" for number in (12, 13)}
    for number, tag in tags.items():
        build_image(
            stage.sdk,
            fileobj=io.BytesIO(tar({"Dockerfile": f"FROM {stage.tests_image}\n"})),
            custom_context=True,
            tag=tag,
            labels={LABEL_INSTANCE: stage.instance, LABEL_REPO: "team/shop", LABEL_NUMBER: str(number)},
        )

    await stage.platform.remove_images(KEY.repo, 12, ANYONE)
    await stage.platform.remove_images(KEY.repo, 12, ANYONE)

    left = {tag for image in stage.sdk.api.images() for tag in image["RepoTags"] or ()}
    assert tags[13] in left
    assert tags[12] not in left
