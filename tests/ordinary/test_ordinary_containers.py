"""Ordinary repositories run as they are: each example ends in a page that answers."""

import asyncio

import pytest

from bot.model.environment import Endpoint
from bot.model.errors import TellUser
from bot.model.reason import Reason
from tests.ordinary.conftest import Pipeline
from tests.ordinary.example import Example
from tests.ordinary.habits import HABITS
from tests.ordinary.languages import LANGUAGES
from tests.ordinary.servers import SERVERS
from tests.web.fakes import environment
from tests.web.preview_proxy import Proxy

# One registry for all: the base image is pushed to it once.
pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("ordinary")]

EXAMPLES = (*SERVERS, *LANGUAGES, *HABITS)


def named(example: Example) -> str:
    return example.name


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
async def test_an_ordinary_container_answers(pipeline: Pipeline, proxy: Proxy, example: Example) -> None:
    endpoint = await pipeline.deploy(example)

    said = await asked(endpoint, example.asks) if example.asks else await page(proxy, endpoint)

    assert example.says in said


async def asked(endpoint: Endpoint, question: str) -> str:
    """Return the first line that a service answers without HTTP."""
    reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
    writer.write(question.encode())
    try:
        return (await reader.readline()).decode()
    finally:
        writer.close()
        await writer.wait_closed()


async def page(proxy: Proxy, endpoint: Endpoint) -> str:
    """Return the page at the preview's address."""
    proxy.environments.put(environment(endpoint=endpoint))
    async with proxy.get(**{"Accept-Encoding": "identity"}) as response:
        assert response.status == 200
        return await response.text()


@pytest.mark.parametrize("example", [one for one in EXAMPLES if one.restricted], ids=named)
async def test_a_restricted_container_fails_with_its_reason(pipeline: Pipeline, example: Example) -> None:
    with pytest.raises(TellUser) as caught:
        await pipeline.deploy(example, restricted=True)

    not_permitted = "not permitted" in example.restricted
    assert caught.value.reason is (Reason.NOT_PERMITTED if not_permitted else Reason.READ_ONLY)
    assert "setting" not in caught.value.facts  # of the operator
    assert example.restricted in caught.value.log
