"""Commands that prepare data, as Jobs on a real cluster: between the services and the service."""

from typing import Any

import pytest

from bot.model.errors import TellUser
from bot.model.pipeline import SetupCommand
from bot.model.reason import Reason
from bot.model.secrets import SecretValue
from bot.ports import ServiceSpec, SetupSpec
from tests.cluster.access import Access, named
from tests.cluster.previews import Previews
from tests.cluster.visit import Visit
from tests.fakes.log import FakeLog

ADD = "#!/bin/sh\necho $REMOTE_ADDR:$REMOTE_PORT $(date +%T) >> /data/who; cat >> /data/said; echo; echo; ls"
STORE = f"mkdir -p /data/cgi-bin && cd /data && printf '%s' '{ADD}' > cgi-bin/add && chmod +x cgi-bin/add && "
STORE += ": > said && exec httpd -f -p 5432 -h /data"
SAY = "wget -q -O - --post-data"


def environment(previews: Previews, *commands: str, **changes: Any) -> Any:
    """Return an environment with a service that stores what is posted to it, and these commands."""
    store = ServiceSpec(
        "db", previews.image.pinned, command=("sh", "-c", STORE), port=5432, volumes=("/data",)
    )
    return previews.environment(
        services=[store], setup=SetupSpec(tuple(map(SetupCommand, commands)), 300), **changes
    )


def jobs(cluster: Access, namespace: str) -> list[Any]:
    return list(cluster.kind("batch/v1", "Job").get(namespace=namespace).items)


async def test_the_service_finds_what_the_commands_have_prepared(
    previews: Previews, cluster: Access, visit: Visit, log: FakeLog
) -> None:
    # Pods have their network only some moments after their start, later on a busy machine.
    fetch = "until wget -qO /tmp/who http://db:5432/who; do sleep 0.2; done; "
    fetch += "wget -qO /tmp/index.html http://db:5432/said; exec httpd -f -p 8080 -h /tmp"
    wanted = environment(
        previews,
        f"{SAY} one db:5432/cgi-bin/add",
        f'{SAY} " $WORD $(cat /run/secrets/key)" db:5432/cgi-bin/add',
        env={"WORD": "two"},
        secrets=[SecretValue("key", b"three")],
        restricted=True,
        command=("sh", "-c", fetch),
    )

    await previews.platform.deploy(wanted, log)

    who = visit(previews.host, "/who").text
    assert visit(previews.host).text == "one two three", f"posted by\n{who}{log.text}"
    assert jobs(cluster, previews.namespace) == []
    lines = log.text.splitlines()
    assert lines.index("setup 2 of 2 is done") < lines.index("applying Deployment/app")


async def test_a_failed_command_ends_the_deployment_and_says_why(
    previews: Previews, cluster: Access, log: FakeLog
) -> None:
    with pytest.raises(TellUser) as caught:
        await previews.platform.deploy(environment(previews, "echo no table users; exit 3"), log)

    assert (caught.value.reason, caught.value.facts["code"]) == (Reason.SETUP_FAILED, "3")
    assert caught.value.log == "no table users"
    assert "applying Deployment/app" not in log.text
    item = named("v1", "Namespace", previews.namespace)
    assert not cluster.exists(item) or cluster.get(item).metadata.deletionTimestamp
