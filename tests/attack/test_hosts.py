"""Attempts to read a real `chatops serve` through a name that points to its address (DNS rebinding)."""

from collections.abc import Iterator

import pytest

from tests.attack.raw import comment, head, page, post, send, signed
from tests.attack.serving import serving
from tests.crash.fleet import Replica


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    """Provide a bot with a public address and a name for webhooks."""
    folder = tmp_path_factory.mktemp("hosts")
    yield from serving(folder, public_url="https://bot.example.com", hosts=["hooks.example.com"])


PATHS = [
    "/",
    "/api/v1/runs",
    "/api/v1/openapi.json",
    "/runs/1",
    "/runs/1/logs/build.txt",
    "/prs/team/shop/1",
    "/environments",
    "/reports/1/",
    "/reports/1/suites/unit/index.html",
    "/readyz",
    "/metrics",
    "/static/style.css",
    "/nowhere",
    "/webhooks/gitee",
]


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_read_through_another_name(bot: Replica, path: str) -> None:
    answer = page(bot.port, path, "rebind.evil.example")
    assert answer.startswith("HTTP/1.1 421 ")
    assert '[server] public_url or [server] hosts = ["rebind.evil.example"]' in answer
    assert page(bot.port, "/healthz", "10.0.0.7").startswith("HTTP/1.1 200 ")
    assert "[server] hosts" in bot.log.read_text()


SPELLED = [
    "rebind.evil.example:80",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "a@localhost",
    "",
    "<script>.x",
]
NAMES = ["bot.example.com", "hooks.example.com", "chatops.tools.svc", "10.0.0.7:8080"]


@pytest.mark.parametrize("host", SPELLED)
def test_other_spellings_of_a_name_are_refused(bot: Replica, host: str) -> None:
    answer = page(bot.port, "/api/v1/runs", host)
    assert answer.startswith(("HTTP/1.1 421 ", "HTTP/1.1 400 "))
    assert "<script>" not in answer
    assert "Traceback" not in bot.log.read_text()


def test_a_true_webhook_to_another_name_is_refused_and_says_why(bot: Replica) -> None:
    assert send(bot.port, post(comment(1), signed(Host="evil.example"))) == 421


@pytest.mark.parametrize("name", NAMES)
def test_its_own_names_are_answered(bot: Replica, name: str) -> None:
    assert page(bot.port, "/api/v1/runs", name).startswith("HTTP/1.1 200 ")
    assert send(bot.port, post(comment(len(name)), signed(Host=name))) == 200


@pytest.mark.parametrize("path", ["/healthz", "/metrics"])
def test_probes_need_no_name(bot: Replica, path: str) -> None:
    assert send(bot.port, head(f"GET {path} HTTP/1.0", {})) == 200
    assert send(bot.port, head("GET /api/v1/runs HTTP/1.0", {})) == 421
