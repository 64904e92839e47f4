from tests.dialogue.offline import OfflineTester
from tests.dialogue.tester import BotTester


async def test_opening_builds_deploys_and_tests_in_one_living_comment(tester: BotTester) -> None:
    said = await tester.opened()
    assert f"pr-1-{tester.head[:8]}" in said
    assert "http://pr-1-shop.test.example.com" in said
    assert "2 passed" in said
    assert len(tester.texts("pr-1-")) > 3


async def test_merging_takes_everything_down(tester: BotTester) -> None:
    await tester.opened()
    await tester.merge()
    assert "Environment removed" in await tester.read()
    assert tester.world.deployed == {}
    assert tester.world.tags == set()
    assert len(tester.world.images_removed) == 1


async def test_a_test_that_follows_a_teardown_under_way_deploys_again(tester: OfflineTester) -> None:
    await tester.opened()
    gate = tester.world.script.hold("remove")
    await tester.comment("/teardown")
    await gate.reached()
    await tester.comment("/test")
    await tester.sees("Queued, next in line")
    gate.open()
    assert "Preview ready, 2 tests passed" in await tester.living(3)
    assert "Environment removed" in await tester.read()
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
    await tester.sees("Queued, next in line")
    gate.open()
    assert "Preview ready" in await tester.living(3)
    assert "Environment removed" in await tester.read()
    assert len(tester.world.tags) == 1
