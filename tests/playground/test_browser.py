"""The pull request's page in a real Chromium: comments of others appear, and own comments are sent."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, expect

from playground.server import OfflineGitee
from tests.playground.receiving import REPO
from tests.real.browser import chromium

pytestmark = pytest.mark.browser


@pytest.fixture
async def page(gitee: OfflineGitee, pull: int) -> AsyncIterator[Page]:
    """Open the page of a pull request; at the end, fail if a script had an error."""
    errors: list[str] = []
    async with chromium() as window:
        page = await window.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("dialog", lambda dialog: errors.append(dialog.message))
        await page.goto(f"{gitee.url}/{REPO}/pulls/{pull}")
        yield page
    assert errors == []


async def test_a_typed_comment_appears(gitee: OfflineGitee, page: Page, pull: int) -> None:
    await page.get_by_label("身份").first.select_option("mei")
    await page.get_by_label("写评论").fill("**/help** @lin :x:")
    await page.get_by_label("写评论").press("Control+Enter")
    comment = page.locator("#conversation article.comment").last
    await expect(comment.locator(".body strong")).to_have_text("/help")
    await expect(comment.locator(".mention")).to_have_text("@lin")
    await expect(page.get_by_label("写评论")).to_have_value("")
    assert [one.author.login for one in gitee.comments(REPO, pull)] == ["mei"]


async def test_the_bots_comment_changes_in_place_and_keeps_folds_open(
    gitee: OfflineGitee, page: Page, pull: int
) -> None:
    text = "{}\n\n<details><summary>Log</summary>\n\nlines\n\n</details>"
    note = await gitee.comment(REPO, pull, text.format("building"), by="chatops-bot")
    comment = page.locator(f"#note_{note}")
    body = comment.locator(".body")
    await expect(body).to_contain_text("building")
    await body.get_by_text("Log").click()
    await gitee.edit_comment(REPO, note, text.format("ready"), by="chatops-bot")
    await expect(body).to_contain_text("ready")
    await expect(comment).to_contain_text("已编辑")
    await expect(body.get_by_text("lines")).to_be_visible()
    await gitee.delete_comment(REPO, note, by="chatops-bot")
    await expect(comment).to_have_count(0)


async def test_suggestions_buttons_and_refusals(gitee: OfflineGitee, page: Page, pull: int) -> None:
    await page.get_by_role("button", name="/deploy").click()
    await expect(page.get_by_label("写评论")).to_have_value("/deploy")
    await page.get_by_label("身份").first.select_option("stranger")
    await page.get_by_role("button", name="合并", exact=True).click()
    await expect(page.locator("#write .problem")).to_have_text("403 Forbidden")
    await page.get_by_label("身份").first.select_option("mei")
    await page.get_by_label("写评论").fill("")
    await page.get_by_role("button", name="关闭", exact=True).click()
    await expect(page.locator("#summary .badge").first).to_have_text("已关闭")
    await page.get_by_role("button", name="重新打开").click()
    await expect(page.locator("#summary .badge").first).to_have_text("开启")
    assert gitee.pull(REPO, pull).state == "open"


async def test_a_file_is_edited_in_the_page(gitee: OfflineGitee, page: Page, pull: int) -> None:
    await page.get_by_text("推送新的提交").click()
    await page.get_by_label("文件路径").fill("src/app.py")
    await page.get_by_label("文件路径").press("Tab")
    await expect(page.get_by_label("新的内容")).to_have_value("print('hello')\n")
    await page.get_by_label("新的内容").fill("print('edited')\n")
    await page.get_by_role("button", name="推送").click()
    await expect(page.locator("#conversation .event").last).to_contain_text("推送了新的提交")
    await expect(page.locator("#summary .sha")).to_have_text(gitee.pull(REPO, pull).head_sha[:8])


async def test_hostile_comments_do_nothing(gitee: OfflineGitee, page: Page, pull: int) -> None:
    hostile = (
        "<img src=x onerror=alert(1)><script>alert(2)</script>"
        "<a href='javascript:alert(3)'>x</a> <svg onload=alert(4)>done"
    )
    note = await gitee.comment(REPO, pull, hostile, by="stranger")
    body = page.locator(f"#note_{note} .body")
    await expect(body).to_contain_text("done")
    await body.get_by_text("x", exact=True).click()
    await expect(body.locator("script, svg, [onerror], [onload], a[href]")).to_have_count(0)
