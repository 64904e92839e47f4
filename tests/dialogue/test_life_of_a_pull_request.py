"""A pull request from its opening to its merge."""

from tests.dialogue.offline import OfflineTester

SAID = {"build": "Building", "deploy": "Deploying", "test": "Testing"}


async def test_opening_builds_deploys_and_tests_in_one_comment(tester: OfflineTester) -> None:
    said = await tester.opened()
    assert f"pr-1-{tester.head[:8]}" in said
    assert "http://pr-1-shop.test.example.com" in said
    assert "2 passed" in said
    assert len(tester.comments()) == 1


async def test_the_comment_shows_the_running_step(tester: OfflineTester) -> None:
    gates = {operation: tester.world.script.hold(operation) for operation in SAID}
    await tester.open()
    for operation, words in SAID.items():
        await gates[operation].reached()
        await tester.shows(1, words)
        gates[operation].open()
    assert "Preview ready, 2 tests passed" in await tester.living(1)
    assert len(tester.comments()) == 1


async def test_merging_removes_everything(tester: OfflineTester) -> None:
    await tester.opened()
    await tester.merge()
    assert "Environment torn down" in await tester.read()
    assert tester.world.deployed == {}
    assert tester.world.tags == set()
    assert len(tester.world.images_removed) == 1


async def test_a_test_after_a_running_teardown_deploys_again(tester: OfflineTester) -> None:
    await tester.opened()
    gate = tester.world.script.hold("remove")
    await tester.comment("/teardown")
    await gate.reached()
    await tester.comment("/test")
    await tester.sees("Queued, next in the queue")
    gate.open()
    assert "Preview ready, 2 tests passed" in await tester.living(3)
    assert "Environment torn down" in await tester.read()
    assert len(tester.world.deployed) == 1


async def test_a_deployment_right_after_reopening_builds_what_the_teardown_removes(
    tester: OfflineTester,
) -> None:
    await tester.configure("version: 1\non: {open: [deploy]}\n")
    await tester.opened()
    gate = tester.world.script.hold("remove")
    await tester.close()
    await gate.reached()
    await tester.reopen()
    await tester.sees("Queued, next in the queue")
    gate.open()
    assert "Preview ready" in await tester.living(3)
    assert "Environment torn down" in await tester.read()
    assert len(tester.world.tags) == 1
