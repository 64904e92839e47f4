"""Two services of one repository on the real engine, visited by their hosts through the bot's proxy."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from tests.dialogue.tester import BotTester
from tests.e2e.conftest import LONG, PATIENCE

pytestmark = pytest.mark.docker

SITE = """\
FROM {base} AS runtime
COPY . /www
RUN mkdir -p /www/docs && echo said by the site > /www/docs/index.html
EXPOSE 8080
CMD ["/bin/sh", "-c", "echo $PUBLIC_URL_API $PUBLIC_URL_MANUAL > /www/urls; httpd -f -p 8080 -h /www"]
"""
API = """\
FROM {base} AS runtime
RUN mkdir -p /www/docs /www/docs-not && echo said by the api > /www/index.html \\
 && echo said below a path > /www/docs/index.html
CMD ["/bin/sh", "-c", "echo $PUBLIC_URL > /www/site; httpd -f -p 9000 -h /www"]
"""
CONFIG = f"""\
version: 1
images:
  web: {{context: web}}
  api: {{context: api}}
deploy:
  image: web
  health: {{path: /, timeout: {LONG}}}
services:
  api: {{image: api, port: 9000, public: true}}
  manual: {{image: api, port: 9000, public: /docs}}
  hidden: {{image: api, port: 9000}}
"""


async def test_public_services_answer_at_their_hosts_and_paths_and_others_do_not(
    start: Callable[[dict[str, str]], Awaitable[BotTester]],
) -> None:
    files = {
        "web/Dockerfile": SITE,
        "web/index.html": "the site\n",
        "api/Dockerfile": API,
        ".chatops.yml": CONFIG,
    }
    bot = await start(files)
    await bot.open()
    said = await bot.read()
    assert "Preview ready" in said, said
    domain = "test.example.com"
    assert f"↳ `api` |  |  | [api--pr-1-shop.{domain}" in said, said
    assert f"↳ `manual` |  |  | [pr-1-shop.{domain}" in said, said
    assert "hidden" not in said, said
    async with httpx.AsyncClient(timeout=PATIENCE) as visitor:

        async def visit(host: str, path: str = "/") -> httpx.Response:
            url = f"{bot.bot.listeners.previews.url}{path}"
            return await visitor.get(url, headers={"Host": f"{host}.{domain}", "Accept": "text/plain"})

        assert (await visit("pr-1-shop")).text == "the site\n"
        assert (await visit("api--pr-1-shop")).text == "said by the api\n"
        assert (await visit("pr-1-shop", "/docs/")).text == "said below a path\n"
        assert (await visit("pr-1-shop", "/docs-not/")).status_code == 404
        urls = (await visit("pr-1-shop", "/urls")).text.split()
        assert [url.partition(domain)[0] for url in urls] == ["http://api--pr-1-shop.", "http://pr-1-shop."]
        assert urls[1].endswith("/docs")
        assert (await visit("api--pr-1-shop", "/site")).text.startswith(f"http://pr-1-shop.{domain}")
        for label in ("hidden--pr-1-shop", "manual--pr-1-shop", "other--pr-1-shop", "api--pr-2-shop"):
            refused = await visit(label)
            assert refused.status_code == 404, label
            assert refused.headers["X-Preview-State"] == "unknown", label
        found = (await visitor.get(f"{bot.bot.listeners.web.url}/api/v1/environments")).json()
        assert set(found["environments"][0]["services"]) == {"api", "manual"}
        page = (await visitor.get(f"{bot.bot.listeners.web.url}/environments")).text
        assert f"http://api--pr-1-shop.{domain}" in page
    status = await bot.says("/status")
    assert f"[api--pr-1-shop.{domain}" in status, status
