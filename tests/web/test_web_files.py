"""What pages show of the files of runs: reports, logs, and what was removed."""

from dataclasses import replace
from datetime import timedelta

from tests.web.conftest import Bench, Client
from tests.web.fakes import NOW, finished_run, run
from tests.web.test_web_pages import fill, page


async def test_a_report_is_locked_into_a_sandbox(client: Client, bench: Bench) -> None:
    bench.files.reports[41] = "<h1>报告</h1><script>alert(1)</script>".encode()

    answer = await client.get("/reports/41/")

    assert answer.status == 200
    assert (answer.content_type, answer.charset) == ("text/html", "utf-8")
    rules = [rule.strip() for rule in answer.headers["Content-Security-Policy"].split(";")]
    assert {"default-src 'none'", "style-src 'unsafe-inline'", "sandbox"} <= set(rules)
    assert not [rule for rule in rules if rule.startswith(("script-src", "sandbox "))]
    assert "报告" in await answer.text()


async def test_a_suites_own_report_has_its_scripts_and_no_origin(client: Client, bench: Bench) -> None:
    bench.files.own[41, "suites/unit/html/001-index.html"] = b"<script>parent.document.cookie</script>"

    answer = await client.get("/reports/41/suites/unit/html/001-index.html")

    assert (answer.status, answer.content_type) == (200, "text/html")
    rules = {rule.strip() for rule in answer.headers["Content-Security-Policy"].split(";")}
    assert {"default-src 'none'", "sandbox allow-scripts", "form-action 'none'"} <= rules
    assert "allow-same-origin" not in answer.headers["Content-Security-Policy"]
    assert "http" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert (await client.get("/reports/41/suites/unit/html/002-index.html")).status == 404
    assert (await client.get("/reports/42/suites/unit/html/001-index.html")).status == 404


async def test_a_report_without_a_slash_is_sent_on(client: Client) -> None:
    answer = await client.get("/reports/41", allow_redirects=False)

    assert (answer.status, answer.headers["Location"]) == (301, "/reports/41/")


async def test_a_whole_log_is_plain_text(client: Client, bench: Bench) -> None:
    fill(bench)

    answer = await client.get("/runs/42/logs/build.txt")

    assert (answer.content_type, await answer.text()) == ("text/plain", "first line\nsecond 行\nthird")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert (await client.get("/runs/42/logs/other.txt")).status == 404


async def test_a_long_log_is_not_all_on_the_page(client: Client, bench: Bench) -> None:
    bench.runs.put(run(42))
    bench.files.append(42, "build", "0123456789abcde\n" * 20_000)

    html = await page(client, "/runs/42")

    assert html.count('class="line"') == (1 << 17) // 16
    assert f'data-next="{1 << 17}"' in html
    assert "the plain text is complete" in html


async def test_a_run_whose_files_were_removed_says_so(client: Client, bench: Bench) -> None:
    old = replace(finished_run(41), finished_at=NOW - timedelta(days=100))
    bench.runs.put(old, finished_run(42))

    html = await page(client, "/runs/41")
    assert html.count("This log was removed") == 3
    assert "No output yet" not in html
    assert "Removed after its retention period" in html
    assert "内容已清理" in await page(client, "/reports/41/", 410, language="zh")
    assert "No longer available" in await page(client, "/runs/41/logs/build.txt", 410)

    recent = await page(client, "/runs/42")
    assert "This log was removed" not in recent
    assert "Removed after its retention period" not in recent


async def test_what_is_still_there_is_shown_however_old(client: Client, bench: Bench) -> None:
    """A live environment keeps what it came from."""
    bench.runs.put(replace(finished_run(41), finished_at=NOW - timedelta(days=100)))
    bench.files.append(41, "build", "still here\n")
    bench.files.reports[41] = b"<h1>report</h1>"

    html = await page(client, "/runs/41")

    assert "still here" in html
    assert "Open the test report" in html
    assert (await client.get("/runs/41/logs/build.txt")).status == 200
