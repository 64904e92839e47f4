"""The Jenkins of the playground, with an account for the bot and the jobs of the demo repository."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playground.demo_repository import DemoRepository
from playground.jenkins.demo_jobs import open_demo_jobs
from playground.jenkins.server import OfflineJenkins
from playground.server import OfflineGitee

JENKINS_USER = "chatops"
_QUIET = 2.0
"""Seconds in the queue, long enough to be noticed."""


@asynccontextmanager
async def demo_jenkins(
    folder: Path, port: int, gitee: OfflineGitee, demo: DemoRepository, instance: str
) -> AsyncIterator[OfflineJenkins]:
    """Run it until the block ends."""
    async with (
        open_demo_jobs(folder, gitee.url, demo.bot_token, instance) as jobs,
        OfflineJenkins(port=port) as jenkins,
    ):
        jenkins.access.anyone_reads = True
        jenkins.add_user(JENKINS_USER, token=secrets.token_hex(17))
        jenkins.add_job(f"{demo.full_name}/build-image", jobs.build_image, quiet=_QUIET)
        jenkins.add_job(f"{demo.full_name}/test", jobs.test, quiet=_QUIET)
        yield jenkins
