"""Results of the registry's scanner, and the operator's threshold."""

from bot.model.scan import Scan, Severity
from tests.dialogue.offline import OfflineTester

BAD = Scan({Severity.HIGH: 1, Severity.LOW: 4}, 3, "Trivy")


async def test_vulnerabilities_are_reported_and_block_nothing_by_default(tester: OfflineTester) -> None:
    tester.world.scan = BAD
    said = await tester.opened()
    assert "vulnerabilities: 1 high, 4 low (3 fixable)" in said
    assert "2 tests passed" in said


async def test_an_image_beyond_the_threshold_is_neither_deployed_nor_used_later(
    tester: OfflineTester,
) -> None:
    tester.world.scan, tester.world.fail_on = BAD, Severity.HIGH
    await tester.restart()
    said = await tester.opened()
    assert "❌ **Image rejected for its vulnerabilities**" in said
    assert "accept: 1 of severity “high” or above" in said
    assert "1 high, 4 low" in said
    assert tester.world.deployed == {}

    tester.world.scan = Scan({Severity.MEDIUM: 9})
    await tester.comment("/deploy")
    assert "Preview ready" in await tester.living(2)
    assert len(tester.world.built) == 2


async def test_an_image_without_a_scan_does_not_pass_a_threshold(tester: OfflineTester) -> None:
    tester.world.fail_on = Severity.CRITICAL
    await tester.restart()
    said = await tester.opened()
    assert "⚠️ **Build interrupted**" in said
    assert "There is no vulnerability scan of `registry.example.com/team/shop:pr-1-" in said
    assert tester.world.deployed == {}


async def test_tags_that_the_registry_keeps_are_reported_and_do_not_fail_the_teardown(
    tester: OfflineTester,
) -> None:
    await tester.opened()
    tag = f"pr-1-{tester.head[:8]}"
    tester.world.immutable = {tag}
    await tester.merge()
    said = await tester.read()
    assert "Environment torn down" in said
    assert f"kept by the registry: `{tag}`" in said
