"""Each command, its arguments and its refusals."""

import pytest

from bot.core.results import cases
from bot.ports import TestOutput
from tests.dialogue.offline import OfflineTester
from tests.fakes.adapters import FAILING, PASSING

SUITES = "version: 1\ntest: {suites: {unit: pytest unit, web: pytest web}}\n"
STAGING = "version: 1\ndeploy: {environments: {staging: {ttl: 8h, env: {STAGE: 'yes'}}}}\n"
BY_HAND = "version: 1\non: {open: [], update: [], close: []}\n"


@pytest.mark.parametrize(
    ("typed", "said", "calls"),
    [
        ("/build", "Image built", (1, 0, 0)),
        ("/构建", "Image built", (1, 0, 0)),
        ("/编译", "Image built", (1, 0, 0)),
        ("/deploy", "Preview ready", (1, 1, 0)),
        ("/部署", "Preview ready", (1, 1, 0)),
        ("/preview ttl=8h", "Preview ready", (1, 1, 0)),
        ("/test", "2 tests passed", (2, 1, 1)),
        ("／测试", "2 tests passed", (2, 1, 1)),
        ("/retest", "2 tests passed", (2, 1, 1)),
        ("/重测", "2 tests passed", (2, 1, 1)),
    ],
)
async def test_each_command_has_its_effect(
    tester: OfflineTester, typed: str, said: str, calls: tuple[int, int, int]
) -> None:
    await tester.configure(BY_HAND)
    await tester.open()
    assert said in await tester.says(typed)
    world = tester.world
    assert (len(world.built), len(world.deployed), len(world.tested)) == calls


async def test_a_teardown_removes_the_environment_and_keeps_the_image(tester: OfflineTester) -> None:
    await tester.opened()
    for typed in ("/teardown", "/销毁", "/回收 preview", "/undeploy env=preview"):
        assert "Environment torn down" in await tester.says(typed)
        assert tester.world.deployed == {}
        assert tester.world.tags != set()
        await tester.says("/deploy")


HELP = {
    "/help": "/deploy [env] [ttl=…]",
    "/帮助": "/deploy [env] [ttl=…]",
    "/help build": "Who may use it: people with write access, and the author of a trusted PR.",
    "/help /部署": "/deploy ttl=8h",
    "/help biuld": "Did you mean `/help build`?",
}


async def test_help_lists_and_explains(tester: OfflineTester) -> None:
    await tester.configure(BY_HAND)
    await tester.open()
    for typed, said in HELP.items():
        assert said in await tester.says(typed, by="stranger")


async def test_status_shows_images_environments_and_runs(tester: OfflineTester) -> None:
    await tester.configure(BY_HAND)
    await tester.open()
    assert "Nothing has run yet." in await tester.says("/status", by="stranger")
    await tester.says("/deploy")
    said = await tester.says("/状态")
    assert "| `preview` | ready | [pr-1-shop.test.example.com]" in said
    assert f"`registry.example.com/team/shop@sha256:{'d' * 64}`" in said
    assert "Last: #1 passed" in said


async def test_several_commands_are_one_run_with_one_comment(tester: OfflineTester) -> None:
    await tester.configure(BY_HAND)
    await tester.open()
    said = await tester.says("please\n\n/build\n/deploy staging2\n/deploy\n/test\n\nthank you")
    assert "was not run. There is no environment `staging2`" in said
    assert "Preview ready, 2 tests passed" in await tester.read()
    assert [run.plan.names for run in await tester.runs()] == [("build", "deploy", "test")]


async def test_full_width_punctuation_is_understood(tester: OfflineTester) -> None:
    await tester.configure(STAGING + "on: {open: [], update: [], close: []}\n")
    await tester.open()
    assert "Staging ready" in await tester.says("／部署　staging　有效期＝“3天”")
    (spec,) = tester.world.deployed.values()
    assert spec.key.name == "staging"
    (environment,) = await tester.bot.store.pulls.environments()
    assert (environment.expires_at - environment.deployed_at).days == 3


async def test_an_environment_has_its_own_variables_and_lifetime(tester: OfflineTester) -> None:
    await tester.configure(STAGING)
    await tester.opened()
    said = await tester.says("/deploy staging")
    assert "http://pr-1-shop-staging.test.example.com" in said
    spec = next(spec for key, spec in tester.world.deployed.items() if key.name == "staging")
    assert spec.env["STAGE"] == "yes"
    assert spec.image.digest == f"sha256:{'d' * 64}"
    environments = {one.key.name: one for one in await tester.bot.store.pulls.environments()}
    assert (environments["staging"].expires_at - environments["staging"].deployed_at).seconds == 8 * 3600
    assert environments["preview"].host == "pr-1-shop"


async def test_tests_are_for_the_environment_that_was_deployed_last(tester: OfflineTester) -> None:
    await tester.configure(STAGING + "on: {open: [], update: [], close: []}\n")
    await tester.open()
    await tester.says("/deploy staging")
    for command in ("/test", "/retest"):
        assert "2 tests passed" in await tester.says(command)
    assert [key.name for key in tester.world.deployed] == ["staging"]
    await tester.says("/test env=preview")
    assert {key.name for key in tester.world.deployed} == {"staging", "preview"}
    said = await tester.says("/test env=production")
    assert "There is no environment `production`" in said
    assert [run.plan.names[-1] for run in await tester.runs()] == ["deploy", "test", "test", "test"]


async def test_suites_are_run_by_name(tester: OfflineTester) -> None:
    await tester.configure(SUITES)
    await tester.opened()
    assert "2 tests passed" in await tester.says("/test web")
    assert [spec.suite for spec in tester.world.tested] == ["unit", "web", "web"]
    assert "There is no test suite `wab`. Known test suites: `unit`, `web`." in await tester.says("/测试 wab")


async def test_suites_have_the_memory_and_cpus_that_the_repository_asks_for(tester: OfflineTester) -> None:
    await tester.configure("test: {memory: 2g, cpu: 0.5}")
    await tester.opened()
    (spec,) = tester.world.tested
    assert (spec.memory, spec.cpus) == ("2g", 0.5)


async def test_more_than_the_operator_allows_is_an_error_with_its_place(tester: OfflineTester) -> None:
    await tester.configure("test: {memory: 9g}")
    said = await tester.opened()
    assert "Line 1, column 16" in said
    assert "The operator allows at most 2g" in said
    assert "test.memory" in said
    assert tester.world.tested == []


async def test_html_files_beside_results_are_not_results(tester: OfflineTester) -> None:
    await tester.configure(SUITES)
    page = {"index.html": b"<p>no XML & no end"}
    tester.world.outputs.extend([TestOutput(0, page), TestOutput(1, {"junit.xml": FAILING, **page})])
    assert "1 of 2 tests failed" in await tester.opened()


@pytest.mark.attack
async def test_a_report_that_is_too_expensive_is_named_and_the_other_files_count(
    tester: OfflineTester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cases, "MOST_ELEMENTS", 10)
    large = b"<testsuite>" + b"<testcase/>" * 20 + b"</testsuite>"
    tester.world.outputs.append(TestOutput(0, {"large.xml": large, "small.xml": PASSING}))
    said = await tester.opened()
    assert "Tests failed" in said
    assert "8 passed" in said
    assert "Reading the test report `/reports/large.xml` takes more than 20 s of processor time" in said
    assert "Split the suite" in said
    tester.world.outputs.append(TestOutput(1, {"large.xml": large, "small.xml": FAILING}))
    assert "1 of 7 tests failed" in await tester.says("/test")


async def test_retest_failed_runs_the_failed_suites_again(tester: OfflineTester) -> None:
    await tester.configure(SUITES)
    tester.world.outputs.extend([TestOutput(0, {}), TestOutput(1, {"junit.xml": FAILING})])
    said = await tester.opened()
    assert "1 of 2 tests failed" in said
    assert "- `unit::removes`: `2 != 3`" in said
    assert "`/retest failed`" in said
    assert "2 tests passed" in await tester.says("/retest failed")
    again = tester.world.tested[2:]
    assert [spec.suite for spec in again] == ["web"]
    assert again[0].env["CHATOPS_FAILED_TESTS"] == "unit::removes"
    assert "No test failed in the last run." in await tester.says("/重测 失败")


REFUSED = {
    "/build now": "Unknown argument `now`. Usage: `/build`.",
    "/deploy nowhere": "There is no environment `nowhere`. Known environments: `preview`.",
    "/deploy ttl=soon": "`soon` is not a valid `ttl`; expected: 30m, 8h, 2d",
    "/deploy ttl=8h ttl=9h": "The argument `ttl` is given more than once.",
    "/deploy enviroment=x": "Unknown argument `enviroment`; did you mean `environment`?",
    '/deploy "preview': "Unclosed quotation mark",
    "/cancel all": "`all` is not a valid `run`; expected: 42.",
    "/cancel 7": "This PR has no run that can be cancelled.",
    "/teardown": "This PR has no environment to tear down.",
    "/help nosuch": "There is no command `nosuch`. `/help` lists all commands.",
    "/ok-to-test": "is already trusted",
    "/ok-to-test 1234567": "`1234567` is not a complete commit id",
}


async def test_impossible_commands_are_refused_with_the_reason(tester: OfflineTester) -> None:
    await tester.configure(BY_HAND)
    await tester.open()
    for typed in REFUSED:
        await tester.comment(typed)
    answers = await tester.read_all()
    for answer, (typed, said) in zip(answers, REFUSED.items(), strict=True):
        assert answer.startswith(f"@lin `{typed}` was not run. "), answer
        assert said in answer
    assert await tester.runs() == []


async def test_several_refusals_are_one_reply(tester: OfflineTester) -> None:
    await tester.configure(BY_HAND)
    await tester.open()
    said = await tester.says("/deploy nowhere\n/test nothing")
    assert "- `/deploy nowhere`: There is no environment" in said
    assert "- `/test nothing`: There is no test suite" in said


async def test_disabled_steps_are_refused_with_that_reason(tester: OfflineTester) -> None:
    await tester.configure("version: 1\ndeploy: {enabled: false}\n")
    said = await tester.opened()
    assert "2 tests passed" in said
    assert "http://" not in said
    assert "“Deploy” is turned off" in await tester.says("/deploy")
    assert "/deploy" not in (await tester.says("/help")).split("Arguments")[0]
