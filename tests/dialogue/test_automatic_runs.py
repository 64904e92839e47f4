"""Events of pull requests start, supersede and stop runs."""

import pytest

from bot.model.run import RunState
from bot.settings.model import ReposSettings
from tests.dialogue.offline import OfflineTester
from tests.dialogue.tester import REPO, SECRET

ON = "version: 1\non: {open: [build], update: [/test], close: []}\n"
PATHS = "version: 1\npaths: {include: ['src/**'], ignore: ['**/*.md']}\n"


async def test_each_event_runs_what_the_configuration_names(tester: OfflineTester) -> None:
    await tester.configure(ON)
    assert "Image built" in await tester.opened()
    await tester.push()
    assert "2 tests passed" in await tester.read()
    await tester.close()
    await tester.says_nothing()
    await tester.reopen()
    assert "Image built" in await tester.read()
    names = [run.plan.names for run in await tester.runs()]
    assert names == [("build",), ("build", "deploy", "test"), ("build",)]


async def test_closing_removes_everything_and_reopening_deploys_again(tester: OfflineTester) -> None:
    await tester.opened()
    await tester.close()
    assert "automatic, PR closed" in await tester.read()
    assert tester.world.deployed == {}
    assert tester.world.tags == set()
    await tester.reopen()
    assert "automatic, PR reopened" in await tester.read()
    assert len(tester.world.deployed) == 1


async def test_the_three_webhooks_of_a_creation_start_one_run(tester: OfflineTester) -> None:
    await tester.opened()
    assert [one.desc for one in tester.gitee.deliveries if one.action == "open"] == ["open", "test", "assign"]
    assert len(await tester.runs()) == 1


async def test_two_webhooks_for_one_event_start_one_run(tester: OfflineTester) -> None:
    tester.gitee.add_hook(REPO, tester.hook.url, SECRET, mode="password")
    await tester.opened()
    await tester.says("/build")
    await tester.push()
    await tester.read()
    await tester.close()
    await tester.read()
    assert len(await tester.runs()) == 4


@pytest.mark.parametrize(("command", "runs"), [("/status", 1), ("/build", 2)])
async def test_an_open_event_delivered_after_a_push_starts_no_second_run(
    tester: OfflineTester, command: str, runs: int
) -> None:
    tester.gitee.faults.drop_webhooks(3)
    await tester.open()
    await tester.says_nothing()
    await tester.push()
    assert "2 tests passed" in await tester.read()
    await tester.says(command)
    tester.gitee.redeliver(0)
    await tester.says_nothing()
    assert len(await tester.runs()) == runs


async def test_redelivered_events_start_nothing(tester: OfflineTester) -> None:
    await tester.opened()
    await tester.says("/build")
    await tester.close()
    await tester.read()
    for index in range(len(tester.gitee.deliveries)):
        tester.gitee.redeliver(index)
    await tester.says_nothing()
    assert len(await tester.runs()) == 3


async def test_changes_of_labels_and_title_start_nothing(tester: OfflineTester) -> None:
    await tester.opened()
    await tester.gitee.label(REPO, tester.number, ["bug"], by="lin")
    await tester.gitee.edit_pull(REPO, tester.number, title="/build", by="lin")
    await tester.says_nothing()
    assert len(await tester.runs()) == 1


async def test_only_changes_of_the_configured_paths_start_automatic_runs(tester: OfflineTester) -> None:
    await tester.configure(PATHS)
    await tester.open(files={"docs/readme.md": "hello\n", "src/readme.md": "hello\n"})
    await tester.says_nothing()
    assert "Image built" in await tester.says("/build")
    await tester.push(files={"src/app.py": "print()\n"})
    assert "2 tests passed" in await tester.read()


async def test_a_repository_without_configuration_and_dockerfile_is_ignored(tester: OfflineTester) -> None:
    await tester.open(files={"Dockerfile": None})
    await tester.says_nothing()
    tester.world.dockerfile = None
    said = await tester.says("/build")
    assert "❌ **Build failed**" in said
    assert "The commit has no `Dockerfile`. Add the file, or set `build.dockerfile`" in said.replace(
        "\n", " "
    )


async def test_a_build_without_a_submodule_says_so(tester: OfflineTester) -> None:
    tester.world.submodules = ("libs/ui",)
    said = await tester.opened()
    assert "2 tests passed" in said
    assert "The build has no `libs/ui`: the operator does not allow the repository in `[repos]`" in said


async def test_a_push_supersedes_the_running_run(tester: OfflineTester) -> None:
    gate = tester.world.script.hold("build")
    await tester.open()
    await gate.reached()
    sha = await tester.push()
    await gate.left()
    assert f"Superseded by a newer commit, {sha[:8]}" in await tester.living(1)
    assert f"commit `{sha[:8]}`" in await tester.living(2)
    assert [run.state for run in await tester.runs()] == [RunState.SUPERSEDED, RunState.PASSED]
    assert {order.labels["chatops.sha"] for order in tester.world.built} == {sha}


async def test_a_push_supersedes_the_waiting_run_too(tester: OfflineTester) -> None:
    gate = tester.world.script.hold("build")
    await tester.open()
    await gate.reached()
    await tester.comment("/test")
    await tester.sees("Queued, next in the queue")
    sha = await tester.push()
    for run in (1, 2):
        assert f"Superseded by a newer commit, {sha[:8]} · " in await tester.living(run)
    assert "2 tests passed" in await tester.living(3)


async def test_only_the_run_of_the_last_push_finishes(tester: OfflineTester) -> None:
    gates = [tester.world.script.hold("build") for _ in range(3)]
    await tester.open()
    for gate in gates:
        await gate.reached()
        await tester.push()
    for run in (1, 2, 3):
        assert "Superseded by a newer commit" in await tester.living(run)
    assert f"commit `{tester.head[:8]}`" in await tester.living(4)
    assert [run.sha for run in await tester.runs() if run.state is RunState.PASSED] == [tester.head]


async def test_a_branch_that_moves_back_is_run_again(tester: OfflineTester) -> None:
    await tester.opened()
    first = tester.head
    second = await tester.push()
    await tester.read()
    await tester.force_push(first)
    assert f"commit `{first[:8]}`" in await tester.read()
    assert [run.sha for run in await tester.runs()] == [first, second, first]
    (spec,) = tester.world.deployed.values()
    assert spec.image.sha == first


async def test_a_branch_that_moves_away_and_back_unobserved_changes_nothing(tester: OfflineTester) -> None:
    await tester.opened()
    first = tester.head
    await tester.stop()
    await tester.push()
    await tester.force_push(first)
    await tester.gitee.delivered()
    await tester.start()
    tester.gitee.redeliver(-2)
    tester.gitee.redeliver(-1)
    await tester.says_nothing()
    assert len(await tester.runs()) == 1


async def test_closing_stops_the_running_run_and_removes_everything(tester: OfflineTester) -> None:
    gate = tester.world.script.hold("test")
    await tester.open()
    await gate.reached()
    await tester.close()
    await gate.left()
    stopped, teardown = await tester.living(1), await tester.living(2)
    assert "⏹️ #1 · Stopped · " in stopped
    assert "The PR was closed, which stopped the run" in stopped
    assert "Superseded" not in stopped
    assert "Environment torn down" in teardown
    assert tester.world.deployed == {}
    assert tester.world.tags == set()


async def test_merging_while_a_run_waits_leaves_nothing_behind(tester: OfflineTester) -> None:
    gate = tester.world.script.hold("push")
    await tester.open()
    await gate.reached()
    await tester.comment("/deploy")
    await tester.sees("Queued, next in the queue")
    await tester.merge()
    await tester.read_all()
    assert await tester.bot.store.pulls.environments() == ()
    assert tester.world.deployed == {}
    assert tester.world.tags == set()


async def test_repositories_that_are_not_allowed_are_ignored(tester: OfflineTester) -> None:
    await tester.restart(repos=ReposSettings(("team/*", "!team/shop")))
    await tester.open()
    await tester.comment("/help")
    await tester.says_nothing()
    assert {one.status for one in tester.gitee.deliveries} == {200}
