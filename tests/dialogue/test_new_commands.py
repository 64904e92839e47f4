"""A new command is files in `commands` and `comment_templates` and nothing else, as CONTRIBUTING shows it."""

import re
import shutil
import sys
from pathlib import Path

import pytest

import commands
from bot.app import engine
from tests.dialogue.offline import OfflineTester, visitor
from tests.dialogue.test_commands import BY_HAND
from tests.docs.documents import ROOT

FILES = ("ping.py", "errors.py", "en/errors.md.j2", "zh/errors.md.j2")
LOG = "ok\nERROR: no module named shop\n```\n@all error <!-- x -->\n"


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the files that CONTRIBUTING shows beside those of the bot."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    shown = re.findall(r"```(?:python|jinja)\n(.*?)```", text, re.DOTALL)
    shutil.copytree(ROOT / "comment_templates", tmp_path / "templates")
    (tmp_path / "commands").mkdir()
    for name, content in zip(FILES, shown, strict=True):
        folder = "commands" if name.endswith(".py") else "templates"
        (tmp_path / folder / name).write_text(content, "utf-8")
    monkeypatch.setattr(engine, "TEMPLATES", tmp_path / "templates")
    monkeypatch.setattr(commands, "__path__", [*commands.__path__, str(tmp_path / "commands")])
    for module in ("ping", "errors"):
        # Undone, these remove what the import leaves behind.
        monkeypatch.setattr(commands, module, None, raising=False)
        monkeypatch.setitem(sys.modules, f"commands.{module}", None)
        monkeypatch.delitem(sys.modules, f"commands.{module}")


@pytest.mark.usefixtures("added")
async def test_files_are_all_that_a_new_command_takes(tester: OfflineTester) -> None:
    await tester.restart()
    await tester.configure(BY_HAND)
    await tester.open()

    assert (await tester.says("/ping", by="stranger")).startswith("Pong, stranger")
    assert "did you mean `/ping`?" in await tester.says("/pign")
    assert "The latest logs mention no error" in await tester.says("/errors")
    await tester.says("/build")
    tester.bot.deps.adapters.files.log(1, "build").write(LOG)
    said = await tester.says("/错误")
    assert said.startswith(
        "@lin Lines of the latest logs that mention an error:\n\n```text\nERROR: no module named shop\n"
    )
    assert said.count("<!--") == 1
    assert "`/errors`" in await tester.says("/help")
    async with visitor(tester.bot.listeners.web.url) as browser:
        assert "/errors" in (await browser.get("/commands")).text


@pytest.mark.usefixtures("added")
async def test_a_new_command_speaks_both_languages(tester: OfflineTester) -> None:
    await tester.restart()
    await tester.configure(f"{BY_HAND}language: zh\n")
    await tester.open()

    assert (await tester.says("/在吗")).startswith("在的，lin。")
    await tester.says("/build")
    tester.bot.deps.adapters.files.log(1, "build").write(LOG)
    assert "最近的日志中提到错误的行：" in await tester.says("/errors")
