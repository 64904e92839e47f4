"""The pages: complete without scripts, in the visitor's language, and safe with hostile text."""

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bot.model.approval import Approval
from bot.model.delivery import Trigger
from bot.model.environment import EnvironmentKey, EnvironmentState
from bot.model.forge import RepoPath
from bot.model.reason import Reason
from bot.model.run import Note, Origin, RunState, StepResult, StepState, StopRequest
from bot.model.scan import Scan
from tests.web.conftest import Bench, Client
from tests.web.fakes import IMAGE, NOW, environment, finished_run, run, step

JOB = "https://jenkins.example.com/job/build/"
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7*7 }}"
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
    response = await client.get(path, headers={"Accept-Language": language})
    assert response.status == status
    assert (response.content_type, response.charset) == ("text/html", "utf-8")
    return await response.text()


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


async def test_a_finished_run_shows_all_its_results(client: Client, bench: Bench) -> None:
    fill(bench)
    bench.files.reports[41] = b"<h1>report</h1>"

    words = Outline(await page(client, "/runs/41")).words

    for expected in (
        "Test failed",
        "2 of 8 tests failed.",
        "5 of 8 passed",
        "1 flaky",
        "registry.test/oak/shop:pr-7-01234567",
        "sha256:ab",
        "46 MB",
        "http://pr-7-shop.preview.test/",
        "Open the test report",
        "cart::test_coupon",
        "25 s",
    ):
        assert expected in words


async def test_a_running_run_shows_its_log_without_scripts(client: Client, bench: Bench) -> None:
    fill(bench)

    html = await page(client, "/runs/42", language="zh")

    assert '<div class="line" id="build-L2"><a href="#build-L2">2</a><span>second 行</span></div>' in html
    assert 'data-next="27" data-unfinished="true"' in html
    assert "正在构建" in html
    assert '<div id="head" data-final="false">' in html


async def test_the_live_part_equals_the_page(client: Client, bench: Bench) -> None:
    fill(bench)

    whole = Outline(await page(client, "/runs/42"))
    live = Outline(await page(client, "/runs/42/live"))

    ids = {value for name, value in live.attributes if name == "id"}
    assert ids == {"head"} | {
        f"{name}-{part}" for name in ("build", "deploy", "test") for part in ("head", "reason")
    }
    assert ids <= {value for name, value in whole.attributes if name == "id"}
    assert "first line" not in live.words


async def test_a_waiting_run_shows_its_queue_position(client: Client, bench: Bench) -> None:
    bench.runs.put(*(run(number, RunState.QUEUED, number=number) for number in (50, 51, 52)))

    assert "2 ahead in the queue" in await page(client, "/runs/52")
    assert "前面还有 2 个" in await page(client, "/runs/52", language="zh")


async def test_a_stopped_run_shows_why(client: Client, bench: Bench) -> None:
    cancelled = StopRequest(Reason.CANCELLED, {"who": "mei"})
    superseded = StopRequest(Reason.SUPERSEDED, {"by": "fedcba98" + "0" * 32})
    bench.runs.put(
        run(60, RunState.CANCELLED, stop=cancelled),
        run(61, RunState.SUPERSEDED, stop=superseded),
        run(62, stop=cancelled),
    )

    assert "Cancelled by mei." in await page(client, "/runs/60")
    assert "Superseded by a newer commit, <code>fedcba980000</code>." in await page(client, "/runs/61")
    assert "Stopping…" in await page(client, "/runs/62")


async def test_a_problem_of_the_infrastructure_is_not_called_a_failure(client: Client, bench: Bench) -> None:
    result = StepResult(StepState.BROKEN, Reason.ENGINE_UNAVAILABLE, {"message": "no socket"})
    bench.runs.put(run(63, RunState.FAILED, steps=(step("build", StepState.BROKEN, result),)))

    words = Outline(await page(client, "/runs/63")).words

    assert "Build was interrupted" in words
    assert "The Docker Engine does not respond: no socket" in words


async def test_the_findings_of_a_scanner_are_shown(client: Client, bench: Bench) -> None:
    clean = replace(IMAGE, size=0, scan=Scan())
    for number, image in ((65, IMAGE), (66, clean)):
        built = StepResult(StepState.PASSED, image=image)
        bench.runs.put(run(number, RunState.PASSED, steps=(step("build", StepState.PASSED, built),)))

    words = Outline(await page(client, "/runs/65")).words
    assert "1 critical" in words
    assert "3 low · 2 fixable · found by Trivy <v1>" in words
    assert "0 medium" not in words
    assert "1 个严重" in Outline(await page(client, "/runs/65", language="zh")).words
    assert "none known" in Outline(await page(client, "/runs/66")).words


async def test_notes_have_messages(client: Client, bench: Bench) -> None:
    bench.runs.put(run(64, notes=(Note("config_changed", {"file": ".chatops.yml"}), Note("new_code"))))

    html = await page(client, "/runs/64")

    assert "This PR changes <code>.chatops.yml</code>." in html
    assert "new_code" in html


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


async def test_only_reachable_environments_are_linked(client: Client, bench: Bench) -> None:
    bench.environments.put(environment(), environment("pr-9-shop", EnvironmentState.STARTING))

    html = await page(client, "/environments")

    assert 'href="http://pr-7-shop.preview.test/"' in html
    assert "pr-9-shop" in html
    assert 'href="http://pr-9-shop' not in html
    assert "in 2 days" in html


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


@pytest.mark.parametrize("path", ["/nope", "/runs/99", "/prs/oak/shop/99", "/runs/x", "/reports/99/"])
async def test_a_missing_page_has_the_usual_layout(client: Client, path: str) -> None:
    html = await page(client, path, 404, language="zh")

    assert "页面不存在" in html
    assert '<nav aria-label="主导航">' in html


async def test_a_page_that_accepts_no_forms_names_the_allowed_methods(client: Client) -> None:
    response = await client.post("/")

    assert response.status == 405
    assert "GET" in response.headers["Allow"]
    assert "此地址不支持该操作" in await response.text()


async def test_a_failure_without_an_exit_code_shows_none(client: Client, bench: Bench) -> None:
    result = StepResult(StepState.FAILED, Reason.BUILD_FAILED, {"instruction": "COPY shop .", "code": ""})
    bench.runs.put(run(66, RunState.FAILED, steps=(step("build", StepState.FAILED, result),)))

    assert "<code>COPY shop .</code> failed." in await page(client, "/runs/66")
    assert "<code>COPY shop .</code> 执行失败。" in await page(client, "/", language="zh")


async def test_an_automatic_run_names_no_person(client: Client, bench: Bench) -> None:
    bench.runs.put(run(67, RunState.PASSED, origin=Origin(Trigger.MERGE, "")))

    for path in ("/", "/runs/67"):
        html = await page(client, path)
        assert "PR merged" in html
        assert not re.search(r"·\s+·|<dd> ·", html)


async def test_a_reason_without_its_facts_is_still_shown(client: Client, bench: Bench) -> None:
    result = StepResult(StepState.FAILED, Reason.UNHEALTHY)
    bench.runs.put(run(65, RunState.FAILED, steps=(step("deploy", StepState.FAILED, result),)))

    assert "<code>—</code> did not pass its health check within <code>—</code>." in await page(
        client, "/runs/65"
    )


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


async def test_a_step_shows_what_it_waits_for_and_where_it_runs(client: Client, bench: Bench) -> None:
    going = replace(step("build", StepState.RUNNING), waiting=f"In the quiet period {HOSTILE}", link=JOB)
    bench.runs.put(run(42, steps=(going,)))

    page = Outline(await (await client.get("/runs/42", headers={"Accept-Language": "en"})).text())
    content = await (await client.get("/api/v1/runs/42")).json()

    assert f"waiting: In the quiet period {HOSTILE}" in page.words
    assert ("href", JOB) in page.attributes
    assert (content["steps"][0]["waiting"], content["steps"][0]["link"]) == (going.waiting, JOB)
