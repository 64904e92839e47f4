"""Jenkins carries the steps out: a double of it over real HTTP, the bot and its comments for real."""

from collections.abc import AsyncIterator

import pytest

from bot.model.pipeline import RunnerName
from bot.playground.jenkins.server import OfflineJenkins
from bot.playground.jenkins.stories import telling
from bot.runners.jenkins.client import JenkinsClient, JenkinsSettings
from bot.runners.jenkins.following import Patience
from bot.runners.jenkins.jobs import JenkinsJobs
from tests.dialogue.offline import OfflineTester

DIGEST = "sha256:" + "a" * 64
BUILD = """\
on: {open: [build], update: [build]}
build: {runner: jenkins, job: "{owner}/build-image", timeout: 7200}
"""
tells_image = telling(IMAGE="{CHATOPS_IMAGE}", IMAGE_DIGEST=DIGEST)


@pytest.fixture
async def jenkins(tester: OfflineTester) -> AsyncIterator[OfflineJenkins]:
    clock = tester.clock
    async with OfflineJenkins(now=lambda: clock.now().timestamp(), sleep=clock.sleep) as found:
        found.add_user("chatops", token="11token")
        client = JenkinsClient(JenkinsSettings(found.url, "chatops", "11token"))
        tester.world.jobs[RunnerName.JENKINS] = JenkinsJobs(
            client, found.url, ("{owner}/**",), Patience(), clock, clock.sleep
        )
        yield found
        await client.close()


async def test_a_job_builds_and_says_what_it_made(tester: OfflineTester, jenkins: OfflineJenkins) -> None:
    job = jenkins.add_job("team/build-image", tells_image)
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
    assert "archiving what was made" in tester.world.logs[1, "build"].lines
