"""Files of runs on the pages: reports, logs, and removed ones."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.web.conftest import Bench, Client
from tests.web.fakes import NOW, finished_run, run
from tests.web.reading import fill, page


async def test_a_report_is_sandboxed(client: Client, bench: Bench) -> None:
    bench.files.reports[41] = "<h1>报告</h1><script>alert(1)</script>".encode()

    response = await client.get("/reports/41/")

    assert response.status == 200
    assert (response.content_type, response.charset) == ("text/html", "utf-8")
    rules = [rule.strip() for rule in response.headers["Content-Security-Policy"].split(";")]
    assert {"default-src 'none'", "style-src 'unsafe-inline'", "sandbox"} <= set(rules)
    assert not [rule for rule in rules if rule.startswith(("script-src", "sandbox "))]
    assert "报告" in await response.text()


async def test_a_suites_own_report_may_run_scripts_without_an_origin(client: Client, bench: Bench) -> None:
    bench.files.own[41, "suites/unit/html/001-index.html"] = b"<script>parent.document.cookie</script>"

    address = "/reports/41/content/suites/unit/html/001-index.html"
    response = await client.get(address, headers={"Sec-Fetch-Dest": "iframe"})

    assert (response.status, response.content_type) == (200, "text/html")
    assert response.headers["Cache-Control"] == "no-store"
    rules = {rule.strip() for rule in response.headers["Content-Security-Policy"].split(";")}
    assert {"default-src 'none'", "sandbox allow-scripts", "form-action 'none'"} <= rules
    assert "allow-same-origin" not in response.headers["Content-Security-Policy"]
    assert "http" not in response.headers["Content-Security-Policy"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert (await client.get("/reports/41/suites/unit/html/002-index.html")).status == 404
    assert (await client.get("/reports/42/suites/unit/html/001-index.html")).status == 404


@pytest.mark.attack
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Dest": "document"},
        {"Sec-Fetch-Dest": "object"},
        {"Sec-Fetch-Dest": "empty"},
        {"Sec-Fetch-Dest": ""},
        {"Sec-Fetch-Dest": "document", "Referer": "http://127.0.0.1/reports/41/"},
        {"Referer": "http://elsewhere.test/reports/41/"},
        {"Referer": "http://elsewhere.test/?127.0.0.1/reports/41/"},
        {"Referer": "http://[elsewhere"},
    ],
)
async def test_a_suites_own_report_is_never_at_the_top(
    client: Client, bench: Bench, headers: dict[str, str]
) -> None:
    bench.files.own[41, "suites/unit/html/001-index.html"] = b"<script>top</script>"

    response = await client.get(
        "/reports/41/content/suites/unit/html/index.html", headers=headers, allow_redirects=False
    )

    assert (response.status, response.headers["Location"]) == (302, "/reports/41/suites/unit/html/index.html")


async def test_a_browser_that_names_no_destination_shows_the_report_in_the_frame(
    client: Client, bench: Bench
) -> None:
    bench.files.own[41, "suites/unit/html/001-index.html"] = b"own"
    frame = str(client.make_url("/reports/41/suites/unit/html/index.html"))

    response = await client.get("/reports/41/content/suites/unit/html/index.html", headers={"Referer": frame})

    assert await response.text() == "own"


async def test_a_report_without_a_slash_is_redirected(client: Client) -> None:
    response = await client.get("/reports/41", allow_redirects=False)

    assert (response.status, response.headers["Location"]) == (301, "/reports/41/")


async def test_a_complete_log_is_plain_text(client: Client, bench: Bench) -> None:
    fill(bench)

    response = await client.get("/runs/42/logs/build.txt")

    assert (response.content_type, await response.text()) == ("text/plain", "first line\nsecond 行\nthird")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
    assert (await client.get("/runs/42/logs/other.txt")).status == 404


async def test_a_long_log_is_truncated_on_the_page(client: Client, bench: Bench) -> None:
    bench.runs.put(run(42))
    bench.files.append(42, "build", "0123456789abcde\n" * 20_000)

    html = await page(client, "/runs/42")

    assert html.count('class="line"') == (1 << 17) // 16
    assert f'data-next="{1 << 17}"' in html
    assert "the plain text is complete" in html


async def test_removed_files_of_a_run_are_reported(client: Client, bench: Bench) -> None:
    old = replace(finished_run(41), finished_at=NOW - timedelta(days=100))
    bench.runs.put(old, finished_run(42))

    html = await page(client, "/runs/41")
    assert html.count("This log was removed") == 3
    assert "No output yet" not in html
    assert "Removed after its retention period" in html
    assert "内容已删除" in await page(client, "/reports/41/", 410, language="zh")
    assert "No longer available" in await page(client, "/runs/41/logs/build.txt", 410)

    recent = await page(client, "/runs/42")
    assert "This log was removed" not in recent
    assert "Removed after its retention period" not in recent


async def test_files_that_still_exist_are_shown_regardless_of_age(client: Client, bench: Bench) -> None:
    """The files of a run are kept as long as its environment exists."""
    bench.runs.put(replace(finished_run(41), finished_at=NOW - timedelta(days=100)))
    bench.files.append(41, "build", "still here\n")
    bench.files.reports[41] = b"<h1>report</h1>"

    html = await page(client, "/runs/41")

    assert "still here" in html
    assert "Open the test report" in html
    assert (await client.get("/runs/41/logs/build.txt")).status == 200
