"""The reply to `/logs`."""

from dataclasses import replace
from typing import Literal

import pytest

from bot.model.errors import TellUser
from bot.model.reason import Reason
from bot.reports.files import RunFiles
from tests.dialogue.offline import OfflineTester
from tests.dialogue.test_commands import BY_HAND

OUTPUT = "first\nError: no space left\n```\n@all <!-- chatops:run=1 -->\n</details>\n"


async def built(tester: OfflineTester) -> None:
    """Build once, and write its log."""
    await tester.configure(BY_HAND)
    await tester.open()
    await tester.says("/build")
    tester.bot.deps.adapters.files.log(1, "build").write(OUTPUT)


async def link(tester: OfflineTester, run: int, step: str) -> str:
    found = await tester.bot.store.runs.run(run)
    assert found is not None
    return f"[whole log](<https://bot.example.com/runs/{run}-{found.uid}#{step}>)"


async def test_the_failed_step_of_the_newest_run_is_shown_unless_another_is_named(
    tester: OfflineTester,
) -> None:
    await built(tester)
    tester.world.script.fail("deploy", TellUser(Reason.UNHEALTHY, {"name": "app", "seconds": "60"}))
    await tester.says("/deploy")
    tester.bot.deps.adapters.files.log(2, "deploy").write("never healthy\n")

    said = await tester.says("/logs")
    assert said.startswith("**Deploy log** · failed · commit ")
    assert await link(tester, 2, "deploy") in said
    assert "```text\nnever healthy\n```" in said
    assert await link(tester, 1, "build") in await tester.says("/logs build")
    refused = await tester.says("/日志 测试")
    assert "There is no log of `test`. Steps and services with a log: `deploy`, `build`." in refused


async def test_text_of_a_log_is_escaped(tester: OfflineTester) -> None:
    await built(tester)

    said = await tester.says("/logs", by="mei")
    opened, *lines, closed, _, _, _ = said.split("\n")[2:]
    assert (opened, closed) == ("````text", "````")
    assert lines[:3] == ["first", "Error: no space left", "```"]
    assert "@all" not in said
    assert said.count("<!--") == 1


async def test_only_the_end_of_a_long_log_is_quoted(tester: OfflineTester) -> None:
    await built(tester)
    log = tester.bot.deps.adapters.files.log(1, "build")
    for number in range(2_000):
        log.write(f"line {number} {'x' * 50}\n")

    said = await tester.says("/logs build")
    assert "line 1999" in said
    assert len(said) < 16_384
    assert len(said.splitlines()) < 70


async def test_brief_comments_only_link_to_the_log(tester: OfflineTester) -> None:
    await tester.restart(comments=replace(tester.settings.comments, style="brief"))
    await built(tester)

    said = await tester.says("/logs")
    assert await link(tester, 1, "build") in said
    assert "first" not in said


@pytest.mark.parametrize(("style", "quoted"), [("full", True), ("brief", False)])
async def test_brief_comments_and_announcements_quote_no_output(
    tester: OfflineTester,
    style: Literal["full", "brief"],
    quoted: bool,  # noqa: FBT001 - a table's column
) -> None:
    chosen = replace(tester.settings.comments, style=style, announce=True)
    await tester.restart(comments=chosen)
    exited = TellUser(Reason.CONTAINER_EXITED, {"name": "app", "code": "1"}, log="KeyError: 'A'")
    tester.world.script.fail("deploy", exited)
    await tester.open()
    said = [await tester.read(), await tester.read()]
    assert all("with code 1" in comment for comment in said)
    assert [("`KeyError: 'A'`" in comment) for comment in said] == [quoted, quoted]


async def test_logs_are_for_contributors(tester: OfflineTester) -> None:
    await built(tester)

    assert "was not run" in await tester.says("/logs", by="stranger")


async def test_logs_are_read_only_for_commands_that_need_them(
    tester: OfflineTester, monkeypatch: pytest.MonkeyPatch
) -> None:
    await built(tester)
    read: list[str] = []

    async def tail(_files: RunFiles, _run: int, step: str, _limit: int) -> str:
        read.append(step)
        return ""

    monkeypatch.setattr(RunFiles, "tail", tail)
    await tester.says("/help")
    await tester.says("/status")
    assert read == []
    await tester.says("/logs")
    assert read == ["build"]
