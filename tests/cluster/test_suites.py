"""Test suites as jobs on a real cluster."""

import asyncio
import dataclasses
from typing import Any

import pytest

from bot.core import naming
from bot.model.errors import TellUser
from bot.model.reason import Reason
from bot.runners.kubernetes.suite import SuiteRun
from bot.runners.lines import LogWriter
from tests.cluster.access import PATIENCE, Access, named, wait_until
from tests.cluster.previews import Previews
from tests.real.clock import AdvancingLog
from tests.real.parts import Recorder

LASTING = "echo begun; sleep 600"


@pytest.fixture
async def deployed(previews: Previews, log: Recorder) -> Previews:
    await previews.platform.deploy(previews.environment(), log)
    return previews


def pods(cluster: Access, namespace: str) -> list[Any]:
    found = cluster.kind("v1", "Pod").get(namespace=namespace, label_selector="chatops.role=tests")
    return list(found.items)


async def said(log: Recorder, words: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while words not in log.text:  # noqa: ASYNC110 - a log tells nobody
            await asyncio.sleep(0.05)


async def test_a_suite_that_fails_still_hands_its_report_out(deployed: Previews, log: Recorder) -> None:
    command = (
        "wget -qO- $SERVICE_URL; mkdir -p /reports/deep; echo '<testsuite/>' > /reports/deep/j.xml; "
        "echo page > /reports/x.html; echo no > /reports/x.txt; echo '$(HOME) $$'; exit 3"
    )
    env = {"SERVICE_URL": deployed.platform.service_url(deployed.key, 8080)}

    output = await deployed.platform.run_tests(deployed.suite(command, env=env), log)

    assert output.exit_code == 3
    assert output.files == {"deep/j.xml": b"<testsuite/>\n", "x.html": b"page\n"}
    assert "at your service\n$(HOME) $$\n" in log.text


async def test_a_report_that_is_one_file_among_the_code(deployed: Previews, log: Recorder) -> None:
    command = "ls /bin/busybox && echo '<x/>' > /dev/shm/junit.xml"

    output = await deployed.platform.run_tests(deployed.suite(command, report="/dev/shm/junit.xml"), log)

    assert (output.exit_code, output.files) == (0, {"junit.xml": b"<x/>\n"})


async def test_output_is_shown_while_the_suite_runs_and_cancelling_stops_it(
    deployed: Previews, cluster: Access, log: Recorder
) -> None:
    testing = asyncio.create_task(deployed.platform.run_tests(deployed.suite(LASTING), log))
    await said(log, "begun\n")

    testing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await testing

    assert pods(cluster, deployed.namespace) == []
    assert not cluster.exists(named("batch/v1", "Job", "tests-unit", deployed.namespace))


async def test_a_suite_has_its_time(deployed: Previews, cluster: Access) -> None:
    # Which is over once it has begun, so that it has written what is to be told.
    with pytest.raises(TellUser) as caught:
        await deployed.platform.run_tests(deployed.suite(LASTING, timeout=500), AdvancingLog("begun\n", 500))

    assert caught.value.reason is Reason.TIMED_OUT
    assert caught.value.log.endswith("begun")
    assert pods(cluster, deployed.namespace) == []


async def test_a_suite_has_its_memory(deployed: Previews, log: Recorder) -> None:
    # More than once: of the last time an engine may hear when the container has ended already.
    command = "for time in 1 2 3; do tail /dev/zero; done; exit 1"

    with pytest.raises(TellUser) as caught:
        await deployed.platform.run_tests(deployed.suite(command, memory="16m"), log)

    assert caught.value.reason is Reason.OUT_OF_MEMORY


def begun(previews: Previews, run: int, command: str) -> SuiteRun:
    """Return a suite as a bot that is gone began it."""
    labels = previews.platform._labels(previews.key, naming.labels(previews.key, sha="a" * 40, run=run))
    return SuiteRun(
        previews.suite(command),
        previews.namespace,
        previews.cluster,
        previews.options,
        labels,
        LogWriter(Recorder()),
    )


async def test_a_restarted_bot_follows_the_suite_that_it_began(
    deployed: Previews, cluster: Access, log: Recorder
) -> None:
    await begun(deployed, 7, "echo begun; until [ -e /reports/over ]; do sleep 0.1; done")._start()
    wait_until(lambda: pods(cluster, deployed.namespace), "the pod of the tests")
    [before] = pods(cluster, deployed.namespace)

    testing = asyncio.create_task(deployed.platform.run_tests(deployed.suite("echo another"), log))
    await said(log, "begun\n")
    [now] = pods(cluster, deployed.namespace)
    pod = named("v1", "Pod", now.metadata.name, deployed.namespace)
    with cluster.running(pod, "tests", "touch", "/reports/over"):
        output = await testing

    assert now.metadata.uid == before.metadata.uid
    assert "another" not in log.text
    assert output.exit_code == 0


async def test_what_another_run_began_is_ended_first(
    deployed: Previews, cluster: Access, log: Recorder
) -> None:
    await begun(deployed, 6, LASTING)._start()

    output = await deployed.platform.run_tests(deployed.suite("echo mine"), log)

    assert output.exit_code == 0
    assert "mine" in log.text


async def test_what_nobody_follows_can_be_stopped(deployed: Previews, cluster: Access) -> None:
    await begun(deployed, 6, LASTING)._start()
    wait_until(lambda: pods(cluster, deployed.namespace), "the pod of the tests")

    await deployed.platform.stop_tests(deployed.key)

    assert pods(cluster, deployed.namespace) == []
    other = dataclasses.replace(deployed.key, name="elsewhere")
    await deployed.platform.stop_tests(other)


async def test_without_an_environment_there_is_nothing_to_test(previews: Previews, log: Recorder) -> None:
    with pytest.raises(TellUser) as caught:
        await previews.platform.run_tests(previews.suite("true"), log)

    assert caught.value.reason is Reason.NO_ENVIRONMENT


async def test_a_suite_on_its_own_gets_a_namespace_for_as_long_as_it_runs(
    previews: Previews, cluster: Access, log: Recorder
) -> None:
    output = await previews.platform.run_tests(previews.suite("echo alone", standalone=True), log)

    assert output.exit_code == 0
    assert "alone" in log.text
    assert not cluster.exists(named("v1", "Namespace", previews.namespace))


async def test_an_image_that_is_not_there_is_told(deployed: Previews, log: Recorder) -> None:
    gone = deployed.image.pinned[:-4] + "0000"

    with pytest.raises(TellUser) as caught:
        await deployed.platform.run_tests(deployed.suite("true", image=gone), log)

    assert caught.value.reason is Reason.IMAGE_PULL_FAILED
    assert caught.value.facts["image"] == gone
