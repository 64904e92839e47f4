"""Two images of one repository on the real engine: a page that answers with what the other image says."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from tests.dialogue.tester import BotTester
from tests.e2e.conftest import LONG, PATIENCE
from tests.real.parts import RegistryProcess

pytestmark = pytest.mark.docker

WEB = """\
FROM {base} AS runtime
COPY index.cgi /www/cgi-bin/index.cgi
RUN chmod +x /www/cgi-bin/index.cgi
EXPOSE 8080
CMD ["httpd", "-f", "-p", "8080", "-h", "/www"]
"""
PAGE = """\
#!/bin/sh
echo "Content-Type: text/plain"
echo
wget -qO - http://words:9000/
"""
API = """\
FROM {base} AS prod
RUN mkdir /www && echo 'said by the api' > /www/index.html
CMD ["false"]
"""
CONFIG = f"""\
version: 1
images:
  web: {{context: web}}
  api: {{context: ., dockerfile: api/Dockerfile, target: prod}}
deploy:
  image: web
  health: {{path: /, timeout: {LONG}}}
services:
  words:
    image: api
    command: [httpd, -f, -p, "9000", -h, /www]
    port: 9000
"""


async def tagged(url: str) -> set[str]:
    """Return the tags of an image, none if there is no such image."""
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        return set((await client.get(url)).json().get("tags") or ())


async def test_the_preview_answers_with_what_a_service_of_the_other_image_says(
    start: Callable[[dict[str, str]], Awaitable[BotTester]], registry: RegistryProcess
) -> None:
    files = {"web/Dockerfile": WEB, "web/index.cgi": PAGE, "api/Dockerfile": API, ".chatops.yml": CONFIG}
    bot = await start(files)
    tags = [f"http://{registry.host}/v2/chatops/team/shop/{name}/tags/list" for name in ("web", "api")]
    before = {url: await tagged(url) for url in tags}  # Earlier tests may have left some.
    await bot.open()
    said = await bot.read()
    assert "Preview ready" in said, said
    assert "↳ `web`" in said, said
    assert "↳ `api`" in said, said
    async with httpx.AsyncClient(timeout=PATIENCE) as visitor:
        host = {"Host": "pr-1-shop.test.example.com"}
        answer = await visitor.get(bot.bot.listeners.previews.url, headers=host)
        assert answer.text == "said by the api\n"
        run = (await visitor.get(f"{bot.bot.listeners.web.url}/api/v1/runs/1")).json()
        for url in tags:
            assert await tagged(url) - before[url] == {f"pr-1-{run['sha'][:8]}"}
        assert [one["name"] for one in run["steps"][0]["images"]] == ["web", "api"]
        page = (await visitor.get(f"{bot.bot.listeners.web.url}/runs/1")).text
        assert "chatops/team/shop/api:pr-1-" in page
        await bot.close()
        await bot.read()
        for url in tags:
            assert not (await visitor.get(url)).json().get("tags")
