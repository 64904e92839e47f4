"""Commands that prepare an environment's data, with a real engine."""

import asyncio
from typing import Any

import pytest

from bot.core import naming
from bot.model.errors import TellUser
from bot.model.holder import Holder
from bot.model.pipeline import SetupCommand
from bot.model.reason import Reason
from bot.model.secrets import SecretValue
from bot.ports import ServiceSpec, SetupSpec
from bot.runners.docker.container import ContainerLimits
from bot.runners.docker.platform import DockerPlatform
from tests.real.clock import AdvancingLog
from tests.runners.conftest import KEY, TOO_MUCH, Stage
from tests.runners.test_docker_deploy import get
from tests.runners.waiting import until

pytestmark = pytest.mark.docker

STORE = "mkdir -p /www/cgi-bin && cd /www && printf '%s' '#!/bin/sh\ncat >> /www/said; echo; echo; ls' "
STORE += "> cgi-bin/add && chmod +x cgi-bin/add && : > said && exec httpd -f -p 5432"
SAY = "wget -q -O - --post-data"


def database(stage: Stage) -> ServiceSpec:
    """Return a service that stores what is posted to `/cgi-bin/add`, and shows it at `/said`."""
    return ServiceSpec("db", stage.tests_image, command=("sh", "-c", STORE), port=5432)


def setup(*commands: str, timeout: int = 600) -> SetupSpec:
    return SetupSpec(tuple(map(SetupCommand, commands)), timeout)


async def failed(stage: Stage, *commands: str, **changes: Any) -> TellUser:
    """Deploy with these commands, of which one fails, and return why."""
    with pytest.raises(TellUser) as caught:
        await stage.platform.deploy(stage.spec(setup=setup(*commands), **changes), stage.log)
    assert stage.empty
    return caught.value


async def test_commands_run_in_order_after_the_services_and_before_the_service(stage: Stage) -> None:
    said = "echo seen by $0 $(wget -q -O - db:5432/said) > /tmp/index.html"
    script = f"{said}; exec httpd -f -p 8080 -h /tmp"

    endpoint = await stage.platform.deploy(
        stage.spec(
            services=[database(stage)],
            setup=setup(f"{SAY} one db:5432/cgi-bin/add", f'{SAY} " $WORD" db:5432/cgi-bin/add'),
            env={"WORD": "two"},
            command=("sh", "-c", script, "app"),
        ),
        stage.log,
    )

    assert await get(endpoint) == "seen by app one two\n"
    lines = stage.log.text.splitlines()
    wanted = ["db is ready", f"setup 1 of 2: {SAY} one db:5432/cgi-bin/add", "setup 1 of 2 is done"]
    assert [line for line in lines if line in wanted] == wanted
    assert lines.index("setup 2 of 2 is done") < lines.index("app is ready")
    assert sorted(str(one.name).rpartition("-")[2] for one in stage.containers) == ["app", "db"]


async def test_output_comes_as_it_is_written(stage: Stage) -> None:
    deploying = asyncio.create_task(
        stage.platform.deploy(stage.spec(setup=setup("echo begun; exec sleep 999")), stage.log)
    )
    await until(lambda: "\nbegun\n" in stage.log.text)
    deploying.cancel()
    await asyncio.gather(deploying, return_exceptions=True)
    await stage.platform.remove(KEY, Holder(1))
    assert stage.empty


async def test_a_command_that_fails_ends_the_deployment_and_says_why(stage: Stage) -> None:
    error = await failed(
        stage, "true", "echo no table users; exit 3", "echo never", services=[database(stage)]
    )

    assert error.reason is Reason.SETUP_FAILED
    assert error.facts == {"name": "setup", "command": "echo no table users; exit 3", "code": "3"}
    assert error.log == "no table users"
    assert "never" not in stage.log.text
    assert "starting app" not in stage.log.text


async def test_an_image_without_a_shell_says_so(stage: Stage) -> None:
    image = stage.push('RUN rm /bin/sh\nCMD ["/bin/httpd", "-f", "-p", "8080"]\n')

    error = await failed(stage, "migrate", image=image)

    assert (error.reason, error.facts["code"]) == (Reason.SETUP_FAILED, "127")
    assert "/bin/sh" in error.log


async def test_a_service_that_dies_during_the_setup_is_named(stage: Stage) -> None:
    script = "nc -l -p 9999 -e touch /tmp/hit & httpd -p 5432;"
    script += " while [ ! -e /tmp/hit ]; do sleep 0.05; done; echo no space; exit 7"
    dying = ServiceSpec("db", stage.tests_image, command=("sh", "-c", script), port=5432)

    error = await failed(
        stage, "nc db 9999; while nc -z db 5432; do sleep 0.05; done; exit 1", services=[dying]
    )

    assert (error.reason, error.facts) == (Reason.CONTAINER_EXITED, {"name": "db", "code": "7"})


async def test_secrets_reach_the_commands_and_stay_nowhere(stage: Stage) -> None:
    secrets = [SecretValue("key", b"hunter2"), SecretValue("word", b"open", variable="WORD")]
    read = "test $(cat /run/secrets/key)$WORD = hunter2open"

    await stage.platform.deploy(stage.spec(setup=setup(read, read), secrets=secrets), stage.log)

    assert sorted(str(one.name).rpartition("-")[2] for one in stage.containers) == ["app", "app.secrets"]


async def test_a_restricted_service_is_set_up_restricted(stage: Stage) -> None:
    error = await failed(stage, "echo x > /x", restricted=True)
    assert error.reason is Reason.SETUP_FAILED
    assert "Read-only file system" in error.log

    stage.platform = DockerPlatform(
        stage.platform._engine, instance=stage.instance, limits=ContainerLimits(restricted="all")
    )
    error = await failed(stage, "echo x > /x")
    assert (error.reason, error.facts["setting"]) == (Reason.READ_ONLY, "[docker] restricted")


async def test_only_a_restricted_setup_lacks_the_capabilities_of_ordinary_images(stage: Stage) -> None:
    await stage.platform.deploy(stage.spec(setup=setup("chown 1000 /tmp")), stage.log)
    await failed(stage, "chown 1000 /tmp", restricted=True)


async def test_the_deployment_beside_stays_when_the_setup_of_the_next_one_fails(stage: Stage) -> None:
    first, second = ({"labels": naming.labels(KEY, sha="1a2b", run=run, attempt=0)} for run in (1, 2))
    endpoint = await stage.platform.deploy(stage.spec(**first), stage.log)
    before = {str(one.id) for one in stage.containers}

    with pytest.raises(TellUser):
        await stage.platform.deploy(
            stage.spec(**second, beside=Holder(1), setup=setup("exit 1"), services=[database(stage)]),
            stage.log,
        )

    assert {str(one.id) for one in stage.containers} == before
    await get(endpoint)


@pytest.mark.attack
async def test_a_setup_over_its_timeout_is_stopped_and_reported(stage: Stage) -> None:
    spec = stage.spec(setup=setup("true", "echo begun; exec sleep 999", timeout=60))

    with pytest.raises(TellUser) as caught:
        await stage.platform.deploy(spec, AdvancingLog("begun\n", 60))

    assert (caught.value.reason, caught.value.facts) == (
        Reason.SETUP_TIMED_OUT,
        {"name": "setup", "command": "echo begun; exec sleep 999", "seconds": "60"},
    )
    assert caught.value.log == "begun"
    assert stage.empty


@pytest.mark.attack
async def test_a_setup_over_its_memory_limit_is_reported(stage: Stage) -> None:
    error = await failed(stage, TOO_MUCH, memory="16m")

    assert (error.reason, error.facts) == (Reason.OUT_OF_MEMORY, {"name": "setup", "limit": "16m"})


@pytest.mark.attack
async def test_what_a_command_leaves_running_ends_with_it(stage: Stage) -> None:
    stay = "(trap '' HUP TERM INT; while :; do sleep 1; done) & setsid sleep 999 & echo left"

    await stage.platform.deploy(stage.spec(setup=setup(stay)), stage.log)

    assert [str(one.name).rpartition("-")[2] for one in stage.containers] == ["app"]


@pytest.mark.attack
async def test_output_without_end_is_cut_and_does_not_fill_the_log(stage: Stage) -> None:
    await stage.platform.deploy(stage.spec(setup=setup("yes no | head -c 40000000", "echo after")), stage.log)

    assert len(stage.log.text) < 3 << 20
    assert "too much output: the rest is not stored" in stage.log.notes
    assert "\nafter\n" in stage.log.text
    assert stage.log.text.endswith("app is ready\n")
