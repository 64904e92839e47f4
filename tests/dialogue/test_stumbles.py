"""What other bots have stumbled over: branches, repositories and commits that change at a bad moment."""

from datetime import timedelta

from playground import branches
from playground.git_repositories import ZERO
from tests.dialogue.offline import OfflineTester
from tests.dialogue.tester import REPO, BotTester

LONG = "version: 1\ndeploy: {ttl: 8h}\n"


async def delete_branch(tester: BotTester, branch: str, by: str = "mei") -> None:
    """Delete a branch, as people do on Gitee's page."""
    forge, repository, ref = tester.gitee.forge, tester.gitee.repository(REPO), f"refs/heads/{branch}"
    before = await forge.git(repository).resolve(ref) or ZERO
    await forge.git(repository).run("update-ref", "-d", ref)
    await branches.ref_moved(forge, repository, ref, before, ZERO, forge.user(by))


async def stacked(tester: BotTester) -> int:
    """Open a pull request on top of the current one, and make it the current one."""
    tester.number = await tester.gitee.open_pull(
        REPO, "on-top", files={"top.py": "1\n"}, by="mei", base_branch=tester.pull.head_branch
    )
    return tester.number


async def test_a_stacked_pull_request_has_a_preview_of_its_own(tester: OfflineTester) -> None:
    await tester.configure(LONG)
    below = await tester.open()
    assert "Preview ready" in await tester.read()
    top = await stacked(tester)
    assert "Preview ready" in await tester.read()
    assert {key.number for key in tester.world.deployed} == {below, top}

    tester.number = below
    await tester.merge()
    await tester.read()

    assert {key.number for key in tester.world.deployed} == {top}


async def test_a_pull_request_whose_target_is_merged_and_deleted_goes_on(tester: OfflineTester) -> None:
    below = await tester.open()
    branch = tester.pull.head_branch
    await tester.read()
    top = await stacked(tester)
    await tester.read()
    tester.number = below
    await tester.merge()
    await tester.read()
    await delete_branch(tester, branch)
    tester.number = top
    await tester.gitee.retarget(REPO, top, "master", by="mei")
    await tester.idle()

    assert "Preview ready" in await tester.says("/deploy")


async def test_a_retargeted_pull_request_keeps_its_preview_and_is_removed_with_it(
    tester: OfflineTester,
) -> None:
    await tester.gitee.commit(REPO, "release", {"RELEASE": "1\n"}, by="lin")
    number = await tester.open()
    await tester.read()

    await tester.gitee.retarget(REPO, number, "release", by="mei")
    await tester.idle()

    assert [key.number for key in tester.world.deployed] == [number]
    assert "2 tests passed" in await tester.says("/retest")
    await tester.merge()
    await tester.read()
    assert tester.world.deployed == {}


async def test_a_branch_that_is_deleted_while_it_deploys_ends_with_its_preview(tester: OfflineTester) -> None:
    gate = tester.world.script.hold("deploy")
    await tester.open()
    await gate.reached()
    await delete_branch(tester, tester.pull.head_branch)
    gate.open()
    assert "2 tests passed" in await tester.read()

    await tester.close()
    await tester.read()

    assert tester.world.deployed == {}
    assert tester.world.tags == set()


async def test_a_push_between_two_steps_leaves_only_the_newer_commit(tester: OfflineTester) -> None:
    gate = tester.world.script.hold("push")
    await tester.open()
    await gate.reached()
    sha = await tester.push()
    await gate.left()

    assert f"Superseded by a newer commit, {sha[:8]}" in await tester.living(1)
    assert "2 tests passed" in await tester.living(2)
    (spec,) = tester.world.deployed.values()
    assert spec.labels["chatops.sha"] == sha


def rename(tester: BotTester, owner: str, path: str) -> None:
    """Rename or move the repository; Gitee redirects from the former path."""
    world = tester.gitee.forge.world
    repository = world.repositories[REPO]
    repository.owner, repository.path = owner, path
    world.repositories[repository.full_name.lower()] = repository


async def test_a_renamed_repository_goes_on_and_its_former_preview_expires(tester: OfflineTester) -> None:
    await tester.opened()
    rename(tester, "team", "store")

    assert "http://pr-1-store.test.example.com" in await tester.says("/deploy")
    await tester.close()
    await tester.read()
    assert [key.repo.name for key in tester.world.deployed] == ["shop"]

    tester.clock.skip(timedelta(days=4))
    await tester.bot.reconciling.expiry.reconcile()
    await tester.read_all()
    assert tester.world.deployed == {}


async def test_a_repository_that_has_moved_out_of_reach_starts_nothing_more(tester: OfflineTester) -> None:
    await tester.opened()
    built = len(tester.world.built)
    rename(tester, "others", "shop")

    await tester.comment("/deploy")
    await tester.push()
    await tester.says_nothing()
    tester.clock.skip(timedelta(days=4))
    await tester.bot.reconciling.expiry.reconcile()
    await tester.read_all()

    assert len(tester.world.built) == built
    assert tester.world.deployed == {}
