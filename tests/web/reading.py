"""Reads pages as a visitor."""

from html.parser import HTMLParser

from tests.web.conftest import Bench, Client
from tests.web.fakes import environment, finished_run, run

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7*7 }}"


class Outline(HTMLParser):
    """The parts of a parsed page that tests check."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.extend((name, value or "") for name, value in attrs)

    def handle_data(self, data: str) -> None:
        self.words += data


def fill(bench: Bench) -> None:
    bench.runs.put(finished_run(41), run(42))
    bench.environments.put(environment())
    bench.files.append(42, "build", "first line\nsecond 行\nthird")


async def page(client: Client, path: str, status: int = 200, *, language: str = "en") -> str:
    """Return a page, and fail if it is not HTML with this status."""
    response = await client.get(path, headers={"Accept-Language": language})
    assert response.status == status
    assert (response.content_type, response.charset) == ("text/html", "utf-8")
    return await response.text()
