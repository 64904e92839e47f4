"""Valid and invalid versions of `.chatops.yml`, and when a change takes effect."""

from tests.dialogue.offline import OfflineTester

BROKEN = "version: 1\nbuild:\n  timeout: 600\n  dokerfile: app/Dockerfile\n"
BUILD_ONLY = "version: 1\non: {open: [build]}\n"


async def test_an_invalid_file_is_reported_with_line_and_column(tester: OfflineTester) -> None:
    await tester.configure(BROKEN)
    said = await tester.opened()
    assert "`.chatops.yml` on `master` has 1 error**; nothing runs until" in said
    assert "Line 4, column 3, `build.dokerfile`" in said
    assert "id you mean `dockerfile`?" in said
    assert ">    4 |   dokerfile: app/Dockerfile" in said
    assert "Line 4, column 3" in await tester.says("/build")
    assert await tester.runs() == []
    assert "Nothing has run yet." in await tester.says("/status")


async def test_an_invalid_file_does_not_prevent_the_teardown_of_a_close(tester: OfflineTester) -> None:
    await tester.opened()
    await tester.configure(BROKEN)
    await tester.close()
    assert "Environment torn down" in await tester.read()
    assert tester.world.tags == set()


async def test_a_corrected_file_runs(tester: OfflineTester) -> None:
    await tester.configure(BROKEN)
    assert "Line 4" in await tester.opened()
    await tester.configure(BUILD_ONLY)
    assert "Image built" in await tester.says("/build")


async def test_a_change_takes_effect_with_the_merge(tester: OfflineTester) -> None:
    await tester.configure(BUILD_ONLY)
    said = await tester.opened(files={".chatops.yml": "version: 1\non: {open: [build, deploy]}\n"})
    assert "Image built" in said
    assert "This PR changes `.chatops.yml`. The change takes effect once it is merged" in said
    assert [run.plan.names for run in await tester.runs()] == [("build",)]
    await tester.merge()
    await tester.read()
    assert "Preview ready" in await tester.opened()


async def test_an_invalid_change_is_reported_at_once_and_not_used(tester: OfflineTester) -> None:
    await tester.configure(BUILD_ONLY)
    await tester.open(files={".chatops.yml": "version: 2\n"})
    warning, run = await tester.read_all()
    assert "`.chatops.yml` in this PR has 1 error**; once merged, nothing would run." in warning
    assert "Line 1, column 10, `version`: Expected 1" in warning
    assert "Image built" in run


async def test_a_fork_cannot_bring_its_own_configuration(tester: OfflineTester) -> None:
    await tester.configure(BUILD_ONLY)
    own = "version: 1\non: {open: [deploy]}\nlanguage: zh\n"
    said = await tester.opened(from_fork=True, files={".chatops.yml": own})
    assert "Image built" in said
    assert tester.world.deployed == {}


async def test_a_repository_chooses_its_language(tester: OfflineTester) -> None:
    await tester.configure("version: 1\nlanguage: zh\n")
    said = await tester.opened()
    assert "✅ **预览环境已就绪，2 个测试通过**" in said
    assert "Test" not in said
    assert "没有名为 `x` 的环境" in await tester.says("/部署 x")
    await tester.configure("version: 1\nlanguage: en\n")
    assert "There is no environment `x`" in await tester.says("/部署 x")


async def test_an_invalid_file_is_reported_in_the_operators_language(tester: OfflineTester) -> None:
    await tester.configure(BROKEN.replace("version: 1", "version: 1\nlanguage: zh"))
    assert "Line 5, column 3" in await tester.opened()


async def test_runs_keep_the_configuration_of_their_request(tester: OfflineTester) -> None:
    gate = tester.world.script.hold("build")
    await tester.open()
    await gate.reached()
    await tester.configure("version: 1\ndeploy: {env: {NEW: 'yes'}}\n")
    gate.open()
    assert "Preview ready" in await tester.read()
    (spec,) = tester.world.deployed.values()
    assert "NEW" not in spec.env
