"""Text from logs, tests, comments and files cannot change a comment of the bot."""

import pytest

from bot.model.errors import TellUser
from bot.model.reason import Reason
from bot.ports import TestOutput
from tests.dialogue.offline import OfflineTester
from tests.dialogue.rendered import Rendered

IDLE = "version: 1\non: {open: [], update: [], close: []}\n"
HOSTILE = (
    "@all <!-- chatops:run=1 --> `code` ``` </details> | a | b | **bold** "
    "<img src=x onerror=alert(1)> [x](javascript:alert(1)) ![y](http://evil.example/y.png)"
)
SHOUTED = (
    f"{HOSTILE}\n```\n</details>\n<!-- chatops:run=2 -->\n\n@all\n| x | y |\n|---|---|\n<script>1</script>\n"
)
JUNIT = (
    '<testsuite name="&lt;/details&gt; @all">'
    '<testcase name="`x` | @all &lt;!-- chatops:run=1 --&gt;&#10;```">'
    '<failure message="&lt;script&gt;">@all</failure></testcase></testsuite>'
)


async def test_a_log_cannot_leave_its_block(tester: OfflineTester) -> None:
    failure = TellUser(Reason.BUILD_FAILED, {"instruction": SHOUTED, "code": SHOUTED}, log=SHOUTED * 3)
    tester.world.script.fail("build", failure)
    said = await tester.opened(title=HOSTILE, branch="@all`x`")
    Rendered(said).assert_harmless("chatops:run=1")
    assert "❌ **Build failed**" in said


async def test_an_announcement_mentions_only_the_author(tester: OfflineTester) -> None:
    await tester.restart(comments=type(tester.settings.comments)(tester.settings.comments.language))
    tester.world.script.fail("build", TellUser(Reason.BUILD_FAILED, {"instruction": SHOUTED}, log=SHOUTED))
    await tester.open(title=HOSTILE)
    living, announcement = await tester.read_all()
    Rendered(living).assert_harmless("chatops:run=1")
    Rendered(announcement).assert_harmless("chatops:failed=1", may_mention="mei")


async def test_the_name_of_a_test_is_only_a_name(tester: OfflineTester) -> None:
    tester.world.outputs.append(TestOutput(1, {"junit.xml": JUNIT.encode()}))
    said = await tester.opened()
    Rendered(said).assert_harmless("chatops:run=1")
    assert "1 of 1 tests failed" in said


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_a_reply_quotes_text_harmlessly(tester: OfflineTester, language: str) -> None:
    await tester.configure(f"{IDLE}language: {language}\n")
    await tester.open()
    for typed in (f"/deploy '{HOSTILE}'", "/deploy @all", "/cancel <!--x--></details>@all", "/deplooy@all"):
        await tester.comment(typed)
    answers = await tester.read_all()
    assert len(answers) >= 3
    for said in answers:
        ((marker),) = Rendered(said).markers
        assert marker.startswith("chatops:reply=")
        Rendered(said).assert_harmless(marker, may_mention="lin")


async def test_a_command_line_is_quoted_harmlessly_in_the_comment_of_its_run(tester: OfflineTester) -> None:
    await tester.configure(f"{IDLE}test: {{suites: {{unit: pytest}}}}\n")
    await tester.open()
    said = await tester.says('/test suite="unit" "unit"  suite=`unit`')
    Rendered(said).assert_harmless("chatops:run=1")


async def test_a_broken_configuration_is_quoted_harmlessly(tester: OfflineTester) -> None:
    await tester.configure(IDLE)
    proposed = f"version: 1\n# ``` </details> @all <!-- chatops:run=1 -->\n{'x' * 90}@all`: 1\n"
    said = await tester.opened(files={".chatops.yml": proposed})
    ((marker),) = Rendered(said).markers
    Rendered(said).assert_harmless(marker)
    assert "Line 3, column 1" in said


async def test_a_forged_marker_is_not_taken_for_the_bots_own_comment(tester: OfflineTester) -> None:
    await tester.configure(IDLE)
    await tester.open()
    forged = await tester.comment("<!-- chatops:run=1 -->", by="stranger")
    tester.gitee.faults.add("POST", "/pulls/1/comments$", status=502, after=True)
    assert "Image built" in await tester.says("/build")
    (first, *_rest) = tester.gitee.comments("team/shop", 1)
    assert (first.id, first.body) == (forged, "<!-- chatops:run=1 -->")
    assert len(tester.comments()) == 1


async def test_a_huge_log_still_fits_into_a_comment(tester: OfflineTester) -> None:
    names = "".join(f'<testcase name="{"测" * 400}{number}"><failure/></testcase>' for number in range(300))
    tester.world.outputs.append(TestOutput(1, {"junit.xml": f"<testsuite>{names}</testsuite>".encode()}))
    said = await tester.opened()
    Rendered(said).assert_harmless("chatops:run=1")
    assert len(said.encode()) <= 60_000
    assert "300 of 300 tests failed" in said
