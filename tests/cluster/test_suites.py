"""Test suites as Jobs on a real cluster."""

import asyncio
import dataclasses
from typing import Any

import pytest

from bot.core import naming
from bot.model.errors import TellUser
from bot.model.holder import ANYONE
from bot.model.reason import Reason
from bot.runners.kubernetes.suite import SuiteRun
from bot.runners.lines import LogWriter
from tests.cluster.access import PATIENCE, Access, named, wait_until
from tests.cluster.previews import Previews
from tests.fakes.log import FakeLog
from tests.real.clock import AdvancingLog

LASTING = "echo begun; sleep 600"


@pytest.fixture
async def deployed(previews: Previews, log: FakeLog) -> Previews:
    await previews.platform.deploy(previews.environment(), log)
    return previews


def pods(cluster: Access, namespace: str) -> list[Any]:
    found = cluster.kind("v1", "Pod").get(namespace=namespace, label_selector="chatops.role=tests")
    return list(found.items)


async def said(log: FakeLog, words: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while words not in log.text:  # noqa: ASYNC110 - a log has no event to wait for
            await asyncio.sleep(0.05)


async def test_a_suite_that_fails_still_returns_its_report(deployed: Previews, log: FakeLog) -> None:
    command = (
        "wget -qO- $SERVICE_URL; mkdir -p /reports/deep; echo '<testsuite/>' > /reports/deep/j.xml; "
        "echo page > /reports/x.html; echo no > /reports/x.txt; echo '$(HOME) $$'; exit 3"
    )
    env = {"SERVICE_URL": await deployed.platform.service_url(deployed.key, 8080)}

    output = await deployed.platform.run_tests(deployed.suite(command, env=env), log)

    assert output.exit_code == 3
    assert output.files == {"deep/j.xml": b"<testsuite/>\n", "x.html": b"page\n"}
    assert "at your service\n$(HOME) $$\n" in log.text


async def test_a_report_that_is_a_single_file_next_to_the_code_is_returned(
    deployed: Previews, log: FakeLog
) -> None:
    command = "ls /bin/busybox && echo '<x/>' > /dev/shm/junit.xml"

    output = await deployed.platform.run_tests(deployed.suite(command, report="/dev/shm/junit.xml"), log)

    assert (output.exit_code, output.files) == (0, {"junit.xml": b"<x/>\n"})


async def test_output_is_shown_while_the_suite_runs_until_it_is_stopped(
    deployed: Previews, cluster: Access, log: FakeLog
) -> None:
    testing = asyncio.create_task(deployed.platform.run_tests(deployed.suite(LASTING), log))
    await said(log, "begun\n")

    testing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await testing
    assert pods(cluster, deployed.namespace), "the caller may have lost its lease"
    await deployed.platform.stop_tests(deployed.key, ANYONE)

    assert pods(cluster, deployed.namespace) == []
    assert not cluster.exists(named("batch/v1", "Job", "tests-unit", deployed.namespace))


async def test_a_suite_times_out(deployed: Previews, cluster: Access) -> None:
    # The clock leaps once the suite has written its output, which the error must contain.
    with pytest.raises(TellUser) as caught:
        await deployed.platform.run_tests(deployed.suite(LASTING, timeout=500), AdvancingLog("begun\n", 500))

    assert caught.value.reason is Reason.TIMED_OUT
    assert caught.value.log.endswith("begun")
    assert pods(cluster, deployed.namespace) == []


async def test_a_suite_runs_out_of_memory(deployed: Previews, log: FakeLog) -> None:
    # More than once: an engine may miss the last event if the container has already ended.
    command = "for time in 1 2 3; do tail /dev/zero; done; exit 1"

    with pytest.raises(TellUser) as caught:
        await deployed.platform.run_tests(deployed.suite(command, memory="16m"), log)

    assert caught.value.reason is Reason.OUT_OF_MEMORY


def begun(previews: Previews, run: int, command: str) -> SuiteRun:
    """Return a suite that an earlier process of the bot started."""
    labels = previews.platform._labels(previews.key, naming.labels(previews.key, sha="a" * 40, run=run))
    return SuiteRun(
        previews.suite(command),
        previews.namespace,
        previews.cluster,
        previews.options,
        labels,
        LogWriter(FakeLog()),
    )


async def test_a_restarted_bot_resumes_its_suite(deployed: Previews, cluster: Access, log: FakeLog) -> None:
    await begun(deployed, 7, "echo begun; until [ -e /reports/over ]; do sleep 0.1; done").job.start()
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


async def test_the_suite_of_another_run_is_stopped_first(
    deployed: Previews, cluster: Access, log: FakeLog
) -> None:
    await begun(deployed, 6, LASTING).job.start()

    output = await deployed.platform.run_tests(deployed.suite("echo mine"), log)

    assert output.exit_code == 0
    assert "mine" in log.text


async def test_an_orphaned_suite_can_be_stopped(deployed: Previews, cluster: Access) -> None:
    await begun(deployed, 6, LASTING).job.start()
    wait_until(lambda: pods(cluster, deployed.namespace), "the pod of the tests")

    await deployed.platform.stop_tests(deployed.key, ANYONE)

    assert pods(cluster, deployed.namespace) == []
    other = dataclasses.replace(deployed.key, name="elsewhere")
    await deployed.platform.stop_tests(other, ANYONE)


async def test_without_an_environment_there_is_nothing_to_test(previews: Previews, log: FakeLog) -> None:
    with pytest.raises(TellUser) as caught:
        await previews.platform.run_tests(previews.suite("true"), log)

    assert caught.value.reason is Reason.NO_ENVIRONMENT


async def test_a_standalone_suite_has_a_namespace_while_it_runs(
    previews: Previews, cluster: Access, log: FakeLog
) -> None:
    output = await previews.platform.run_tests(previews.suite("echo alone", standalone=True), log)

    assert output.exit_code == 0
    assert "alone" in log.text
    assert not cluster.exists(named("v1", "Namespace", previews.namespace))


async def test_a_missing_image_is_reported(deployed: Previews, log: FakeLog) -> None:
    gone = deployed.image.pinned[:-4] + "0000"

    with pytest.raises(TellUser) as caught:
        await deployed.platform.run_tests(deployed.suite("true", image=gone), log)

    assert caught.value.reason is Reason.IMAGE_PULL_FAILED
    assert caught.value.facts["image"] == gone
