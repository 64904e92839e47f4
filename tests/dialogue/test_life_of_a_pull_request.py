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
