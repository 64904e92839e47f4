"""An offline Jenkins with the test's clock, and the bot's client for it."""

from collections.abc import AsyncIterator

import pytest

from playground.jenkins.server import OfflineJenkins
from tests.jenkins.bench import TOKEN, USER, Bench, Timeline


@pytest.fixture
def time() -> Timeline:
    return Timeline()


@pytest.fixture
async def jenkins(time: Timeline) -> AsyncIterator[OfflineJenkins]:
    async with OfflineJenkins(now=lambda: time.now().timestamp(), sleep=time.sleep) as found:
        found.add_user(USER, token=TOKEN, password="s3cret")
        yield found


@pytest.fixture
async def bench(jenkins: OfflineJenkins, time: Timeline) -> AsyncIterator[Bench]:
    found = Bench(jenkins, time)
    yield found
    await found.close()
