"""`ref: merge`: the merge of a pull request into its base branch is built, deployed and tested."""

from bot.model.environment import EnvironmentKey
from bot.model.errors import TellUser
from bot.model.forge import RepoPath
from bot.model.reason import Reason
from tests.dialogue.offline import OfflineTester

KEY = EnvironmentKey(RepoPath("team", "shop"), 1, "preview")
CONFIG = "version: 1\nref: merge\non: {open: [], update: [], close: [teardown]}\n"


async def test_the_merge_is_built_and_named(tester: OfflineTester) -> None:
    await tester.configure(CONFIG)
    await tester.open()
    said = await tester.says("/deploy")
    base = tester.pull.base_sha
    assert f"merge of `{tester.head[:8]}` into the base branch at `{base[:8]}`" in said, said
    assert tester.world.merges == [(tester.head, base)]
    (order,) = tester.world.built
    assert order.tag.endswith(":pr-1-00000000")
    (found,) = await tester.bot.store.pulls.environments()
    assert (found.sha, found.merge) == (tester.head, f"{1:040x}")


async def test_a_base_branch_that_moves_starts_nothing_and_counts_for_the_next_command(
    tester: OfflineTester,
) -> None:
    await tester.configure(CONFIG)
    await tester.open()
    await tester.says("/deploy")
    await tester.says("/test")
    await tester.gitee.commit("team/shop", "master", {"more": "x"}, by="lin")
    await tester.says_nothing()
    assert len(tester.world.merges) == 1
    await tester.says("/test")
    assert tester.world.merges[1] == (tester.head, tester.pull.base_sha)
    assert [record.name for record in (await tester.runs())[-1].steps] == ["build", "deploy", "test"]
    (found,) = await tester.bot.store.pulls.environments()
    assert found.merge == f"{2:040x}"


async def test_a_conflict_is_told_with_its_files(tester: OfflineTester) -> None:
    await tester.configure(CONFIG)
    await tester.open()
    facts = {"sha": tester.head, "onto": tester.pull.base_sha, "paths": "app.py, web/page"}
    tester.world.script.fail("merge", TellUser(Reason.MERGE_CONFLICT, facts))
    said = await tester.says("/deploy")
    at = tester.pull.base_sha[:12]
    assert f"conflicts with the base branch at `{at}`, in `app.py`, `web/page`." in said, said
    assert not tester.world.built
