"""Steps as Jenkins jobs, with the offline Jenkins over real HTTP."""

import asyncio
from datetime import timedelta

import pytest

from bot.core.results import cases
from bot.model.reason import Reason
from bot.model.run import RunState, StopRequest
from playground.jenkins.server import OfflineJenkins
from playground.jenkins.state import Permission
from playground.jenkins.stories import BuildHandle, fails, gated, reporting
from tests.dialogue.offline import OfflineTester
from tests.store.stopping import request_stop

DIGEST = "sha256:" + "a" * 64
BUILD = """\
on: {open: [build], update: [build]}
build: {runner: jenkins, job: "{owner}/build-image", timeout: 7200}
"""
EVERYTHING = """\
build: {runner: jenkins, job: "{owner}/build-image"}
deploy:
  runner: jenkins
  job: "{owner}/shop/PR-{number}"
  parameters: {RELEASE: "{host_label}", REF: "{branch}@{short_sha}"}
test: {runner: jenkins, job: "{owner}/e2e", suites: {fast: make fast, slow: make slow}}
teardown: {runner: jenkins, job: "{owner}/down"}
"""
HOST = "pr-1-shop.test.example.com"
URL = "https://pr-1-shop.k8s.example.com/"
reports_image = reporting(IMAGE="{CHATOPS_IMAGE}", IMAGE_DIGEST=DIGEST)
reports_url = reporting(SERVICE_URL=URL)


async def test_a_job_builds_and_reports_its_image(tester: OfflineTester, jenkins: OfflineJenkins) -> None:
    job = jenkins.add_job("team/build-image", reports_image)
    await tester.configure(BUILD)
    said = await tester.opened()
    assert "Image built" in said
    assert f"[job](<{jenkins.url}/job/team/job/build-image/1/>)" in said
    (build,) = job.builds.values()
    assert build.parameters["CHATOPS_SHA"] == tester.head
    assert build.parameters["CHATOPS_REPOSITORY"] == "team/shop"
    (run,) = await tester.runs()
    assert run.steps[0].result is not None
    image = run.steps[0].result.image
    assert image is not None
    assert (image.reference, image.digest) == (build.parameters["CHATOPS_IMAGE"], DIGEST)
    assert "archiving the results" in tester.world.logs[1, "build"].text


async def everything_passes(handle: BuildHandle) -> str:
    handle.publish({"adds": None, "removes": None})
    return "SUCCESS"


async def one_test_fails(handle: BuildHandle) -> str:
    handle.publish({"adds": None, "removes": "2 != 3"})
    return "UNSTABLE"


async def test_jobs_execute_all_steps(tester: OfflineTester, jenkins: OfflineJenkins) -> None:
    jenkins.add_job("team/build-image", reports_image)
    parameters = ("CHATOPS_RUN", "CHATOPS_IMAGE", "CHATOPS_HOST", "CHATOPS_ENVIRONMENT", "RELEASE", "REF")
    deploy = jenkins.add_job("team/shop/PR-1", reports_url, parameters=(*parameters, "CHATOPS_HOST_LABEL"))
    e2e = jenkins.add_job("team/e2e", everything_passes)
    down = jenkins.add_job("team/down")
    await tester.configure(EVERYTHING)
    said = await tester.opened()
    assert "Preview ready, 2 tests passed" in said
    assert URL in said
    assert tester.world.deployed == {}
    deployed = deploy.builds[1].parameters
    image = f"registry.example.com/team/shop@{DIGEST}"
    assert (deployed["CHATOPS_IMAGE"], deployed["CHATOPS_HOST"]) == (image, HOST)
    assert deployed["CHATOPS_HOST_LABEL"] == "pr-1-shop"
    assert (deployed["RELEASE"], deployed["REF"]) == (
        "pr-1-shop",
        f"{tester.pull.head_branch}@{tester.head[:8]}",
    )
    tested = e2e.builds[1].parameters
    assert (tested["CHATOPS_SERVICE_URL"], tested["CHATOPS_SUITES"]) == (URL, "fast,slow")
    assert tester.world.reports[1, "all"].counts.passed == 2
    assert URL in await tester.says("/status")
    await tester.merge()
    assert "torn down: preview" in await tester.read()
    assert down.builds[1].parameters["CHATOPS_ENVIRONMENT"] == "preview"
    assert down.builds[1].parameters["CHATOPS_HOST"] == HOST
    assert await tester.bot.store.pulls.environments() == ()


async def test_the_comment_shows_what_a_job_waits_for(tester: OfflineTester, jenkins: OfflineJenkins) -> None:
    jenkins.add_job("team/build-image", reports_image)
    jenkins.quiet_down()
    looks = tester.clock.hold_waits()
    await tester.configure(BUILD)
    await tester.open()
    said = await tester.sees("waiting: `Jenkins is about to shut down`")
    assert f"[job](<{jenkins.url}/job/team/job/build-image/>)" in said
    jenkins.quiet_down(on=False)
    looks.open()
    said = await tester.living(1)
    assert "Image built" in said
    assert "waiting" not in said


async def test_cancelling_stops_the_build(tester: OfflineTester, jenkins: OfflineJenkins) -> None:
    job = jenkins.add_job("team/build-image", gated(asyncio.Event()), ignores=frozenset({"stop"}))
    tester.clock.hold_waits()
    await tester.configure(BUILD)
    await tester.open()
    await tester.sees("/build-image/1/")
    await tester.says("/cancel")
    assert "Cancelled by lin" in await tester.living(1)
    assert (job.builds[1].stops, job.builds[1].building) == (["stop", "term"], False)


async def test_a_push_stops_the_build_of_the_old_commit(
    tester: OfflineTester, jenkins: OfflineJenkins
) -> None:
    job = jenkins.add_job("team/build-image", gated(asyncio.Event()))
    looks = tester.clock.hold_waits()
    await tester.configure(BUILD)
    await tester.open()
    await tester.sees("/build-image/1/")
    job.story = reports_image
    head = await tester.push()
    await looks.left()
    looks.open()
    assert "Image built" in await tester.living(2)
    assert "uperseded by" in await tester.living(1)
    assert job.builds[1].result == "ABORTED"
    assert job.builds[2].parameters["CHATOPS_SHA"] == head


@pytest.mark.parametrize("at", ["queue", "build"])
async def test_a_restarted_bot_continues_its_builds(
    tester: OfflineTester, jenkins: OfflineJenkins, at: str
) -> None:
    gate = asyncio.Event()
    jenkins.add_job("team/build-image", gated(gate, reports_image))
    if at == "queue":
        jenkins.quiet_down()
    looks = tester.clock.hold_waits()
    await tester.configure(BUILD)
    await tester.open()
    await tester.sees("about to shut down" if at == "queue" else "/build-image/1/")
    await tester.restart()
    jenkins.quiet_down(on=False)
    gate.set()
    looks.open()
    assert "Image built" in await tester.living(1)
    assert jenkins.triggers() == 1
    assert jenkins.builds[0].stops == []


async def test_a_stop_requested_before_a_crash_stops_the_build(
    tester: OfflineTester, jenkins: OfflineJenkins
) -> None:
    job = jenkins.add_job("team/build-image", gated(asyncio.Event()))
    tester.clock.hold_waits()
    await tester.configure(BUILD)
    await tester.open()
    await tester.sees("/build-image/1/")
    # The request is stored; the bot stops before it acts on it.
    await request_stop(tester.bot.store, (1,), StopRequest(Reason.CANCELLED, {"who": "lin"}))
    await tester.restart()
    assert "Cancelled by lin" in await tester.living(1)
    assert (job.builds[1].stops, job.builds[1].building) == (["stop"], False)


async def test_a_run_that_takes_too_long_stops_its_build(
    tester: OfflineTester, jenkins: OfflineJenkins
) -> None:
    job = jenkins.add_job("team/build-image", gated(asyncio.Event()))
    tester.clock.hold_waits()
    await tester.configure(BUILD)
    await tester.open()
    await tester.sees("/build-image/1/")
    await tester.stop()
    tester.clock.skip(timedelta(hours=3))
    await tester.start()
    assert "❌ **Run timed out**" in await tester.living(1)
    assert not job.builds[1].building


@pytest.mark.parametrize(
    ("job", "grants", "words"),
    [
        (None, None, ["Jenkins has no job `team/build-image`", "Check `job` in `.chatops.yml`"]),
        ({"buildable": False}, None, ["job `team/build-image` is disabled.", "Enable it in Jenkins"]),
        ({}, {"Read"}, ["lacks the permission", "`hudson.model.Item.Build`", "A Jenkins administrator"]),
        ({"parameters": ["OTHER"]}, None, ["does not declare `CHATOPS_RUN`", "string parameters"]),
        ({"story": fails("cc: gone")}, None,
         ["The Jenkins job `team/build-image` ended with `FAILURE` (build #1).", "cc: gone"]),
        ({"story": reporting(IMAGE="x y")}, None, ["`out/chatops.env` of the job", "cannot be used"]),
    ],
)  # fmt: skip
async def test_configuration_errors_are_explained(
    tester: OfflineTester,
    jenkins: OfflineJenkins,
    job: dict[str, object] | None,
    grants: set[Permission] | None,
    words: list[str],
) -> None:
    if job is not None:
        allowed = {"chatops": frozenset(grants)} if grants else {}
        jenkins.add_job("team/build-image", **job, grants=allowed)  # type: ignore[arg-type] # a table's row
    await tester.configure(BUILD)
    said = await tester.opened()
    assert [word for word in words if word not in said] == []
    assert jenkins.triggers() == (job is not None and "story" in job) + bool(grants)


async def test_wrong_credentials_are_reported_as_the_operators_problem(
    tester: OfflineTester, jenkins: OfflineJenkins
) -> None:
    jenkins.access.users["chatops"].token = "another"
    await tester.configure(BUILD)
    said = await tester.opened()
    assert "⚠️ **Build interrupted**" in said
    assert "Jenkins does not accept the bot's username and its token or password" in said
    assert "An operator should check `[jenkins]`." in said


async def test_jobs_that_are_not_allowed_are_refused(tester: OfflineTester, jenkins: OfflineJenkins) -> None:
    jenkins.add_job("other/secret")
    await tester.configure(BUILD.replace("{owner}/build-image", "other/secret"))
    said = await tester.opened()
    assert "This repository may not use the Jenkins job `other/secret`." in said
    assert jenkins.requests == []


async def test_a_bot_without_jenkins_says_so(tester: OfflineTester) -> None:
    await tester.configure(BUILD)
    assert "`runner: jenkins` is not enabled on this bot." in await tester.opened()


async def test_failed_tests_are_named_and_can_be_run_again(
    tester: OfflineTester, jenkins: OfflineJenkins
) -> None:
    job = jenkins.add_job("team/e2e", one_test_fails)
    await tester.configure('test: {runner: jenkins, job: "{owner}/e2e"}')
    said = await tester.opened()
    assert "**1 of 2 tests failed**" in said
    assert "`unit::removes`" in said
    job.story = everything_passes
    assert "2 tests passed" in await tester.says("/retest failed")
    assert job.builds[2].parameters["CHATOPS_FAILED_TESTS"] == "unit::removes"


async def test_tests_without_a_report_are_judged_by_the_job(
    tester: OfflineTester, jenkins: OfflineJenkins
) -> None:
    job = jenkins.add_job("team/e2e", fails("nothing to see"))
    await tester.configure('test: {runner: jenkins, job: "{owner}/e2e"}')
    said = await tester.opened()
    assert "The Jenkins job `team/e2e` ended with `FAILURE` (build #1)." in said
    assert "nothing to see" in said
    job.story = gated(asyncio.Event())
    looks = tester.clock.hold_waits()
    await tester.comment("/test")
    await tester.sees("/e2e/2/")
    jenkins.scheduler.stop(job.builds[2], "stop")
    looks.open()
    assert "Build #2 of `team/e2e` was aborted in Jenkins." in await tester.living(2)


async def test_junit_files_are_a_report_too(tester: OfflineTester, jenkins: OfflineJenkins) -> None:
    async def story(handle: BuildHandle) -> str:
        handle.archive("target/TEST-a.xml", '<testsuite name="s"><testcase name="t"/></testsuite>')
        return "SUCCESS"

    async def broken(handle: BuildHandle) -> str:
        handle.archive("junit.xml", "<testsuite")
        return "SUCCESS"

    job = jenkins.add_job("team/e2e", story)
    await tester.configure('test: {runner: jenkins, job: "{owner}/e2e"}')
    assert "1 test passed" in await tester.opened() or "1 tests passed" in tester.texts("chatops:run=1")[-1]
    job.story = broken
    assert "The test report `junit.xml` cannot be read" in await tester.says("/test")


@pytest.mark.attack
async def test_a_report_that_is_too_expensive_is_named(
    tester: OfflineTester, jenkins: OfflineJenkins, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(handle: BuildHandle) -> str:
        handle.archive("target/TEST-a.xml", '<testsuite name="s">' + "<testcase/>" * 20 + "</testsuite>")
        return "SUCCESS"

    monkeypatch.setattr(cases, "MOST_ELEMENTS", 10)
    jenkins.add_job("team/e2e", story)
    await tester.configure('test: {runner: jenkins, job: "{owner}/e2e"}')

    said = await tester.opened()

    assert "9 passed" in said
    assert "Reading the test report `target/TEST-a.xml` takes more than" in said


async def test_a_job_that_reports_no_image_passes(tester: OfflineTester, jenkins: OfflineJenkins) -> None:
    jenkins.add_job("team/build-image")
    await tester.configure(BUILD)
    said = await tester.opened()
    assert "| Build | ✅ passed |" in said
    assert "reported no image" in said


async def test_suites_in_containers_reach_the_deployment_of_a_job(
    tester: OfflineTester, jenkins: OfflineJenkins
) -> None:
    jenkins.add_job("team/deploy", reports_url)
    await tester.configure('deploy: {runner: jenkins, job: "{owner}/deploy"}')
    assert "Preview ready, 2 tests passed" in await tester.opened()
    (spec,) = tester.world.tested
    assert (spec.env["SERVICE_URL"], spec.standalone) == (URL, True)
    (environment,) = await tester.bot.store.pulls.environments()
    assert environment.url == URL


async def test_an_expired_environment_is_removed_by_the_job_configured_at_its_deployment(
    tester: OfflineTester, jenkins: OfflineJenkins
) -> None:
    jenkins.add_job("team/deploy", reports_url)
    down = jenkins.add_job("team/down", fails("no such release"))
    await tester.configure(
        'on: {open: [deploy]}\ndeploy: {runner: jenkins, job: "{owner}/deploy", ttl: 1h}\n'
        'teardown: {runner: jenkins, job: "{owner}/down"}\n'
    )
    await tester.opened()
    await tester.configure("on: {open: []}")
    tester.clock.skip(timedelta(hours=2))
    await tester.bot.reconciling.expiry.reconcile()
    said = await tester.read()
    assert "The Jenkins job `team/down` ended with `FAILURE`" in said
    assert down.builds[1].parameters["CHATOPS_ENVIRONMENT"] == "preview"
    assert (await tester.runs())[-1].state is RunState.FAILED


async def test_output_of_jenkins_is_escaped(tester: OfflineTester, jenkins: OfflineJenkins) -> None:
    evil = "</details>`|@all <!-- chatops:run=9 -->"

    async def story(handle: BuildHandle) -> str:
        handle.log(evil)
        handle.archive(f"{evil}/image.txt", evil)
        return "SUCCESS"

    jenkins.add_job("team/build-image", story)
    await tester.configure(BUILD)
    said = await tester.opened()
    assert said.count("<!--") == 1
    assert "@all" not in said
