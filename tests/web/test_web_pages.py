"""The pages: complete without scripts, in the visitor's language, and safe with hostile text."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.model.approval import Approval
from bot.model.delivery import Trigger
from bot.model.environment import EnvironmentKey, EnvironmentState, Outage, PublicService
from bot.model.forge import RepoPath
from bot.model.reason import Reason
from bot.model.run import Origin, RunState, StepResult, StepState
from tests.web.conftest import Bench, Client
from tests.web.fakes import NOW, environment, finished_run, run, step
from tests.web.reading import HOSTILE, Outline, fill, page

JOB = "https://jenkins.example.com/job/build/"
PATHS = (
    "/",
    "/runs/41",
    "/runs/42",
    "/runs/42/live",
    "/prs/oak/shop/7",
    "/environments",
    "/commands",
    "/nope",
)
ROOT = Path(__file__).parents[2]


async def test_home_shows_active_runs_before_finished_ones(client: Client, bench: Bench) -> None:
    bench.runs.put(run(40), finished_run(41), run(42, RunState.QUEUED), run(43, RunState.PASSED))
    bench.environments.put(environment())

    html = await page(client, "/")

    assert re.findall(r'class="name" href="/runs/(\d+)"', html) == ["42", "40", "43", "41"]
    assert "1 live environment" in html
    assert "Next in the queue" in html
    assert "Test failed: 2 of 8 tests failed." in html


async def test_older_runs_are_on_the_next_page(client: Client, bench: Bench) -> None:
    bench.runs.put(*(run(number, RunState.PASSED) for number in range(1, 56)))

    first = await page(client, "/")
    older = re.findall(r'href="(/\?before=\d+)"', first)
    second = await page(client, older[0])

    assert older == ["/?before=6"]
    assert re.findall(r'class="name" href="/runs/(\d+)"', second) == ["5", "4", "3", "2", "1"]
    assert "?before=" not in second


async def test_the_page_of_a_pull_request_lists_its_approvals(client: Client, bench: Bench) -> None:
    url = "https://gitee.test/oak/shop/pulls/7#note_70"
    given = Approval("ab" * 20, "<main>", "lin", bench.clock.now(), 70, url, "d")
    bench.approvals.given = (given, replace(given, url="javascript:alert(1)", sha="cd" * 20))

    html = await page(client, "/prs/oak/shop/7")

    assert "Approved commits" in html
    assert f'title="{"ab" * 20}">{"ab" * 6}</code>' in html
    assert "<code>&lt;main&gt;</code> · lin" in html
    assert f'<a href="{url}" rel="noreferrer">comment</a>' in html
    assert "javascript:" not in html
    assert "已放行的提交" in await page(client, "/prs/oak/shop/7", language="zh")


async def test_an_empty_home_page_explains_how_to_start(client: Client) -> None:
    assert "还没有运行记录" in await page(client, "/", language="zh")


async def test_a_pull_request_shows_its_runs_and_environments(client: Client, bench: Bench) -> None:
    fill(bench)
    bench.runs.put(run(44, repo=RepoPath("oak", "till")))

    html = await page(client, "/prs/oak/shop/7")

    assert re.findall(r'class="name" href="/runs/(\d+)"', html) == ["42", "41"]
    assert 'href="http://pr-7-shop.preview.test/"' in html
    assert 'href="https://gitee.test/oak/shop/pulls/7"' in html


async def test_pages_say_how_to_keep_an_environment_that_expires_soon(client: Client, bench: Bench) -> None:
    given = environment()
    near = replace(given, deployed_at=NOW - timedelta(days=2), expires_at=NOW + timedelta(hours=3))
    later = replace(environment("pr-8-shop"), key=EnvironmentKey(given.key.repo, 8, "staging"))
    bench.environments.put(near, later)

    for path in ("/environments", "/prs/oak/shop/7"):
        html = await page(client, path)
        assert html.count("<code>/extend 1d</code>") == 1
        assert "Expires soon" in html
    assert "/extend" not in await page(client, "/prs/oak/shop/8")


async def test_public_services_are_listed_with_their_environment(client: Client, bench: Bench) -> None:
    services = (PublicService("api", 9000), PublicService("docs", 80, "/docs"))
    given = environment("pr-9-shop", EnvironmentState.STARTING)
    starting = replace(given, key=replace(given.key, name="staging"), public=services)
    bench.environments.put(replace(environment(), public=services), starting)
    urls = {"api": "http://api--pr-7-shop.preview.test/", "docs": "http://pr-7-shop.preview.test/docs"}
    deployed = finished_run(42).steps[1]
    result = replace(deployed.result or StepResult(StepState.PASSED), services=urls)
    bench.runs.put(run(42, steps=(replace(deployed, result=result),)))

    for path in ("/environments", "/prs/oak/shop/7", "/runs/42"):
        html = await page(client, path)
        for name, url in urls.items():
            assert f"<code>{name}</code>" in html
            assert f'href="{url}"' in html
        assert 'href="http://api--pr-9' not in html


async def test_only_reachable_environments_are_linked(client: Client, bench: Bench) -> None:
    bench.environments.put(environment(), environment("pr-9-shop", EnvironmentState.STARTING))

    html = await page(client, "/environments")

    assert 'href="http://pr-7-shop.preview.test/"' in html
    assert "pr-9-shop" in html
    assert 'href="http://pr-9-shop' not in html
    assert "in 2 days" in html


async def test_a_failing_environment_says_why(client: Client, bench: Bench) -> None:
    outage = Outage(Reason.CRASH_LOOP, NOW, {"name": "<app>", "code": "137"}, "app", "secret log")
    bench.runs.put(finished_run(42))
    bench.environments.put(replace(environment(state=EnvironmentState.FAILING), outage=outage))

    for path in ("/environments", "/prs/oak/shop/7", "/runs/42"):
        html = await page(client, path)
        assert 'class="state failing"' in html
        assert "keeps crashing, most recently with exit code 137" in html
        assert "&lt;app&gt;" in html
        assert "secret log" not in html


async def test_the_commands_page_lists_all_commands(client: Client) -> None:
    html = await page(client, "/commands", language="zh")

    for expected in (
        "/deploy [environment]",
        "部署此 Pull Request。",
        "有写权限的人",
        "/部署",
        "如 <code>&lt;2d&gt;</code>",
    ):
        assert expected in html


@pytest.mark.parametrize("path", ["/nope", "/prs/oak/shop/99", "/runs/x", "/reports/99/"])
async def test_a_missing_page_has_the_usual_layout(client: Client, path: str) -> None:
    html = await page(client, path, 404, language="zh")

    assert "页面不存在" in html
    assert '<nav aria-label="主导航">' in html


async def test_a_link_leads_to_the_run_with_its_number_and_uid(client: Client, bench: Bench) -> None:
    bench.runs.put(replace(finished_run(41), uid="x7k2p9"))
    bench.files.reports[41] = b"all passed"

    for path in (
        "/runs/41-x7k2p9",
        "/runs/41",
        "/runs/41-x7k2p9/live",
        "/reports/41-x7k2p9/",
        "/reports/41/",
    ):
        assert (await client.get(path)).status == 200
    folder = await client.get("/reports/41-x7k2p9", allow_redirects=False)
    assert folder.headers["Location"] == "/reports/41-x7k2p9/"


@pytest.mark.parametrize(
    "path",
    [
        "/runs/99",
        "/runs/41-z9z9z9",
        "/runs/41-z9z9z9/live",
        "/reports/41-z9z9z9/",
        "/reports/41-z/suites/a.html",
    ],
)
@pytest.mark.parametrize(
    ("language", "title"), [("en", "This run is no longer known"), ("zh", "查不到这次运行")]
)
async def test_the_link_of_a_lost_run_leads_to_no_other_run(
    client: Client, bench: Bench, path: str, language: str, title: str
) -> None:
    bench.runs.put(replace(finished_run(41), uid="x7k2p9"))
    bench.files.reports[41] = b"all passed"

    html = await page(client, path, 404, language=language)

    assert f"<h1>{title}</h1>" in html


async def test_a_page_that_accepts_no_forms_names_the_allowed_methods(client: Client) -> None:
    response = await client.post("/")

    assert response.status == 405
    assert "GET" in response.headers["Allow"]
    assert "此地址不支持该操作" in await response.text()


async def test_an_internal_error_shows_an_incident_id(
    client: Client, bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.runs.broken = True

    html = await page(client, "/runs/1", 500)

    found = re.search(r"by the id (\w+)\.", html)
    assert found
    assert found[1] in caplog.text
    assert "secret detail" not in html


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("language", ["zh", "en"])
async def test_every_page_has_security_headers(
    client: Client, bench: Bench, path: str, language: str
) -> None:
    fill(bench)

    response = await client.get(path, headers={"Accept-Language": language})

    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "same-origin"
    html = await response.text()
    assert "style=" not in html
    assert not re.search(r"<script(?! src=)|\son\w+=", html)


@pytest.mark.parametrize("path", ["/", "/runs/70", "/runs/70/live", "/prs/oak/shop/7"])
async def test_hostile_text_is_escaped(client: Client, bench: Bench, path: str) -> None:
    result = StepResult(
        StepState.FAILED,
        Reason.BUILD_FAILED,
        {"instruction": HOSTILE, "code": "{0.__class__}"},
        failed_tests=(HOSTILE,),
        url="http://x/" + HOSTILE,
    )
    bench.runs.put(
        run(
            70,
            RunState.FAILED,
            title=HOSTILE,
            sha=HOSTILE,
            origin=Origin(Trigger.COMMENT, HOSTILE, HOSTILE),
            steps=(step("build", StepState.FAILED, result),),
        )
    )
    bench.files.append(70, "build", f"{HOSTILE}\n")

    html = await page(client, path)

    outline = Outline(html)
    assert HOSTILE in outline.words
    assert "img" not in outline.tags
    assert not [name for name, _ in outline.attributes if name.startswith("on")]
    assert "49" not in outline.words
    assert "__class__" not in outline.words or "{0.__class__}" in outline.words


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x"])
async def test_links_cannot_run_scripts(client: Client, bench: Bench, address: str) -> None:
    result = StepResult(StepState.PASSED, url=address)
    bench.runs.put(run(71, RunState.PASSED, steps=(step("deploy", StepState.PASSED, result),)))

    outline = Outline(await page(client, "/runs/71"))

    assert not [value for name, value in outline.attributes if name == "href" and value == address]
    assert address in outline.words


async def test_a_chosen_language_is_remembered(client: Client) -> None:
    assert "运行记录" in await page(client, "/?lang=zh")
    assert "运行记录" in await page(client, "/environments", language="en")
    assert "Runs" in await page(client, "/?lang=en", language="zh")


@pytest.mark.parametrize("asked", ["fr", "", "zh%0d%0aSet-Cookie: x", "../en"])
async def test_an_unsupported_language_changes_nothing(client: Client, asked: str) -> None:
    response = await client.get(f"/?lang={asked}", headers={"Accept-Language": "en"})

    assert response.status == 200
    assert "Set-Cookie" not in response.headers


async def test_only_static_files_are_served(client: Client) -> None:
    assert (await client.get("/static/style.css")).content_type == "text/css"
    for path in ("/static/", "/static/..%2fwords.py", "/static/%2e%2e/words.py"):
        assert (await client.get(path)).status in {403, 404}
