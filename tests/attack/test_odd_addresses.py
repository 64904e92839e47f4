"""Addresses and numbers that no page has, at a real `chatops serve` on PostgreSQL, which is strict."""

from collections.abc import Iterator

import pytest

from tests.attack.raw import comment, page, post, send, signed
from tests.attack.serving import serving
from tests.crash.fleet import Replica
from tests.real.postgres import PostgresServer

CONTENT = "/reports/1/content/suites"
LONG = "a" * 5000

PATHS = {
    "run beyond 32 bits": "/runs/2147483648",
    "run of 18 digits": "/runs/999999999999999999",
    "run in Arabic digits": "/runs/1%D9%A1",
    "live run beyond 32 bits": "/runs/2147483648/live",
    "log of a run beyond 32 bits": "/runs/2147483648/logs/build.txt",
    "log with a null": "/runs/1/logs/build%00.txt",
    "report beyond 32 bits": "/reports/2147483648/",
    "own report beyond 32 bits": "/reports/2147483648/suites/unit/html/a.html",
    "pull request beyond 32 bits": "/prs/team/shop/2147483648",
    "owner with a null": "/prs/a%00b/shop/1",
    "repository with a null": "/prs/team/a%00b/1",
    "repository with half a surrogate": "/prs/team/%ED%A0%80/1",
    "repository with a slash": "/prs/team/a%2Fb/1",
    "long repository": f"/prs/team/{LONG}/1",
    "next runs beyond 32 bits": "/?before=2147483648",
    "next runs beyond 64 bits": "/?before=99999999999999999999",
    "runs of the API beyond 32 bits": "/api/v1/runs?before=2147483648",
    "run of the API beyond 32 bits": "/api/v1/runs/2147483648",
    "repository of the API with a null": "/api/v1/runs?repository=a%00b/c",
    "pull request of the API beyond 32 bits": "/api/v1/pulls/team/shop/2147483648",
    "pull request of the API with a null": "/api/v1/pulls/team/a%00b/1",
    "report outside": f"{CONTENT}/..%2f..%2freport.html",
    "log as a report": f"{CONTENT}/unit/html/..%2f..%2f..%2fbuild.log",
    "report with a null": f"{CONTENT}/unit/html/001-index.html%00",
    "report with a line end": f"{CONTENT}/unit/html/001-index.html%0d%0aX:%20y",
    "report of invalid UTF-8": f"{CONTENT}/unit/html/%FF.html",
    "long report": f"{CONTENT}/unit/html/{LONG}.html",
    "static file outside": "/static/..%2fapplication.py",
    "static file of the machine": "/static/%2fetc/passwd",
    "static file with a null": "/static/style.css%00",
    "long static file": f"/static/{LONG}",
    "deep static file": f"/static/{'a/' * 3000}",
    "folder of static files": "/static/",
}


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer) -> Iterator[Replica]:
    name = postgres.create()
    yield from serving(tmp_path_factory.mktemp("odd"), postgres.url(name))
    postgres.drop(name)


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_an_odd_address_is_answered_without_an_error(bot: Replica, path: str) -> None:
    before = len(bot.log.read_text())
    status = page(bot.port, path, "127.0.0.1").split()[1]
    assert status in ({"200"} if "before=" in path else {"400", "404"})
    assert "Traceback" not in bot.log.read_text()[before:]


def test_a_webhook_about_a_pull_request_beyond_32_bits_is_refused(bot: Replica) -> None:
    before = len(bot.log.read_text())
    assert send(bot.port, post(comment(1, pull_request={"number": 1 << 31}), signed())) == 400
    assert "Traceback" not in bot.log.read_text()[before:]
