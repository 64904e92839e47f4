"""The page of a run: its results, its log, and what it waits for."""

import re
from dataclasses import replace

import pytest

from bot.model.delivery import Trigger
from bot.model.errors import TellUser
from bot.model.reason import Reason
from bot.model.run import Note, Origin, RunState, StepResult, StepState, StopRequest
from bot.model.scan import Scan
from tests.web.conftest import Bench, Client
from tests.web.fakes import IMAGE, run, step
from tests.web.reading import HOSTILE, Outline, fill, page

JOB = "https://jenkins.example.com/job/build/"


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


async def test_a_run_of_which_no_test_ran_is_not_shown_as_passed(client: Client, bench: Bench) -> None:
    result = StepResult(StepState.SKIPPED, Reason.NO_TEST_RAN, {"path": "/reports", "code": "0"})
    bench.runs.put(run(67, state=RunState.PASSED, steps=(step("test", StepState.SKIPPED, result),)))

    html = await page(client, "/runs/67")

    assert '<span class="state skipped">' in html
    assert '<span class="state passed">' not in html
    assert "<strong>No test ran</strong>" in html


async def test_the_notes_of_a_step_are_shown(client: Client, bench: Bench) -> None:
    note = Note("not_a_test_report", {"paths": "/reports/coverage.xml"})
    bench.runs.put(
        run(68, steps=(step("test", StepState.PASSED, StepResult(StepState.PASSED, notes=(note,))),))
    )

    assert "<code>/reports/coverage.xml</code>" in await page(client, "/runs/68")


async def test_a_failure_without_an_exit_code_shows_none(client: Client, bench: Bench) -> None:
    result = StepResult(StepState.FAILED, Reason.BUILD_FAILED, {"instruction": "COPY shop .", "code": ""})
    bench.runs.put(run(66, RunState.FAILED, steps=(step("build", StepState.FAILED, result),)))

    assert "<code>COPY shop .</code> failed." in await page(client, "/runs/66")
    assert "<code>COPY shop .</code> 执行失败。" in await page(client, "/", language="zh")


async def test_a_failure_shows_the_line_that_says_why(client: Client, bench: Bench) -> None:
    facts = {"name": "app", "code": "1", "cause": "KeyError: '<URL>'"}
    result = StepResult(StepState.FAILED, Reason.CONTAINER_EXITED, facts)
    bench.runs.put(run(66, RunState.FAILED, steps=(step("deploy", StepState.FAILED, result),)))

    assert (await page(client, "/runs/66")).count("<code>KeyError: &#39;&lt;URL&gt;&#39;</code>") == 2


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


async def test_a_step_shows_what_it_waits_for_and_where_it_runs(client: Client, bench: Bench) -> None:
    going = replace(step("build", StepState.RUNNING), waiting=f"In the quiet period {HOSTILE}", link=JOB)
    bench.runs.put(run(42, steps=(going,)))

    page = Outline(await (await client.get("/runs/42", headers={"Accept-Language": "en"})).text())
    content = await (await client.get("/api/v1/runs/42")).json()

    assert f"waiting: In the quiet period {HOSTILE}" in page.words
    assert ("href", JOB) in page.attributes
    assert (content["steps"][0]["waiting"], content["steps"][0]["link"]) == (going.waiting, JOB)


@pytest.mark.attack
@pytest.mark.parametrize("path", ["/runs/68", "/runs/68/live", "/", "/api/v1/runs/68", "/api/v1/runs"])
async def test_a_fact_that_utf8_cannot_hold_breaks_no_page(client: Client, bench: Bench, path: str) -> None:
    # What a template of a pull request can make the error of `{% include "\ud800" %}`.
    error = TellUser(Reason.MANIFEST_INVALID, {"path": "deploy/\udcff.yaml", "message": "\ud800\0"})
    result = StepResult(StepState.FAILED, error.reason, error.facts)
    bench.runs.put(run(68, RunState.FAILED, steps=(step("deploy", StepState.FAILED, result),)))

    response = await client.get(path)

    assert response.status == 200
    assert "\0" not in await response.text()
