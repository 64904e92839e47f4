"""The store is deleted, restored from an older backup, or upgraded; and a second bot works by mistake."""

import json
import logging
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.core import markers
from bot.core.markers import Marker
from bot.model.run import Run
from bot.settings.model import ReposSettings, ServerSettings
from tests.dialogue.line import Line
from tests.dialogue.offline import OfflineTester, bot_at, visitor
from tests.dialogue.tester import BOT, REPO, SECRET
from tests.fakes.adapters import FakeWorld

NAMED = ReposSettings((REPO,))
IDLE = "version: 1\non: {open: [], update: [], close: []}\n"


def file(tester: OfflineTester) -> Path:
    return tester.settings.server.data_dir / "chatops.db"


def changed(tester: OfflineTester, *statements: str) -> None:
    """Change the store of the stopped bot."""
    with closing(sqlite3.connect(file(tester))) as connection, connection:
        for statement in statements:
            connection.execute(statement)


async def lose(tester: OfflineTester, **changes: Any) -> None:
    """Stop the bot, delete its store, and start it."""
    await tester.stop()
    for found in file(tester).parent.glob("chatops.db*"):
        found.unlink()
    await tester.start(**changes)


async def back_up(tester: OfflineTester) -> Path:
    """Stop the bot, copy its store, and start it."""
    await tester.stop()
    copy = file(tester).with_name("copy")
    shutil.copy(file(tester), copy)
    await tester.start()
    return copy


async def restore(tester: OfflineTester, copy: Path, *statements: str, **changes: Any) -> None:
    """Stop the bot, replace its store by a copy, and start it."""
    await tester.stop()
    for found in file(tester).parent.glob("chatops.db*"):
        found.unlink()
    shutil.copy(copy, file(tester))
    changed(tester, *statements)
    await tester.start(**changes)


async def building(tester: OfflineTester) -> None:
    """Open a pull request whose comment says that it is being built."""
    gate = tester.world.script.hold("build")
    await tester.open()
    await gate.reached()
    await tester.shows(1, "Building")


def every_marker_once(tester: OfflineTester) -> None:
    found = [markers.read(comment.body) for comment in tester.comments()]
    assert all(found)
    counts = Counter(one.marker for one in found if one)
    assert set(counts.values()) == {1}, counts


async def run(tester: OfflineTester, number: int) -> Run:
    found = await tester.bot.store.runs.run(number)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("language", "words"), [("en", "**Run #1 is lost**"), ("zh", "**运行 #1 的记录已丢失**")]
)
async def test_a_sweep_reports_the_run_of_a_deleted_store(
    tester: OfflineTester, language: str, words: str
) -> None:
    await tester.configure(f"version: 1\nlanguage: {language}\n")
    gate = tester.world.script.hold("build")
    await tester.open()
    await gate.reached()
    await tester.shows(1, "#1")
    await lose(tester, repos=NAMED)
    await tester.sweep()
    (comment,) = tester.comments()
    assert words in comment.body
    assert "```text\n/deploy\n```" in comment.body
    assert "uid=" not in comment.body
    await tester.sweep()
    await tester.restart()
    await tester.sweep()
    assert len(comment.history) == len(tester.comments()[0].history)


async def test_a_command_in_a_pull_request_of_a_deleted_store_is_preceded_by_the_report(
    tester: OfflineTester,
) -> None:
    await building(tester)
    await lose(tester)
    await tester.comment("/deploy")
    assert "Preview ready" in await tester.read()
    assert tester.comments()[0].body.startswith("⚠️ **Run #1 is lost**")
    assert [one.id for one in await tester.runs()] == [1]
    every_marker_once(tester)


async def test_a_report_that_gitee_does_not_take_holds_up_no_command(
    tester: OfflineTester, caplog: pytest.LogCaptureFixture
) -> None:
    await building(tester)
    (lost,) = tester.comments()
    tester.clock.skip(timedelta(minutes=1))  # The new store has nothing to do with the opening.
    await lose(tester, repos=NAMED)
    fault = tester.gitee.faults.add("PATCH", f"/comments/{lost.id}$", status=500, times=999)
    assert "/deploy" in await tester.says("/help")
    await tester.sweep()
    assert f"comment {lost.id} of {REPO}!1 stays for now" in caplog.text
    fault.times = 0
    await tester.sweep()
    assert tester.comments()[0].body.startswith("⚠️ **Run #1 is lost**")


async def test_what_a_deleted_store_has_finished_stays_as_it_is(tester: OfflineTester) -> None:
    said = await tester.opened()
    old = await run(tester, 1)
    await lose(tester, repos=NAMED)
    await tester.sweep()
    assert [comment.body for comment in tester.comments()] == [said]
    assert "Preview ready" in await tester.says("/deploy")
    assert tester.comments()[0].body == said
    every_marker_once(tester)
    new = await run(tester, 1)
    async with visitor(tester.bot.listeners.web.url) as client:
        gone = await client.get(f"/runs/{old.name}", headers={"Accept-Language": "en"})
        assert (gone.status_code, "This run is no longer known" in gone.text) == (404, True)
        assert (await client.get(f"/reports/{old.name}/")).status_code == 404
        assert (await client.get(f"/runs/{new.name}")).status_code == 200
        assert (await client.get("/runs/1")).status_code == 200


async def test_an_older_backup_gives_no_marker_out_again(
    tester: OfflineTester, caplog: pytest.LogCaptureFixture
) -> None:
    await tester.opened()
    copy = await back_up(tester)
    await tester.says("/build")
    gate = tester.world.script.hold("test")
    await tester.comment("/test")
    await gate.reached()
    await tester.shows(3, "Testing")
    await tester.shows(2, "followed by #3")
    built = tester.comments()[1].body
    identity = await tester.bot.store.identities.current()

    await restore(tester, copy, repos=NAMED)
    assert "Image built" in await tester.says("/build", by="mei")
    assert [one.id for one in await tester.runs()] == [1, 2]
    await tester.sweep()
    await tester.idle()

    assert "followed by #2" in tester.comments()[0].body
    assert tester.comments()[1].body == built
    assert "**Run #3 is lost**" in tester.comments()[2].body
    every_marker_once(tester)
    renewed = await tester.bot.store.identities.all()
    assert [one.id for one in renewed[1:]] == [identity.id]
    assert "an older backup of the store was restored" in caplog.text
    await tester.sweep()
    await tester.restart()
    await tester.sweep()
    assert await tester.bot.store.identities.all() == renewed
    await tester.read_all()
    every_marker_once(tester)


async def test_a_comment_that_a_backup_does_not_know_is_edited(tester: OfflineTester) -> None:
    await building(tester)
    copy = await back_up(tester)
    assert "Preview ready" in await tester.living(1)
    await restore(tester, copy, "DELETE FROM comments")
    assert "Preview ready" in await tester.living(1)
    assert len(tester.comments()) == 1
    every_marker_once(tester)


async def test_a_reply_that_a_backup_does_not_know_is_edited(tester: OfflineTester) -> None:
    await tester.configure(IDLE)
    await tester.open()
    await tester.says_nothing()
    copy = await back_up(tester)
    said = await tester.says("/status")
    await restore(tester, copy, repos=NAMED)
    await tester.sweep()
    await tester.idle()
    assert [comment.body.split("by=")[0] for comment in tester.comments()] == [said.split("by=")[0]]
    every_marker_once(tester)


async def test_a_webhook_of_a_deleted_store_that_is_sent_again_edits_the_reply(tester: OfflineTester) -> None:
    await tester.configure(IDLE)
    await tester.open()
    await tester.says_nothing()
    said = await tester.says("/help")
    sent = tester.gitee.deliveries
    asked = next(index for index, one in enumerate(sent) if b'"/help"' in one.body)
    await lose(tester)
    tester.gitee.redeliver(asked)
    await tester.idle()
    (comment,) = tester.comments()
    assert comment.body.split("by=")[0] == said.split("by=")[0]
    assert len(comment.history) == 2


async def test_another_living_bot_is_reported_once(
    tester: OfflineTester, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await tester.configure(IDLE)
    await tester.open()
    await tester.says_nothing()
    settings = replace(tester.settings, server=ServerSettings(port=0, data_dir=tmp_path / "second"))
    async with bot_at(tester.gitee, settings, FakeWorld(), tester.clock, Line()) as second:
        tester.gitee.add_hook(REPO, f"{second.listeners.web.url}/webhooks/gitee", SECRET)
        await tester.comment("/build")
        await tester.gitee.wait_for(
            lambda: [one for one in tester.comments() if "Image built" in one.body][1:], tester.patience
        )
        other = await second.store.identities.current()
    await tester.stop()
    changed(tester, "UPDATE store_identities SET created_at = '2026-01-01 00:00:00'")
    await tester.start(repos=NAMED)
    for _ in range(2):
        await tester.sweep()
    (found,) = [one for one in caplog.messages if "another bot works in team/shop" in one]
    assert f"chatops/{other.id} of the account {BOT}" in found
    assert "exclude the repository" in found
    assert len(await tester.read_all()) == 2
    every_marker_once(tester)


@pytest.mark.attack
async def test_nobody_else_can_have_a_comment_edited(tester: OfflineTester) -> None:
    forged = Marker("run", "7", "x7k2p9").text(markers.Owner("chatops", "z9z9z9z9"), unfinished=True)
    await tester.configure(IDLE)
    await tester.open()
    await tester.says_nothing()
    number = await tester.comment(f"Building\n\n{forged}", by="stranger")
    await tester.restart(repos=NAMED)
    await tester.sweep()
    (comment,) = [one for one in tester.gitee.comments(REPO, tester.number) if one.id == number]
    assert len(comment.history) == 1
    await tester.says_nothing()


async def test_the_comments_of_an_earlier_version_are_found_and_edited(tester: OfflineTester) -> None:
    said = await tester.opened()
    (comment,) = tester.comments()
    await tester.stop()
    with closing(sqlite3.connect(file(tester))) as connection, connection:
        (data,) = connection.execute("SELECT data FROM runs").fetchone()
        connection.execute("UPDATE runs SET data = ?", (json.dumps({**json.loads(data), "uid": ""}),))
        connection.execute("UPDATE runs SET revision = revision + 1")
        connection.execute("UPDATE comments SET comment_id = 0, body_digest = ''")
    old = f"{said.rpartition('<!--')[0]}<!-- chatops:run=1 -->\n"
    await tester.gitee.edit_comment(REPO, comment.id, old, by=BOT)
    await tester.start(repos=NAMED)
    await tester.bot.comments.catch_up()
    await tester.idle()
    (edited,) = tester.comments()
    assert "Preview ready" in edited.body
    owner = await tester.bot.deps.identity.owner()
    assert edited.body.endswith(f"<!-- chatops:run=1 by={owner.text} -->\n")
    await tester.sweep()
    assert tester.comments()[0].body == edited.body
    async with visitor(tester.bot.listeners.web.url) as client:
        assert (await client.get("/runs/1")).status_code == 200


@pytest.fixture(autouse=True)
def warnings_only(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
