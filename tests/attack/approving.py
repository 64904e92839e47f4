"""Approves and refuses commits in the scenes of the attacks on trust."""

from tests.dialogue.offline import OfflineTester


def built(scene: OfflineTester) -> list[str]:
    """Return the commits that were built, in order."""
    return [order.labels["chatops.sha"] for order in scene.world.built]


async def approves(scene: OfflineTester, sha: str, by: str = "lin") -> None:
    """Approve a commit with the line of the request, and fail unless exactly this commit is built."""
    before = len(built(scene))
    await scene.comment(f"/ok-to-test {sha}", by)
    await scene.read_all()
    await scene.runs()
    assert set(built(scene)[before:]) == {sha}
    await scene.read_all()


async def moves(scene: OfflineTester, sha: str) -> None:
    """Push a commit to the pull request as the stranger, and read what the bot says."""
    await scene.force_push(sha, by="stranger")
    await scene.read_all()


async def refused(scene: OfflineTester, typed: str, by: str = "lin") -> str:
    """Write a command that must not run anything; return the reply."""
    before = built(scene)
    said = await scene.says(typed, by)
    assert "was not run" in said, said
    assert built(scene) == before
    return said


async def approved(scene: OfflineTester) -> int:
    """Approve the stranger's pull request while its build waits; return the approving comment."""
    await scene.opened_by_stranger()
    scene.world.script.hold("build")
    comment = await scene.comment(f"/ok-to-test {scene.head}")
    await scene.sees("approved commit")
    return comment
